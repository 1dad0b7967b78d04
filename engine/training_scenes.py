"""A step of training as a scene for a screen: blocks at their places, and their passes in time.

Prices only.  Squares of a resident layout lie row by row, every second row from right to left, so
that neighbours in the stream are neighbours on the wafer; the price does not depend on it.
"""

from collections.abc import Iterator
from pathlib import Path

from engine.errors import PlacementError
from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.model.load import read_formats
from engine.protocol.training import TrainingBlock, TrainingPass, TrainingScene
from engine.wafer.figures.dedicated_training import DedicatedTraining
from engine.wafer.figures.pipeline_schedule import pipeline_cycles, pipeline_passes
from engine.wafer.figures.streamed_training import StreamedTraining
from engine.wafer.figures.training_question import (
    TrainingQuestion,
    cycles_of,
    plan_layouts,
    priced_shape,
)
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec

__all__ = ["training_scene"]


def training_scene(
    place: Path, batch: int, tokens: int, machine: str = "wse3", *, adapters: bool = False
) -> TrainingScene:
    """Return a step of a model on one wafer: resident where it fits, else streamed.

    Args:
        place: The model's folder or GGUF file; its weights are not read.
        batch: Rows of a step.
        tokens: Of a row.
        machine: Name of the machine.
        adapters: Whether only adapters learn, which is told.

    Raises:
        ConfigError: The configuration has no price.
        PlacementError: No layout fits one wafer.
        WeightsError: The file is malformed.
    """
    graph = _graph(place, tokens)
    spec, question = machines.get(machine), TrainingQuestion(batch, tokens)
    layouts = {each.layout: each for each in plan_layouts(priced_shape(graph), spec, question)}
    fitting = [each.placed for each in layouts.values() if not each.refusal]
    placed = next(iter(fitting), None)
    if isinstance(placed, DedicatedTraining):
        return _resident(graph.name, placed, spec, adapters=adapters)
    if isinstance(placed, StreamedTraining):
        return _streamed(graph.name, placed, spec, adapters=adapters)
    raise PlacementError(layouts["streamed"].refusal)


def _graph(place: Path, tokens: int) -> ModelGraph:
    return (
        read_formats(place, tokens)[0]
        if place.is_file()
        else read_graph(place / "config.json", tokens)
    )


def _resident(
    name: str, placed: DedicatedTraining, spec: MachineSpec, *, adapters: bool
) -> TrainingScene:
    """Return blocks of layers and of the head, and the passes of one forward, one backward."""
    stages = [*_layer_names(placed), "head"]
    pipeline = placed.pipeline(spec)
    cycles, head = cycles_of(placed, spec), len(stages) - 1
    passed = pipeline_cycles(pipeline, placed.rows)
    passes = [
        TrainingPass(
            each.block,
            "backward" if each.is_backward else "loss" if each.block == head else "forward",
            str(each.row + 1),
            each.start,
            each.end,
        )
        for each in pipeline_passes(pipeline, placed.rows)
    ]
    passes += [
        TrainingPass(stage, "optimiser", "", passed, float(cycles)) for stage in range(head + 1)
    ]
    owners = [*range(head), *[head] * placed.head_blocks]
    side = placed.side
    blocks = [
        TrainingBlock(stages[stage], stage, column, row, side, side)
        for stage, (column, row) in zip(owners, _squares(spec, side), strict=False)
    ]
    return TrainingScene(
        name, spec.name, spec.clock_ghz, spec.columns, spec.rows, placed.name, placed.rows,
        placed.tokens, cycles, tuple(stages), tuple(blocks), _in_order(passes), adapters,
    )  # fmt: skip


def _layer_names(placed: DedicatedTraining) -> Iterator[str]:
    least, more = divmod(placed.model.layers, placed.blocks)
    first = 0
    for block in range(placed.blocks):
        last = first + least + (block < more) - 1
        yield f"layer {first}" if last == first else f"layers {first}–{last}"
        first = last + 1


def _squares(spec: MachineSpec, side: int) -> Iterator[tuple[int, int]]:
    """Yield (column, row) of the first cores of squares, there and back."""
    across = spec.columns // side
    for row in range(spec.rows // side):
        order = range(across) if row % 2 == 0 else reversed(range(across))
        yield from ((column * side, row * side) for column in order)


def _streamed(
    name: str, placed: StreamedTraining, spec: MachineSpec, *, adapters: bool
) -> TrainingScene:
    """Return one block that takes a layer after the other, forward, and back in reverse.

    A layer's share of forward and of backward is what the phases say of all; what waits for the
    edge belongs to the way back, where most of it is.
    """
    phases, cycles = dict(placed.phases(spec)), cycles_of(placed, spec)
    layers, times = placed.model.layers, placed.micro_batches
    forward = phases["forward"] / (times * layers)
    loss = phases["head and loss"] / times
    rest = cycles - phases["forward"] - phases["head and loss"]
    backward = rest / (times * layers)
    passes, now = list[TrainingPass](), 0.0
    for _ in range(times):
        row = [("forward", f"layer {layer}", forward) for layer in range(layers)]
        row.append(("loss", "head", loss))
        row += [("backward", f"layer {layer}", backward) for layer in reversed(range(layers))]
        for kind, what, cost in row:
            passes.append(TrainingPass(0, kind, what, now, now + cost))
            now += cost
    across, down = placed.columns, placed.features
    if across > spec.columns:
        across, down = down, across
    block = TrainingBlock("a layer at a time", 0, 0, 0, across, down)
    return TrainingScene(
        name, spec.name, spec.clock_ghz, spec.columns, spec.rows, placed.name, placed.rows,
        placed.tokens, cycles, ("all cores",), (block,), tuple(passes), adapters,
    )  # fmt: skip


def _in_order(passes: list[TrainingPass]) -> tuple[TrainingPass, ...]:
    return tuple(sorted(passes, key=lambda each: (each.stage, each.start)))
