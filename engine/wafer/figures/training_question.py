"""Cycles of a training step: the placement that takes the fewest, and what limits it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.cost.energy import joules
from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.dedicated_training import DedicatedTraining
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_size
from engine.wafer.figures.spreads import spread
from engine.wafer.place.model_shape import ModelShape, model_shape
from engine.wafer.program.machine import MachineSpec

__all__ = ["TrainingQuestion", "train_step"]

_SIDES = (64, 128, 256, 512)
"""Cores along a block's edge that are tried."""
_HEAD_BLOCKS = (1, 2, 4, 8, 16, 32)
_MOST_WAFERS = 64


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A step of training: rows of tokens, and what of the placement is given."""

    rows: int
    """Of the batch; each is a micro-batch."""
    tokens: int
    """Of a row."""
    side: int | None = None
    """P, cores along a block's edge; None: what takes the fewest cycles."""
    blocks: int | None = None
    """Blocks of layers; None: as many as lie on the wafers, at most one a layer."""


def train_step(graph: ModelGraph, machine: MachineSpec, question: TrainingQuestion) -> Prediction:
    """Return the cycles of a training step on the fewest wafers that hold it.

    Args:
        graph: The model; no weights are needed.
        machine: The chip.
        question: How much is learnt, and what of the placement is given.

    Raises:
        PlacementError: It fits on no number of wafers; the message names what is in the way.
        PredictionError: A size makes no sense.
    """
    check_size("tokens", question.tokens, graph.context_length, "the model's own context")
    check_size("rows", question.rows, LARGEST_SIZE, "rows of a batch")
    model = model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)
    placed = _placed(model, machine, question)
    phases = placed.phases(machine, calibration.WSE3_DEDICATED)
    cycles = waferllm.total(phases)
    return Prediction(
        cycles,
        "analytic",
        machine,
        False,
        {"model": graph.name, **_found(placed, machine, cycles)},
        phases,
        spread=spread(machine.name, "train-step"),
    )


def _found(placed: DedicatedTraining, machine: MachineSpec, cycles: int) -> dict[str, object]:
    """Return the placement and the rates, as JSON has them."""
    clock, learnt = Gigahertz(machine.clock_ghz), placed.rows * placed.tokens
    rate = learnt * tokens_per_second(cycles, clock)
    macs = placed.macs()
    energy = joules(machine, cycles, macs=macs, cores=placed.cores, wafers=placed.wafers)
    return {
        "rows": placed.rows,
        "tokens": placed.tokens,
        "dtype": FP16.name,
        "side": placed.side,
        "blocks": placed.blocks,
        "head_blocks": placed.head_blocks,
        "wafers": placed.wafers,
        "recompute": placed.recompute,
        "tokens_per_second": rate,
        "utilisation": 2 * macs * rate / learnt / (machine.peak_flops * placed.wafers),
        "sram_bytes": placed.sram_bytes(machine),
        "joules": energy.as_json(),
        "off_chip_bytes": 4 * learnt,
        "bit_exact": False,
    }


def _placed(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> DedicatedTraining:
    sides = _sides(machine, question)
    if question.blocks is not None:
        check_size("blocks", question.blocks, model.layers, "layers")
    for wafers in range(1, _MOST_WAFERS + 1):
        tried = list(_on_wafers(model, machine, question, sides, wafers))
        fitting = [each for each in tried if _lacking(each, machine) <= 0]
        if fitting:
            constants = calibration.WSE3_DEDICATED
            return min(fitting, key=lambda each: waferllm.total(each.phases(machine, constants)))
    raise PlacementError(_refusal(model, machine, question, sides))


def _sides(machine: MachineSpec, question: TrainingQuestion) -> list[int]:
    most = min(machine.columns, machine.rows)
    if question.side is None:
        return [side for side in _SIDES if side <= most] or [most]
    check_size("side", question.side, most, f"cores a side on {machine.name}")
    return [question.side]


def _on_wafers(
    model: ModelShape,
    machine: MachineSpec,
    question: TrainingQuestion,
    sides: list[int],
    wafers: int,
) -> Iterator[DedicatedTraining]:
    """Yield what could be placed on so many wafers, whether its cores hold it or not."""
    for side in sides:
        squares = (machine.columns // side) * (machine.rows // side) * wafers
        for head, recompute in product(_HEAD_BLOCKS, (False, True)):
            blocks = question.blocks or min(squares - head, model.layers)
            if 0 < blocks <= squares - head:
                yield DedicatedTraining(
                    model, side, blocks, head, question.rows, question.tokens, recompute, wafers
                )


def _lacking(placed: DedicatedTraining, machine: MachineSpec) -> int:
    """Return the bytes of SRAM that the fullest core lacks; at most 0 where all fits."""
    fullest = max(sum(uses.values()) for uses in placed.sram_bytes(machine).values())
    return fullest - machine.sram_bytes


def _refusal(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion, sides: list[int]
) -> str:
    tried = list(_on_wafers(model, machine, question, sides, _MOST_WAFERS))
    if not tried:
        return (
            f"a step of {question.rows} × {question.tokens:,} tokens: {machine.name} has no room "
            f"for blocks of {sides[0]}² cores: use fewer cores a side or fewer blocks"
        )
    nearest = min(tried, key=lambda each: _lacking(each, machine))
    part, uses = max(nearest.sram_bytes(machine).items(), key=lambda item: sum(item[1].values()))
    largest = max(uses, key=lambda use: uses[use])
    shares = ", ".join(f"{name} {size:,}" for name, size in uses.items())
    return (
        f"a step of {question.rows} × {question.tokens:,} tokens on {nearest.wafers} wafers, in "
        f"blocks of {nearest.side}² cores: a core of the {part} needs {sum(uses.values()):,} bytes "
        f"of SRAM and {machine.name} has {machine.sram_bytes:,} ({shares}): most is {largest}; use "
        f"{_REMEDIES.get(largest, 'more cores a side')}"
    )


_REMEDIES = {
    "activations kept": "shorter rows or fewer of them",
    "a layer at work": "shorter rows or more cores a side",
    "logits": "shorter rows or more cores a side",
    "code": "a machine with more SRAM a core",
}
