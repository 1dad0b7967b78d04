"""Decode cycles of a whole model on a machine: planner → compiler → cycles, as the app does it."""

from contextlib import suppress
from dataclasses import dataclass, replace

from engine.errors import PlacementError, PredictionError
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS, uniform_formats
from engine.model.tensors.floats import FP16
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.cost.energy import joules
from engine.wafer.figures import calibration
from engine.wafer.figures.prediction import Prediction, check_choice
from engine.wafer.figures.priced_model import PricedModel, price
from engine.wafer.figures.spreads import spread
from engine.wafer.place.placement import Placement
from engine.wafer.plan.planner import plan, plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program.machine import MachineSpec

__all__ = ["SAMPLERS", "DecodeQuestion", "decode"]

SAMPLERS = ("wafer", "host")
"""Where a token is chosen: by the head, or by a program on the host that gets all logits."""


_SELECT = "select"
"""The operation that a host's choice replaces."""

_LOGIT_BYTES = 4


@dataclass(frozen=True, slots=True)
class DecodeQuestion:
    """One decoded token of a model.

    Raises:
        PredictionError: No format of weights that has a price is called so.
    """

    context: int
    """Rows in the KV cache."""
    blocks: int | None = None
    """Blocks of layers; None means the planner's choice."""
    block: tuple[int, int] | None = None
    """Columns and rows of a block; None means the planner's choice."""
    dtype: str = "int8"
    """Name of the format of all matrices."""
    sample: str = "wafer"
    """Who chooses the token: one of `SAMPLERS`."""

    def __post_init__(self) -> None:
        check_choice("sample", self.sample, SAMPLERS)
        known = [format.name for format in FORMATS.values() if format.priced]
        if self.dtype not in known:
            raise PredictionError(f"unknown dtype {self.dtype!r}: known are {', '.join(known)}")


def decode(graph: ModelGraph, machine: MachineSpec, question: DecodeQuestion) -> Prediction:
    """Return the cycles of one decoded token.

    Args:
        graph: The model; no weights are needed.
        machine: The chip.
        question: After which context, and what of the placement is given.

    Raises:
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    _check(graph, machine, question)
    priced = price(graph, machine, _place(graph, machine, question))
    parts = _parts(graph, machine, priced, question)
    cycles = sum(part for _, part in parts)
    placement = priced.placed.placement
    asked: dict[str, object] = {
        "model": graph.name,
        "context": question.context,
        "dtype": question.dtype,
        "sample": question.sample,
        "blocks": len(placement.regions) - 1,
        "block": [placement.shape.columns, placement.shape.rows],
        "head_columns": placement.shape.head_columns,
        "wafers": placement.shape.wafers,
        "context_length": placement.context_length,
        "tokens_per_second": tokens_per_second(cycles, Gigahertz(machine.clock_ghz)),
    }
    if question.dtype != FP16.name and placement.wafers > 1:
        fewer = _place(graph, machine, replace(question, dtype=FP16.name)).wafers
        if fewer < placement.wafers:
            asked["wafers_in_fp16"] = fewer
    spent = joules(
        machine,
        cycles,
        macs=priced.placed.timing.macs(priced.position(question.context)),
        cores=priced.placed.program.cores_used,
        wafers=placement.shape.wafers,
    )
    asked |= {f"joules_per_token_{name}": value for name, value in spent.as_json().items()}
    measured = question.dtype == FP16.name  # no other type's kernel was
    calibrated = measured and calibration.is_calibrated(machine.name, "decode")
    calibrated &= question.sample == "wafer"
    given = spread(machine.name, "decode", measured=calibrated)
    return Prediction(
        cycles, "analytic", machine, calibrated, asked, parts, "cycles_per_token", given
    )


def _parts(
    graph: ModelGraph, machine: MachineSpec, priced: PricedModel, question: DecodeQuestion
) -> list[tuple[str, int]]:
    """Return the operations of a token, in cycles.

    A host that samples gets every logit as fp32 and sends the token back; it chooses in no time.
    """
    parts = priced.cycles_by_operation(question.context)
    if question.sample == "host":
        del parts[_SELECT]
        parts["host link"] = machine.host_cycles(_LOGIT_BYTES * graph.vocabulary)
    return list(parts.items())


def _place(graph: ModelGraph, machine: MachineSpec, question: DecodeQuestion) -> Placement:
    """Place for the context that was asked for, as the app would; else for pricing only."""
    format = FORMATS[question.dtype]
    formats = uniform_formats(graph.weights, format)
    room = min(question.context + 1, graph.context_length)
    if format.runs and question.blocks is None and question.block is None:
        with suppress(PlacementError):  # more than the tiers can run
            return plan(graph, machine, room, formats)
    options = PlanOptions(question.blocks, question.block, formats)
    return plan_shape(graph, machine, room, options).placement


def _check(graph: ModelGraph, machine: MachineSpec, question: DecodeQuestion) -> None:
    context, blocks = question.context, question.blocks
    if not 1 <= context <= graph.context_length:
        raise PredictionError(
            f"context is {context}: it must be 1 to {graph.context_length}, the model's own"
        )
    if blocks is not None and not 1 <= blocks <= graph.layers:
        raise PredictionError(f"blocks is {blocks}: it must be 1 to {graph.layers} (layers)")
    if question.block is not None:
        _check_block(machine, question.block)


def _check_block(machine: MachineSpec, block: tuple[int, int]) -> None:
    columns, rows = block
    if not (1 <= columns <= machine.columns and 1 <= rows <= machine.rows):
        raise PredictionError(
            f"a block of {columns} × {rows} cores: {machine.name} has "
            f"{machine.columns} × {machine.rows}"
        )
