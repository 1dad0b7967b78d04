"""Planner: the shape of a model on a machine, few cycles per decoded token on few cores.

First version: a sweep over block sizes, then over head widths, priced by compiling one layer and
counting it as often as the model has layers, at half the context.  Deterministic; no weights.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import ceil

import numpy as np

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.wafer.compiler import compile_graph
from engine.wafer.geometry import GROUP
from engine.wafer.isa import Field
from engine.wafer.machine import MachineSpec
from engine.wafer.placement import ModelShape, Placement, Shape, model_shape, place

__all__ = ["plan"]

_SPANS = (2, 4, 8, 16, 32)
_SLACK = 1.12
"""How much slower than the fastest a smaller shape may be, in each of the two sweeps: a wafer twice
as large for the last few cycles is a poor trade while rows do not overlap between blocks."""
_HEAD_WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def plan(graph: ModelGraph, machine: MachineSpec, context_length: int | None = None) -> Placement:
    """Return the smallest placement whose decode cycles are near the fewest, at half the context.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.

    Raises:
        PlacementError: The context is not one the model has, or no shape fits (the message says
            what the last one lacked).
    """
    model = model_shape(graph)
    context = graph.context_length if context_length is None else context_length
    if not 1 <= context <= graph.context_length:
        raise PlacementError(
            f"a context of {context} asked for; {graph.name} takes 1 to {graph.context_length}"
        )
    layer = _one_layer(graph)
    shapes = (
        Shape(columns, rows, max(1, min(_HEAD_WIDTHS[-1], machine.columns // 4)))
        for rows in _row_choices(model, machine)
        for columns in _column_choices(model, machine)
    )
    shape = _best(layer, model, machine, shapes, context, model.layers)
    widths = (replace(shape, head_columns=w) for w in _HEAD_WIDTHS if w <= machine.columns)
    shape = _best(layer, model, machine, widths, context, model.layers)
    return _place_all(model, machine, shape, context)


def _best(
    layer: ModelGraph,
    model: ModelShape,
    machine: MachineSpec,
    shapes: Iterable[Shape],
    context: int,
    layers: int,
) -> Shape:
    """Return the smallest shape whose cycles are within `_SLACK` of the fewest."""
    priced: list[tuple[int, int, Shape]] = []
    refusal = ""
    for shape in shapes:
        try:
            _place_all(model, machine, shape, context)
            placement = place(replace(model, layers=1), machine, replace(shape, blocks=1), context)
        except PlacementError as error:
            refusal = str(error)
            continue
        cycles = _estimate(layer, machine, placement, layers)
        cores = shape.rows * (shape.columns * layers + shape.head_columns)
        priced.append((cycles, cores, shape))
    if not priced:
        raise PlacementError(
            f"{layer.name} does not fit {machine.name} with a context of {context}: {refusal}"
        )
    limit = _SLACK * min(cycles for cycles, _, _ in priced)
    return min((entry for entry in priced if entry[0] <= limit), key=lambda entry: entry[1])[2]


def _place_all(model: ModelShape, machine: MachineSpec, shape: Shape, context: int) -> Placement:
    """Place with as few layers per block as the wafer has room for."""
    refusal: PlacementError | None = None
    for blocks in range(model.layers, 0, -1):
        try:
            return place(model, machine, replace(shape, blocks=blocks), context)
        except PlacementError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _estimate(layer: ModelGraph, machine: MachineSpec, placement: Placement, layers: int) -> int:
    """Decode cycles at half the context, the one layer counted ``layers`` times."""
    table = compile_graph(layer, machine, placement, by_core=False).program.instructions
    kv_rows = ceil(placement.context_length / 2 / placement.shape.rows)
    cycles = table[:, Field.CYCLES] + table[:, Field.CYCLES_KV] * kv_rows
    return int(np.sum(cycles * np.where(table[:, Field.LAYER] >= 0, layers, 1)))


def _one_layer(graph: ModelGraph) -> ModelGraph:
    """The graph cut down to its first layer; what read the last layer reads the first."""
    last = f"layer {graph.layers - 1}."

    def rename(value: str) -> str:
        return f"layer 0.{value.removeprefix(last)}" if value.startswith(last) else value

    nodes = tuple(
        replace(node, inputs=tuple(rename(value) for value in node.inputs))
        for node in graph.nodes
        if node.layer in (None, 0)
    )
    used = {node.weight for node in nodes}
    written = {node.output for node in nodes}
    return replace(
        graph,
        layers=1,
        nodes=nodes,
        values={name: width for name, width in graph.values.items() if name in written},
        weights={name: shape for name, shape in graph.weights.items() if name in used},
    )


def _row_choices(model: ModelShape, machine: MachineSpec) -> list[int]:
    groups = model.hidden // GROUP
    divisors = [n for n in range(1, groups + 1) if groups % n == 0]
    return [n for n in divisors + [groups * s for s in _SPANS] if n <= machine.rows]


def _column_choices(model: ModelShape, machine: MachineSpec) -> list[int]:
    heads, half = model.attention.heads, model.attention.head_dim // 2
    divisors = [n for n in range(1, heads + 1) if heads % n == 0]
    multiples = [heads * s for s in range(2, half + 1) if half % s == 0]
    return [n for n in divisors + multiples if n <= machine.columns]
