"""Decode cycles of any decoder on a machine: configuration → planner → compiler → cycles.

The same planner, compiler and costs as the app; no weights are read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import PlacementError, PredictionError
from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS, uniform_formats
from engine.model.tensors.tensor import Format
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.figures import calibration
from engine.wafer.figures.questions import Prediction
from engine.wafer.place.placement import Placement
from engine.wafer.plan.planner import plan, plan_shape
from engine.wafer.program import machine as machines
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.timing.timing import Timing

__all__ = ["Priced", "decode", "price"]


@dataclass(frozen=True, slots=True)
class Priced:
    """A model on a machine, ready to be asked for cycles."""

    placement: Placement
    timing: Timing
    head_cycles: int
    """Of the instructions after the layers: last norm, vocabulary, choice of a token."""

    def position(self, context: int, rows: int = 1) -> int:
        """Return where ``rows`` tokens begin: at ``context``, or as late as there is room."""
        return min(context, self.placement.context_length - rows)

    def step_cycles(self, context: int, rows: int = 1) -> int:
        """Return the cycles of a step of ``rows`` tokens after ``context`` rows of the cache."""
        return self.timing.step_cycles(self.position(context, rows), rows)


def price(graph: ModelGraph, machine: MachineSpec, placement: Placement) -> Priced:
    """Compile and price a model where it lies.

    Raises:
        PlacementError: The graph has a node without a price.
    """
    compiled = compile_graph(graph, machine, placement, by_core=False)
    table = compiled.program.instructions
    after = (table[:, Field.LAYER] < 0) & ~np.isin(table[:, Field.OP], (Op.EMBED, Op.RECEIVE))
    head = int(table[after, Field.CYCLES].sum())
    return Priced(placement, Timing(compiled, placement, by_core=False), head)


def _placed(
    graph: ModelGraph,
    machine: MachineSpec,
    context: int,
    blocks: int | None,
    block: tuple[int, int] | None,
    format: Format,
) -> Placement:
    """Place as the app does, for the model's own context; else what can only be priced.

    A context of its own that does not fit is no reason to refuse the one that was asked for.
    """
    formats = uniform_formats(graph.weights, format)
    if format.runs and blocks is None and block is None:
        try:
            return plan(graph, machine, formats=formats)
        except PlacementError:
            pass  # more than the tiers can run
    try:
        return plan_shape(graph, machine, blocks=blocks, block=block, formats=formats).placement
    except PlacementError:
        asked = plan_shape(graph, machine, context, blocks=blocks, block=block, formats=formats)
        return asked.placement


def decode(
    machine: str,
    *,
    config: Path,
    context: int,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    dtype: str = "int8",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one decoded token of the model in a configuration.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``.
        context: Rows in the KV cache.
        blocks: Blocks of layers; None means the planner's choice.
        block: Columns and rows of a block; None means the planner's choice.
        dtype: Name of the format of all matrices, one that has a price.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        MachineError: The machine is unknown.
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    format = _priced_format(dtype)
    graph = read_graph(config, max(1, context))
    if not 1 <= context <= graph.context_length:
        raise PredictionError(
            f"context is {context}: it must be 1 to {graph.context_length}, the model's own"
        )
    if blocks is not None and not 1 <= blocks <= graph.layers:
        raise PredictionError(f"blocks is {blocks}: it must be 1 to {graph.layers} (layers)")
    if block is not None:
        _check_block(spec, block)
    room = min(context + 1, graph.context_length)
    priced = price(graph, spec, _placed(graph, spec, room, blocks, block, format))
    cycles = priced.step_cycles(context)
    placement = priced.placement
    asked: dict[str, object] = {
        "model": graph.name,
        "context": context,
        "dtype": dtype,
        "blocks": len(placement.regions) - 1,
        "block": [placement.shape.columns, placement.shape.rows],
        "head_columns": placement.shape.head_columns,
        "wafers": placement.shape.wafers,
        "context_length": placement.context_length,
        "tokens_per_second": tokens_per_second(cycles, Gigahertz(spec.clock_ghz)),
    }
    calibrated = calibration.is_calibrated(machine, "decode")
    parts = list(priced.timing.cycles_by_operation(priced.position(context)).items())
    return Prediction(cycles, "analytic", spec, calibrated, asked, parts, "cycles_per_token")


def _priced_format(name: str) -> Format:
    """Return a format by name."""
    known = {format.name: format for format in FORMATS.values() if format.priced}
    if name not in known:
        raise PredictionError(f"unknown dtype {name!r}: known are {', '.join(known)}")
    return known[name]


def _check_block(spec: MachineSpec, block: tuple[int, int]) -> None:
    columns, rows = block
    if not (1 <= columns <= spec.columns and 1 <= rows <= spec.rows):
        raise PredictionError(
            f"a block of {columns} × {rows} cores: {spec.name} has {spec.columns} × {spec.rows}"
        )
