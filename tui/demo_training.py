"""A made-up step of training, for the demo of its pane and for tests.  Deterministic."""

from engine.protocol.training import TrainingBlock, TrainingPass, TrainingScene

__all__ = ["demo_scene"]

_LAYERS, _ROWS = 6, 8
_THERE, _BACK, _LOSS = 1_000.0, 2_000.0, 2_500.0


def demo_scene() -> TrainingScene:
    """Return six blocks of a layer and six of the head on two rows of the wafer, and eight rows."""
    stages = (*(f"layer {layer}" for layer in range(_LAYERS)), "head")
    places = [(column * 64, row * 64) for row in range(2) for column in range(_LAYERS)]
    blocks = tuple(
        TrainingBlock(stages[min(number, _LAYERS)], min(number, _LAYERS), column, row, 64, 64)
        for number, (column, row) in enumerate(places)
    )
    passes = [each for stage in range(_LAYERS + 1) for each in _passes(stage)]
    end = max(each.end for each in passes)
    moves = [TrainingPass(stage, "optimiser", "", end, end + 3_000) for stage in range(_LAYERS + 1)]
    ordered = tuple(sorted([*passes, *moves], key=lambda each: (each.stage, each.start)))
    return TrainingScene(
        "spark-demo", "wse3", 0.85, 755, 1170, "resident", _ROWS, 512, int(end + 3_000), stages,
        blocks, ordered,
    )  # fmt: skip


def _passes(stage: int) -> list[TrainingPass]:
    """Return a stage's rows, each there and, when all have been there, back; evenly apart."""
    apart = _THERE + _BACK
    found = []
    for row in range(_ROWS):
        there = stage * _THERE + row * apart
        if stage == _LAYERS:
            found.append(TrainingPass(stage, "loss", str(row + 1), there, there + _LOSS))
            continue
        turned = _LAYERS * _THERE + row * apart + _LOSS
        back = turned + (_LAYERS - 1 - stage) * _BACK
        found.append(TrainingPass(stage, "forward", str(row + 1), there, there + _THERE))
        found.append(TrainingPass(stage, "backward", str(row + 1), back, back + _BACK))
    return found
