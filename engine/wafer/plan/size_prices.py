"""What a size of blocks costs whatever the context: a layer compiled, a head's steps added up.

Kept in this process for the plans that follow: plans of one model for many contexts, as of a sweep,
price each size once.  Which sizes fit is not known here, nor how many blocks there are.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.cost.ledger import Tally
from engine.wafer.ops import embed, matmul, multicast, norm, quantise, select
from engine.wafer.ops.site import ALONG_ROWS, Site
from engine.wafer.place.core_bytes import head_sram
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.orders import order_over
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.place.weight_formats import WeightFormats
from engine.wafer.program.geometry import even_split, split
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec

__all__ = ["HeadPrice", "LayerPrice", "SizePrices", "size_prices"]

_MOST_KEPT = 16
"""Models, formats and machines whose prices are kept; those of one take about a megabyte."""


@dataclass(frozen=True, slots=True)
class LayerPrice:
    """An operation of the layers that are alike."""

    operation: str
    layers: int
    """How many layers have it."""
    cycles: int
    """Without KV rows."""
    cycles_by_kv_row: int
    """More for each KV row of a core."""
    window: int | None
    """Most positions that attention sees; None: all."""


@dataclass(frozen=True, slots=True)
class HeadPrice:
    """A width of the head and what it costs, without its transfers."""

    columns: int
    cycles: int


class SizePrices:
    """Prices of sizes for one model on one machine.

    Args:
        kinds: A layer of each price as a graph of its own, and how many layers have that price.
        ends: The constants of what stands before and behind the layers.
        model: Its sizes, with the formats of the weights that are priced.
        machine: The chip.
        runs: As of `PlanOptions`.
        group: As of `Shape`.
    """

    def __init__(
        self,
        kinds: list[tuple[ModelGraph, int]],
        ends: Mapping[Role, Mapping[str, object]],
        model: ModelShape,
        machine: MachineSpec,
        *,
        runs: bool,
        group: int,
    ) -> None:
        self._kinds, self._ends = kinds, ends
        self._model, self._machine = model, machine
        self._runs, self._group = runs, group
        self._layers: dict[Shape, tuple[LayerPrice, ...]] = {}
        self._heads: dict[tuple[int, int], HeadPrice | None] = {}

    def layers(self, block: Shape) -> tuple[LayerPrice, ...]:
        """Return what all layers cost in blocks of a size, that of a shape with one block.

        Raises:
            PlacementError: No layer can lie there.
        """
        if block not in self._layers:
            self._layers[block] = tuple(self._compiled(block))
        return self._layers[block]

    def head(self, rows: int, columns: int) -> HeadPrice | None:
        """Return a head of a size with its price, None where it does not fit."""
        if columns > self._machine.columns:
            return None
        if (rows, columns) not in self._heads:
            try:
                head_sram(self._model, self._machine, Shape(1, rows, columns))
                self._heads[rows, columns] = HeadPrice(columns, self._head_cycles(rows, columns))
            except PlacementError:
                self._heads[rows, columns] = None
        return self._heads[rows, columns]

    def _compiled(self, block: Shape) -> list[LayerPrice]:
        model = replace(self._model, layers=1)
        placement = place(model, _roomy(self._machine), block, 1, runs=self._runs)
        found = []
        for layer, count in self._kinds:
            compiled = compile_graph(layer, self._machine, placement, by_core=False)
            (window,) = {kind.window for kind in compiled.program.attentions}
            for row in compiled.program.instructions:
                op = Op(row[Field.OP])
                if row[Field.LAYER] >= 0 and op not in (Op.SEND, Op.RECEIVE):
                    cycles, by_row = int(row[Field.CYCLES]), int(row[Field.CYCLES_KV])
                    found.append(LayerPrice(op.name.lower(), count, cycles, by_row, window))
        return found

    def _head_cycles(self, rows: int, columns: int) -> int:
        """Cycles of lookup, last norm, product and choice in a head of this size."""
        model, machine = self._model, self._machine
        site, tally = Site(machine, columns, rows, by_core=False), Tally(machine)
        (head,), (table,) = (model.formats.by_role[role][0] for role in (Role.HEAD, Role.EMBED))
        hidden = (split if model.formats.in_groups else even_split)(model.hidden, rows)
        edges = np.arange(columns + 1) * model.vocabulary // columns
        outputs = np.diff(edges)
        group, widest = self._group, int(outputs.max())
        order = order_over(machine, group, hidden.parts, (widest,), hidden.span)
        one = order_over(machine, group, rows, (1,))
        scaled = "scale" in self._ends[Role.EMBED]
        embed.steps(tally, site, hidden, 0, scaled, table)
        norm.steps(tally, site, hidden, one, *norm.additions_of(self._ends[Role.FINAL_NORM]))
        if head.is_quantised:
            quantise.steps(tally, site, hidden, ALONG_ROWS)
            multicast.steps(tally, site, ALONG_ROWS, quantise.wavelets_by_core(hidden))
        else:
            multicast.steps(tally, site, ALONG_ROWS, multicast.half_wavelets(hidden))
        tiles = matmul.stack((head,), (outputs,))
        finishing = matmul.finishing_of(self._ends[Role.HEAD])
        matmul.steps(tally, site, hidden, tiles, ALONG_ROWS, order, finishing)
        choice = order_over(machine, group, columns, (select.WAVELETS,))
        select.steps(tally, site, outputs, choice)
        return tally.cycles


_kept: dict[Hashable, SizePrices] = {}
"""By all that a price depends on; what was used last stands last."""


def size_prices(
    graph: ModelGraph,
    model: ModelShape,
    machine: MachineSpec,
    *,
    runs: bool,
    group: int = 0,
) -> SizePrices:
    """Return the prices of sizes, with those that an earlier plan has asked for.

    Args:
        graph: The model.
        model: Its sizes, with the formats of the weights that are priced.
        machine: The chip.
        runs: As of `PlanOptions`.
        group: As of `Shape`.
    """
    signatures = _signatures(graph, model.formats)
    ends = {node.role: node.attributes for node in graph.nodes if node.layer is None}
    about = [(role, *sorted(constants.items())) for role, constants in ends.items()]
    formats = tuple((role, *kinds) for role, kinds in model.formats.by_role.items())
    sizes = replace(model, formats=WeightFormats({}, {}))
    key = (machine, runs, group, str(sizes), formats, *about, *signatures.items())
    prices = _kept.pop(key, None)
    if prices is None:
        kinds = _kinds_of_layers(graph, signatures)
        prices = SizePrices(kinds, ends, model, machine, runs=runs, group=group)
    _kept[key] = prices
    while len(_kept) > _MOST_KEPT:
        del _kept[next(iter(_kept))]
    return prices


def _roomy(machine: MachineSpec) -> MachineSpec:
    """The machine with room for a block and a head of one column, whatever else lies there."""
    return replace(machine, columns=4 * machine.columns, rows=4 * machine.rows, sram_bytes=1 << 40)


_COSTLESS = ("eps", "base", "scale", "factors", "bias")
"""Constants of a layer's nodes whose value changes its numbers, not its cycles."""


def _signatures(graph: ModelGraph, formats: WeightFormats) -> dict[int, tuple[Hashable, ...]]:
    """Return of each layer all that its price depends on."""
    found: defaultdict[int, list[Hashable]] = defaultdict(list)
    for node in graph.nodes:
        if node.layer is not None:
            constants = tuple(
                (name, None if name in _COSTLESS else value)
                for name, value in node.attributes.items()
            )
            weights = tuple(formats.by_tensor[name] for name in node.tensors)
            width = graph.values[node.output]
            found[node.layer].append((node.role, width, constants, weights))
    return {layer: tuple(parts) for layer, parts in found.items()}


def _kinds_of_layers(
    graph: ModelGraph, signatures: Mapping[int, Hashable]
) -> list[tuple[ModelGraph, int]]:
    """Return a layer of each price as a graph of its own, and how many layers have that price."""
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for layer, signature in signatures.items():
        alike[signature].append(layer)
    return [(graph.with_layers(layers[0]), len(layers)) for layers in alike.values()]
