"""Layers and decoded tokens of real models on the cycle tier, the formulas' cycles beside them.

A whole wafer would take minutes and tens of gigabytes, so regions are simulated one by one
(`region_cycles`); what the lanes bring to each is when the one before sent it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import PredictionError
from engine.model.graph import ModelGraph
from engine.model.tensors import FORMATS, uniform_formats
from engine.model.tensors.tensor import Format
from engine.progress import OnProgress, quiet
from engine.wafer.check.region_cycles import BothTiers, RegionCycles, RegionsCompared
from engine.wafer.fabric.blank_weights import BlankWeights
from engine.wafer.fabric.lone_region import lane_edges
from engine.wafer.figures.prediction import Prediction
from engine.wafer.figures.spreads import spread
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import Placement, place
from engine.wafer.plan.placed import Placed
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import MAX_ROWS

__all__ = [
    "Chain",
    "LayerQuestion",
    "TiersPrediction",
    "priced_lookup",
    "simulated_decode",
    "simulated_layer",
]


@dataclass(frozen=True, slots=True)
class LayerQuestion:
    """Some rows of a step in one layer, or one token in all of them."""

    context: int
    """KV rows before the step."""
    rows: int = 1
    """Rows of the step."""
    layer: int = 0
    """Which layer; not used where a whole token is asked for."""
    blocks: int | None = None
    """Blocks of layers; None means the planner's choice."""
    block: tuple[int, int] | None = None
    """Columns and rows of a block; None means the planner's choice."""
    dtype: str = "int8"
    """Format of the matrices that the model's own formats do not name."""


@dataclass(frozen=True, slots=True)
class TiersPrediction:
    """Cycles as simulated, the formulas' beside them."""

    prediction: Prediction
    """Of the simulation."""
    whole: BothTiers
    first_row: BothTiers
    """Of several rows; each of the others takes the interval of the slowest core."""
    operations: dict[str, BothTiers]
    """Of the first row."""
    seconds: float
    """That the simulations took, lowering included."""
    memory_bytes: int
    """Tables of the largest simulation."""

    def as_json(self) -> dict[str, object]:
        """Return the object that ``--json`` prints."""
        parts = {name: both.as_json() for name, both in self.operations.items()}
        both = {"tiers": self.whole.as_json(), "first_row": self.first_row.as_json()}
        took = {"simulation_seconds": round(self.seconds, 1), "simulation_bytes": self.memory_bytes}
        return self.prediction.as_json() | both | took | {"by_operation": parts}


def simulated_layer(
    graph: ModelGraph,
    machine: MachineSpec,
    question: LayerQuestion,
    formats: Mapping[str, Format] | None = None,
    on_progress: OnProgress = quiet,
) -> TiersPrediction:
    """Simulate rows of a step in one layer, in a block of the size that the model's blocks have.

    Every block holds one layer here, in the places and with the lanes that the whole model's have.

    Args:
        graph: The model; no weights are needed.
        machine: The chip.
        question: Which layer, after which context, and what of the placement is given.
        formats: Format of every tensor by name; None: the question's for every matrix.
        on_progress: Called with (done, total, label); may raise, which ends it.

    Raises:
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense, or the placement is priced only.
    """
    _check(graph, question)
    if not 0 <= question.layer < graph.layers:
        raise PredictionError(f"layer is {question.layer}: it must be 0 to {graph.layers - 1}")
    formats = _formats(graph, question, formats)
    whole = _place(graph, machine, question, formats)
    index, kept = _one_layer_a_block(whole, question.layer)
    part = graph.with_layers(*kept)
    placement = place(model_shape(part, formats), machine, whole.shape, whole.context_length)
    begun = time.perf_counter()
    placed = Placed(part, machine, placement, by_core=False)
    compared = RegionsCompared(placed, BlankWeights(part.weights, formats), on_progress)
    found = compared.region(index, question.context, question.rows)
    asked = _asked(graph, question, placement) | {
        "layer": question.layer, "rows_of_step": question.rows, "region": index,
    }  # fmt: skip
    return _answer(machine, [found], asked, time.perf_counter() - begun, key="cycles")


def simulated_decode(
    graph: ModelGraph,
    machine: MachineSpec,
    question: LayerQuestion,
    formats: Mapping[str, Format] | None = None,
    on_progress: OnProgress = quiet,
) -> TiersPrediction:
    """Simulate one decoded token, region by region; those that are alike only once.

    The lookup is priced by formula, for the head's middle column.  Arguments and errors are those
    of `simulated_layer`.
    """
    _check(graph, question)
    formats = _formats(graph, question, formats)
    placement = _place(graph, machine, question, formats)
    begun = time.perf_counter()
    placed = Placed(graph, machine, placement, by_core=False)
    weights = BlankWeights(graph.weights, formats)
    chain = Chain(RegionsCompared(placed, weights, on_progress), question.context)
    regions = [chain.follow(index) for index in range(len(placement.regions))]
    asked = _asked(graph, question, placement) | {"regions_simulated": chain.simulated}
    lookup = priced_lookup(placed)
    seconds = time.perf_counter() - begun
    return _answer(machine, regions, asked, seconds, key="cycles_per_token", lookup=lookup)


@dataclass(slots=True)
class Chain:
    """Regions one after the other: each begins as the simulated one before it has sent."""

    compared: RegionsCompared
    position: int
    simulated: int = 0
    _known: dict[tuple[object, ...], RegionCycles] = field(default_factory=dict)
    _starts: NDArray[np.int64] | None = None

    def follow(self, index: int) -> RegionCycles:
        """Return the next region's cycles, simulated unless one was that is the same."""
        starts = self.compared.starts(0) if self._starts is None else self._starts
        placement = self.compared.placed.placement
        edges = lane_edges(placement, index).seen_from(placement.regions[index])
        key = (self.compared.work(index), edges, starts.tobytes())
        if key not in self._known:
            self.simulated += 1
            self._known[key] = self.compared.region(index, self.position, 1, starts)
        found = replace(self._known[key], region=index)
        self._starts = found.leaving
        return found


def _answer(
    machine: MachineSpec,
    regions: list[RegionCycles],
    asked: dict[str, object],
    seconds: float,
    *,
    key: str,
    lookup: int = 0,
) -> TiersPrediction:
    """Add regions up, and a lookup that both tiers take from the formula."""
    both = BothTiers(lookup, lookup)
    whole = first = both
    operations = {"embed": both} if lookup else {}
    for each in regions:
        whole, first = whole.plus(each.whole), first.plus(each.first_row)
        for name, cycles in each.operations.items():
            operations[name] = operations.get(name, BothTiers(0, 0)).plus(cycles)
    prediction = Prediction(
        whole.simulated, "cycle", machine, False, asked, key=key,
        spread=spread(machine.name, "decode", measured=False),
    )  # fmt: skip
    memory = max(each.memory_bytes for each in regions)
    return TiersPrediction(prediction, whole, first, operations, seconds, memory)


def _asked(graph: ModelGraph, question: LayerQuestion, placement: Placement) -> dict[str, object]:
    shape = placement.shape
    return {
        "model": graph.name,
        "context": question.context,
        "blocks": len(placement.regions) - 1,
        "block": [shape.columns, shape.rows],
        "head_columns": shape.head_columns,
    }


def _check(graph: ModelGraph, question: LayerQuestion) -> None:
    if not 1 <= question.rows <= MAX_ROWS:
        raise PredictionError(f"tokens is {question.rows}: a step has 1 to {MAX_ROWS} rows")
    if question.context < 0 or question.context + question.rows > graph.context_length:
        most = graph.context_length - question.rows
        raise PredictionError(f"context is {question.context}: it must be 0 to {most}")


def _formats(
    graph: ModelGraph, question: LayerQuestion, formats: Mapping[str, Format] | None
) -> dict[str, Format]:
    """Return the format of every tensor.

    Raises:
        PredictionError: No tier runs it.
    """
    wanted = FORMATS.get(question.dtype)
    if wanted is None or not wanted.runs:
        raise PredictionError(
            f"{question.dtype} is priced only: the cycle tier takes "
            + ", ".join(name for name, format in FORMATS.items() if format.runs)
        )
    return dict(uniform_formats(graph.weights, wanted)) | dict(formats or {})


def _place(
    graph: ModelGraph, machine: MachineSpec, question: LayerQuestion, formats: dict[str, Format]
) -> Placement:
    """Place as the app would, for the context that was asked for."""
    options = PlanOptions(question.blocks, question.block, formats, runs=True)
    return plan_shape(graph, machine, question.context + question.rows, options).placement


def _one_layer_a_block(placement: Placement, layer: int) -> tuple[int, list[int]]:
    """Return the region that holds a layer, and one layer of every block, that one among them."""
    blocks = [region.layers for region in placement.regions if region.layers]
    index = next(number for number, layers in enumerate(blocks) if layer in layers)
    return index, [layer if number == index else layers[0] for number, layers in enumerate(blocks)]


def priced_lookup(placed: Placed) -> int:
    """Return the cycles from a token's entry until its row has left the head, by formula."""
    table = placed.program.instructions
    received = int(np.flatnonzero(table[:, Field.OP] == Op.RECEIVE)[0])
    return int(placed.timing.latency_by_instruction[:received].sum())
