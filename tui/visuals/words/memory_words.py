"""The memory pane in words: the model, where it lies, what fills its fullest cores, KV rows."""

from engine.protocol.messages import EngineReady, ModelInfo
from engine.visible_text import visible
from tui.format import bytes_text, count_text, file_size_text, rate_text, short_count_text
from tui.visuals.memory_text import MemoryView, region_kinds
from tui.visuals.palette import USE_COLOURS
from tui.visuals.words.word_table import word_table

__all__ = ["memory_words"]


def memory_words(view: MemoryView) -> str:
    """Return sentences and a table."""
    ready = view.ready
    if ready is None:
        return "Model and memory: known once the engine is ready."
    parts = [_model(ready.model)]
    if view.tokens_per_second is not None:
        parts.append(f"Here it last wrote {rate_text(view.tokens_per_second)} tokens/s (host).")
    parts.append(
        f"{count_text(view.position)} of {count_text(view.context_length)} rows of its KV cache "
        "are filled."
    )
    if not ready.model.remote:
        parts.append(
            f"Of {bytes_text(ready.machine.sram_bytes_per_core)} SRAM in each core of "
            f"{visible(ready.machine.name)}, the fullest cores use:"
        )
        parts.append(_sram(ready))
    return "\n".join(parts)


def _model(model: ModelInfo) -> str:
    facts = (
        f"Model and memory: {visible(model.name)}, {short_count_text(model.parameters)} parameters,"
        f" {file_size_text(model.weight_bytes)}, {model.layers} layers of width {model.width}; "
    )
    if model.remote:
        return f"{facts}{visible(model.remote)} computes it."
    reads = "fills the middle" if model.fill_in_the_middle else "reads the prefix only"
    types = ", ".join(
        f"{visible(name)} {file_size_text(kind.bytes)} in {kind.tensors} tensors"
        for name, kind in model.types.items()
    )
    return f"{facts}it {reads}. Weights: {types or 'unknown'}."


def _sram(ready: EngineReady) -> str:
    rows = [
        (
            f"{visible(kind.name)} ({kind.count} × {kind.shape})",
            *(bytes_text(kind.sram_bytes.get(use, 0)) for use in USE_COLOURS),
            bytes_text(kind.used_bytes),
        )
        for kind in region_kinds(ready.machine.regions)
    ]
    return word_table(("regions", *USE_COLOURS, "all"), rows)
