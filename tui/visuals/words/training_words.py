"""The training pane in words: where a step lies, what it takes, and who works how much of it."""

from engine.protocol.training import TrainingScene
from engine.visible_text import visible
from tui.format import clock_text, count_text, microseconds_text, percent_text
from tui.visuals.training_text import TrainingView, phase_shares
from tui.visuals.words.word_table import word_table

__all__ = ["training_words"]


def training_words(view: TrainingView) -> str:
    """Return sentences and a table."""
    scene = view.scene
    if scene is None:
        return f"Training on the wafer: {view.note}."
    parts = [
        f"Training on the wafer: {visible(scene.model)} learns; {visible(view.progress)}.",
        f"A step of {scene.batch} × {count_text(scene.tokens)} tokens takes "
        f"{count_text(scene.cycles)} cycles, {microseconds_text(1e6 * scene.seconds)} at "
        f"{clock_text(scene.clock_ghz)} (wafer, priced by formula, never run).",
    ]
    if scene.adapters:
        parts.append("That is the price of all weights; here only adapters learn.")
    if view.pace_seconds is not None:
        parts.append(f"On this computer one takes {view.pace_seconds:.1f} s (host, measured).")
    shares = ", ".join(f"{kind} {percent_text(each)}" for kind, each in phase_shares(scene).items())
    parts.append(f"Of the time of all stages: {shares}.")
    parts.append(_stages(scene))
    return "\n".join(parts)


def _stages(scene: TrainingScene) -> str:
    rows = []
    for stage, name in enumerate(scene.stages):
        blocks = [block for block in scene.blocks if block.stage == stage]
        busy = sum(each.end - each.start for each in scene.passes if each.stage == stage)
        rows.append(
            (
                visible(name),
                count_text(sum(block.columns * block.rows for block in blocks)),
                f"{blocks[0].column}, {blocks[0].row}",
                percent_text(busy / scene.cycles),
            )
        )
    return word_table(("stage", "cores", "first core", "works"), rows)
