"""Cycles of a whole prompt: by a program of its own, and streamed through the layout of decode."""

from dataclasses import dataclass
from math import ceil

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.figures import calibration, waferllm
from engine.wafer.figures.dedicated_prefill import DedicatedPrefill
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_size
from engine.wafer.figures.priced_model import price
from engine.wafer.figures.spreads import spread
from engine.wafer.place.model_shape import ModelShape, model_shape
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program.machine import MachineSpec

__all__ = ["PrefillQuestion", "dedicated", "prefill"]

_SIDE = 256
"""Cores along a block's edge, as was measured; fewer on a machine that has fewer."""

_MOST_WAFERS = 64
_ROWS_TRIED = (1, 2, 3)
"""Tokens of a chunk in one core.  By the formula more would still save time, but no kernel that was
measured has more than 3."""


@dataclass(frozen=True, slots=True)
class PrefillQuestion:
    """A prompt of a model, from an empty cache to the logits of its last token."""

    tokens: int
    chunk: int | None = None
    """Tokens of a chunk of the dedicated program; None: the size that takes the fewest cycles."""
    blocks: int | None = None
    """Its blocks of layers; None: as many as lie on a wafer, at most one a layer."""
    side: int | None = None
    """P, cores along a block's edge; None: 256, or what the machine has."""


def prefill(graph: ModelGraph, machine: MachineSpec, question: PrefillQuestion) -> Prediction:
    """Return the cycles of a dedicated prefill in fp16, with the streamed one's beside them.

    Args:
        graph: The model; no weights are needed.
        machine: The chip.
        question: How many tokens, and what of the placement is given.

    Raises:
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    check_size("tokens", question.tokens, graph.context_length, "the model's own context")
    own = dedicated(_shape(graph), machine, question)
    operations = own.operations(machine, calibration.WSE3_DEDICATED)
    cycles = waferllm.total(operations)
    clock = Gigahertz(machine.clock_ghz)
    asked: dict[str, object] = {
        "model": graph.name,
        "tokens": question.tokens,
        "dtype": FP16.name,
        "chunk": own.chunk,
        "blocks": own.blocks,
        "side": own.side,
        "wafers": own.wafers,
        "tokens_per_second": question.tokens * tokens_per_second(cycles, clock),
        "bit_exact": False,
        **_streamed(graph, machine, question),
    }
    calibrated = calibration.is_calibrated(machine.name, "prefill")
    given = spread(machine.name, "prefill")
    return Prediction(cycles, "analytic", machine, calibrated, asked, operations, spread=given)


def _shape(graph: ModelGraph) -> ModelShape:
    return model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)


def _streamed(
    graph: ModelGraph, machine: MachineSpec, question: PrefillQuestion
) -> dict[str, object]:
    """Return the same prompt row by row through decode's placement, or why there is none.

    Blocks and their size are those that were asked for, else the planner's.
    """
    tokens, side = question.tokens, question.side
    block = None if side is None else (side, side)
    formats = uniform_formats(graph.weights, FP16)
    options = PlanOptions(question.blocks, block, formats)
    try:
        placement = plan_shape(graph, machine, tokens, options).placement
    except PlacementError as error:
        return {"streamed_cycles": None, "streamed_refusal": str(error)}
    cycles = price(graph, machine, placement).placed.timing.step_cycles(0, tokens)
    rate = tokens * tokens_per_second(cycles, Gigahertz(machine.clock_ghz))
    return {
        "streamed_cycles": cycles,
        "streamed_tokens_per_second": rate,
        "streamed_blocks": len(placement.regions) - 1,
        "streamed_bit_exact": True,
    }


def dedicated(
    model: ModelShape, machine: MachineSpec, question: PrefillQuestion
) -> DedicatedPrefill:
    """Return the placement: what is asked for, and the rest as `PrefillQuestion` says.

    Raises:
        PlacementError: It fits on no number of wafers, or not in the blocks that were asked for.
        PredictionError: A size makes no sense.
    """
    most = min(machine.columns, machine.rows)
    side = min(_SIDE, most) if question.side is None else question.side
    check_size("side", side, most, f"cores a side on {machine.name}")
    if question.blocks is not None:
        check_size("blocks", question.blocks, model.layers, "layers")
    if question.chunk is not None:
        check_size("chunk", question.chunk, LARGEST_SIZE, "tokens")
    chunks = [side * rows for rows in _ROWS_TRIED] if question.chunk is None else [question.chunk]
    fitting = [
        placed
        for chunk in chunks
        if (placed := _fewest_wafers(model, machine, question, side, chunk)) is not None
    ]
    if not fitting:
        raise PlacementError(_refusal(model, machine, question, side, chunks[0]))
    constants = calibration.WSE3_DEDICATED
    return min(fitting, key=lambda each: waferllm.total(each.operations(machine, constants)))


def _on_wafers(
    model: ModelShape,
    machine: MachineSpec,
    question: PrefillQuestion,
    side: int,
    chunk: int,
    wafers: int,
) -> DedicatedPrefill:
    squares = (machine.columns // side) * (machine.rows // side) * wafers
    blocks = min(squares, model.layers) if question.blocks is None else question.blocks
    return DedicatedPrefill(model, side, blocks, chunk, question.tokens, wafers)


def _fewest_wafers(
    model: ModelShape, machine: MachineSpec, question: PrefillQuestion, side: int, chunk: int
) -> DedicatedPrefill | None:
    """Return the placement on the fewest wafers whose cores hold it; None: on none."""
    squares = (machine.columns // side) * (machine.rows // side)
    for wafers in range(1, _MOST_WAFERS + 1):
        placed = _on_wafers(model, machine, question, side, chunk, wafers)
        if placed.blocks > squares * wafers:
            continue
        if sum(placed.sram_bytes(machine).values()) <= machine.sram_bytes:
            return placed
        if placed.blocks in (question.blocks, model.layers):
            return None  # more wafers change nothing
    return None


def _refusal(
    model: ModelShape, machine: MachineSpec, question: PrefillQuestion, side: int, chunk: int
) -> str:
    squares = (machine.columns // side) * (machine.rows // side)
    wafers = ceil(model.layers / squares)
    uses = _on_wafers(model, machine, question, side, chunk, wafers).sram_bytes(machine)
    shares = ", ".join(f"{name} {size:,}" for name, size in uses.items())
    return (
        f"a prefill of {question.tokens:,} tokens on blocks of {side}² cores: a core needs "
        f"{sum(uses.values()):,} bytes of SRAM and {machine.name} has {machine.sram_bytes:,} "
        f"({shares}): use more blocks, more cores a side or fewer tokens"
    )
