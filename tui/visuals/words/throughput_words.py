"""The throughput pane in words: rates by clock, and the parts of the last suggestion's time."""

from engine.protocol.completion import Completion
from tui.format import clock_text, count_text, milliseconds_text, rate_text
from tui.visuals.rates import NamedRate, rates
from tui.visuals.throughput_view import ThroughputView
from tui.visuals.words.word_table import word_table

__all__ = ["throughput_words"]


def throughput_words(view: ThroughputView) -> str:
    """Return a table of rates, and a sentence on the last suggestion."""
    parts = [_clocks(view)]
    found = rates(view)
    if any(rate.values for rate in found):
        head = ("rate", "now", "average", "least", "most")
        parts.append(word_table(head, [_row(rate) for rate in found]))
        parts.append(f"Averages are over the last {len(view.history)} intervals with work.")
    else:
        parts.append("Nothing was read or written yet.")
    if view.completion is not None:
        parts.append(_completion(view.completion))
    return "\n".join(parts)


def _clocks(view: ThroughputView) -> str:
    if view.clock_ghz is None:
        return "Throughput: known once the engine is ready."
    clock = clock_text(view.clock_ghz)
    if view.remote:
        return f"Throughput. Host: measured here, of a remote engine. Wafer: priced at {clock}."
    return f"Throughput. Host: measured on this computer. Wafer: emulated, at {clock}."


def _row(rate: NamedRate) -> tuple[str, ...]:
    told = (rate.now, rate.average, rate.least, rate.most)
    write = count_text if rate.unit == "cycles/token" else rate_text
    return (f"{rate.name}, {rate.unit}", *(write(value) for value in told))


def _completion(completion: Completion) -> str:
    host = completion.host
    return (
        f"The last suggestion has {count_text(completion.completion_tokens)} tokens. Host time: "
        f"waited {milliseconds_text(host.queue_ms)}, prefill {milliseconds_text(host.prefill_ms)}, "
        f"decode {milliseconds_text(host.decode_ms)}, trim {milliseconds_text(host.trim_ms)}; "
        f"first text after {milliseconds_text(host.first_text_ms)}. "
        f"{host.accepted_tokens} of {host.guessed_tokens} guessed tokens were right; "
        f"{completion.cached_tokens} of {completion.prompt_tokens} tokens of the prompt came from "
        "the cache."
    )
