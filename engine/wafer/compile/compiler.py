"""Compiler: (ModelGraph, machine, placement) → Program and the cost of each instruction.

Passes: group nodes that one instruction serves → choose the orders of the sums → lower every
group to instructions on its region, with their cycles.  Sees no weights and runs nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role
from engine.model.tensors.tensor import Format
from engine.wafer.compile.tables import Tables
from engine.wafer.cost.ledger import Cost, Counted
from engine.wafer.ops import (
    add,
    attention,
    embed,
    gate,
    head_norm,
    matmul,
    multicast,
    norm,
    quantise,
    rotary,
    select,
    transfer,
)
from engine.wafer.ops.attention import AttentionShape
from engine.wafer.ops.site import ALONG_COLUMNS, Site
from engine.wafer.place.lanes import lane_hops, north_hops
from engine.wafer.place.orders import choose_orders_of_regions
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Program

__all__ = ["Compiled", "compile_graph"]


@dataclass(frozen=True, slots=True)
class Priced:
    """An operation on a region, with what it costs alone."""

    cost: Cost
    steps: Counted


@dataclass(frozen=True, slots=True)
class Compiled:
    """A Program with the per-core cost of each of its instructions."""

    program: Program
    costs: tuple[Cost, ...]
    """As many as instructions, each alone from an aligned start; equal ones share one."""
    steps: tuple[Counted, ...]
    """The micro-steps of every instruction, to run on a ledger or to lower."""
    sites: tuple[Site, ...]
    """The regions as operations see them."""


def compile_graph(
    graph: ModelGraph,
    machine: MachineSpec,
    placement: Placement,
    *,
    by_core: bool = True,
    growth_only: bool = False,
) -> Compiled:
    """Compile a model for a machine.

    Args:
        graph: What to compute.
        machine: The chip that prices it.
        placement: Where everything lies.
        by_core: False prices instructions as if every core waited for the slowest at every
            micro-step, which is faster and a little more; no states of single cores.
        growth_only: True keeps the states of single cores only for instructions that take longer
            with every KV row: those of all take hundreds of megabytes on a whole wafer.

    Raises:
        PlacementError: The graph has a node this compiler cannot lower.
    """
    lowering = _Lowering(graph, machine, placement, by_core)
    lowering.growth_only = growth_only
    for nodes in _groups(graph):
        lowering.lower(nodes)
    lowering.select(graph.nodes[-1])
    return lowering.finish()


def _groups(graph: ModelGraph) -> Iterator[list[Node]]:
    """Neighbouring nodes of one role and layer that one instruction serves.

    Products share it if they read the same value; what works in place shares it always.
    """

    def key(node: Node) -> tuple[object, ...]:
        shared: object = node.inputs if node.op == "matmul" else node.name
        return (node.role, node.layer, None if node.role in _IN_PLACE else shared)

    for _, nodes in groupby(graph.nodes, key=key):
        yield list(nodes)


_IN_PLACE = (Role.HEAD_NORM, Role.ROTARY)


class _Lowering:
    """The instructions of a Program as they grow, and where the residual stream is now."""

    def __init__(
        self, graph: ModelGraph, machine: MachineSpec, placement: Placement, by_core: bool
    ) -> None:
        self.graph = graph
        self.machine = machine
        self.placement = placement
        self.tables = Tables(graph)
        self.chosen = choose_orders_of_regions(machine, placement)
        self.orders = self.chosen.sums
        self.sites = tuple(
            Site(machine, region.width, region.height, by_core) for region in placement.regions
        )
        self.region_of = {
            layer: index
            for index, region in enumerate(placement.regions)
            for layer in region.layers
        }
        self.head = len(placement.regions) - 1
        self.region = self.head
        self.rows: list[list[int]] = []
        self.costs: list[Cost] = []
        self.steps: list[Counted] = []
        self.growth_only = False
        self._memo: dict[tuple[object, ...], Priced] = {}

    @property
    def _shape(self) -> AttentionShape:
        return self.placement.model.attention

    @property
    def site(self) -> Site:
        """The region instructions are emitted for now."""
        return self.sites[self.region]

    def emit(self, op: Op, priced: Priced, node: Node, operands: Mapping[Field, int]) -> None:
        """Append an instruction for ``node`` on the current region.

        What follows the layers (sending to the head, the last norm and the head) runs for a step's
        last row only.
        """
        row = [-1 if field in _INDICES else 0 for field in Field]
        row[Field.OP] = op
        row[Field.REGION] = self.region
        row[Field.LAYER] = -1 if node.layer is None else node.layer
        row[Field.LAST_ROW] = int(node.layer is None and op != Op.EMBED)
        row[Field.CYCLES], row[Field.CYCLES_KV] = priced.cost.cycles
        for field, value in operands.items():
            row[field] = value
        self.rows.append(row)
        self.costs.append(priced.cost)
        self.steps.append(priced.steps)

    def priced(
        self, cost: Callable[..., Cost], steps: Callable[..., None], *arguments: Any
    ) -> Priced:
        """Return an operation on the current region: its micro-steps, and their cost alone.

        Computed once for equal regions and arguments.
        """
        key = (
            cost,
            self.site,
            *(a.tobytes() if isinstance(a, np.ndarray) else a for a in arguments),
        )
        if key not in self._memo:
            found = cost(self.site, *arguments)
            if self.growth_only and not found.states[1].any():
                found = found.without_cores()
            self._memo[key] = Priced(found, Counted(steps, arguments))
        return self._memo[key]

    # ── lowering ────────────────────────────────────────────────────────────────────────────

    def lower(self, nodes: list[Node]) -> None:
        """Emit the instructions of a group of nodes."""
        first = nodes[0]
        if first.op != "embed":
            self._go_to(first)
        lower = {
            "embed": self._embed,
            "norm": self._head_norm if first.role is Role.HEAD_NORM else self._norm,
            "matmul": self._matmul,
            "rotary": self._rotary,
            "attention": self._attention,
            "gate": self._gate,
            "add": self._add,
        }[first.op]
        lower(nodes)

    def _go_to(self, node: Node) -> None:
        """Move the residual stream to the region of a node, if it is not there."""
        region = self.head if node.layer is None else self.region_of[node.layer]
        if region == self.region:
            return
        source = self.tables.read(node.inputs[0])
        hidden = self.placement.hidden
        angles = self.placement.model.angles if node.layer is not None else 0
        looked_up = self.rows[-1][Field.OP] == Op.EMBED  # the lookup has sent its row already
        regions = self.placement.regions
        hops = lane_hops(regions, self.region, region)
        north = north_hops(regions, self.region, region) if angles else None
        apart = regions[self.region].wafer != regions[region].wafer
        link = self.machine.wafer_link_cycles if apart else 0
        if not looked_up:
            send = self.priced(transfer.send_cost, transfer.send_steps, hidden, angles)
            self.emit(Op.SEND, send, node, {Field.SOURCE: source})
        self.region = region
        receive = self.priced(
            transfer.receive_cost, transfer.receive_steps, hidden, angles, hops, link, north
        )
        arrives = {Field.SOURCE: source, Field.COUNT: int(hops.max())}
        self.emit(Op.RECEIVE, receive, node, arrives)

    def _embed(self, nodes: list[Node]) -> None:
        model = self.placement.model
        scaling = self.tables.scaling(nodes[0])
        layout = (self.placement.hidden, model.angles, scaling >= 0, self._formats(nodes)[0])
        operands = {
            Field.TARGET: self.tables.write(nodes),
            Field.WEIGHT: self._matrix(nodes),
            Field.VARIANT: scaling,
        }
        self.emit(Op.EMBED, self.priced(embed.cost, embed.steps, *layout), nodes[0], operands)

    def _norm(self, nodes: list[Node]) -> None:
        node = nodes[0]
        operands = {
            Field.SOURCE: self.tables.read(*node.inputs),
            Field.TARGET: self.tables.write(nodes),
            Field.WEIGHT: self._matrix(nodes),
            Field.ORDER: self.tables.order(self.orders.norm),
            Field.VARIANT: self.tables.norm(node),
        }
        if biases := self._biases(nodes):
            operands[Field.BIAS] = self._vector(biases)
        layout = (self.placement.hidden, self.orders.norm, *norm.additions_of(node.attributes))
        self.emit(Op.NORM, self.priced(norm.cost, norm.steps, *layout), node, operands)

    def _head_norm(self, nodes: list[Node]) -> None:
        """Norm the heads of queries and keys in place."""
        heads, shape = tuple(node.integer("heads") for node in nodes), self._shape
        if heads != (shape.heads, shape.kv_heads):
            raise PlacementError(f"{nodes[0].name}: queries and keys must be normed together")
        buffer = self.tables.write_in_place(nodes)
        operands = {
            Field.SOURCE: buffer,
            Field.TARGET: buffer,
            Field.WEIGHT: self._vector([str(node.weight) for node in nodes]),
            Field.ORDER: self.tables.order(self.orders.head_dim),
            Field.ALONG: ALONG_COLUMNS,
            Field.VARIANT: _one_kind(nodes, lambda node: self.tables.norm(node, heads)),
        }
        cost = self.priced(head_norm.cost, head_norm.steps, self.placement.heads)
        self.emit(Op.HEAD_NORM, cost, nodes[0], operands)

    def _formats(self, nodes: list[Node]) -> tuple[Format, ...]:
        """Return the format of each node's weight."""
        return self.placement.model.formats.stacked(str(node.weight) for node in nodes)

    def _matrix(self, nodes: list[Node]) -> int:
        """Return the index of a new matrix of the nodes' weights."""
        return self.tables.matrix(nodes, self._formats(nodes))

    def _vector(self, tensors: list[str]) -> int:
        """Return the index of vectors that lie side by side."""
        return self.tables.vector(tensors, self.placement.model.formats.stacked(tensors))

    def _biases(self, nodes: list[Node]) -> list[str]:
        """Return the biases of nodes that are one product: every node's, or none.

        Raises:
            PlacementError: Only some have one.
        """
        biases = [node.text("bias") for node in nodes if "bias" in node.attributes]
        if biases and len(biases) < len(nodes):
            names = ", ".join(node.name for node in nodes)
            raise PlacementError(f"{names}: one product serves them, and only some have a bias")
        return biases

    def _matmul(self, nodes: list[Node]) -> None:
        """Round the shared input to what the weights meet, bring it to all cores, multiply."""
        node, formats = nodes[0], self._formats(nodes)
        product, order = self.placement.product(node.role), self.orders.of(node.role)
        inputs, along = product.inputs, product.along
        source = {Field.SOURCE: self.tables.read(*node.inputs), Field.ALONG: along}
        rounded = None
        if formats[0].is_quantised:
            priced = self.priced(quantise.cost, quantise.steps, inputs, along)
            self.emit(Op.QUANTISE, priced, node, source)
            sent = quantise.wavelets_by_core(inputs)
        else:
            sent = multicast.half_wavelets(inputs)
            rounded = np.asarray(inputs.elements, np.int64)
        priced = self.priced(multicast.cost, multicast.steps, along, sent, rounded)
        self.emit(Op.MULTICAST, priced, node, source | {Field.COUNT: int(sent.max())})
        operands = source | {
            Field.TARGET: self.tables.write(nodes),
            Field.WEIGHT: self._matrix(nodes),
            Field.ORDER: self.tables.order(order),
        }
        operands[Field.VARIANT] = self.tables.scaling(node)
        if biases := self._biases(nodes):
            operands[Field.BIAS] = self._vector(biases)
        tiles = matmul.stack(formats, product.outputs)
        layout = (inputs, tiles, along, order, matmul.finishing_of(node.attributes))
        self.emit(Op.MATMUL, self.priced(matmul.cost, matmul.steps, *layout), node, operands)

    def _rotary(self, nodes: list[Node]) -> None:
        node, heads, shape = nodes[0], self.placement.heads, self._shape
        rotated = sum(node.integer("heads") for node in nodes)
        if rotated != shape.heads + shape.kv_heads:
            raise PlacementError(f"{node.name}: queries and keys must be rotated together")
        buffer = self.tables.write_in_place(nodes)
        operands = {
            Field.SOURCE: buffer,
            Field.TARGET: buffer,
            Field.COUNT: rotated,
            Field.ALONG: ALONG_COLUMNS,
            Field.VARIANT: _one_kind(nodes, self.tables.rotary),
        }
        elements = (heads.queries + heads.kv) * heads.dims
        by_column = np.full(self.site.columns, elements, np.int64)
        self.emit(Op.ROTARY, self.priced(rotary.cost, rotary.steps, by_column), node, operands)

    def _attention(self, nodes: list[Node]) -> None:
        node = nodes[0]
        heads = self.placement.heads
        prices: tuple[Callable[..., Cost], Callable[..., None]]
        prices = (attention.cost, attention.steps)
        if node.number("softcap"):
            prices = (attention.capped_cost, attention.capped_steps)
        # Queries travel as fp32, keys and values as two fp16 a wavelet.
        wavelets = (heads.queries + heads.kv) * heads.dims
        source = {Field.SOURCE: self.tables.read(*node.inputs), Field.ALONG: ALONG_COLUMNS}
        rounded = self._on_heads(2 * heads.kv * heads.dims)
        sent = self._on_heads(wavelets)
        priced = self.priced(multicast.cost, multicast.steps, ALONG_COLUMNS, sent, rounded)
        self.emit(Op.MULTICAST, priced, node, source | {Field.COUNT: wavelets})
        operands = source | {
            Field.TARGET: self.tables.write(nodes),
            Field.ORDER: self.tables.order(self.orders.positions),
            Field.VARIANT: self.tables.attention(node, self.orders.head_dim.parts),
        }
        self.emit(Op.ATTENTION, self.priced(*prices, heads, self.orders.positions), node, operands)

    def _on_heads(self, count: int) -> Any:
        """Return ``count`` for every column that holds heads, 0 for others; int64 (columns,)."""
        held = np.arange(self.site.columns) < self.placement.heads.columns
        return np.where(held, count, 0)

    def _gate(self, nodes: list[Node]) -> None:
        node, kind = nodes[0], nodes[0].text("kind")
        operands = {
            Field.SOURCE: self.tables.read(*node.inputs),
            Field.TARGET: self.tables.write(nodes),
            Field.ALONG: ALONG_COLUMNS,
            Field.VARIANT: self.tables.activation(node),
        }
        elements = np.asarray(self.placement.gated.elements, np.int64)
        layout = (elements, kind, len(node.inputs) == 2)
        self.emit(Op.GATE, self.priced(gate.cost, gate.steps, *layout), node, operands)

    def _add(self, nodes: list[Node]) -> None:
        node = nodes[0]
        operands = {
            Field.SOURCE: self.tables.read(node.inputs[0]),
            Field.OTHER: self.tables.read(node.inputs[1]),
            Field.TARGET: self.tables.write(nodes),
            Field.VARIANT: (scaling := self.tables.scaling(node)),
        }
        layout = (self.placement.hidden, scaling >= 0)
        self.emit(Op.ADD, self.priced(add.cost, add.steps, *layout), node, operands)

    def select(self, head: Node) -> None:
        """Emit the choice of the next token after the head."""
        order = self.chosen.select
        operands = {
            Field.SOURCE: self.tables.read(head.output),
            Field.ORDER: self.tables.order(order),
            Field.ALONG: ALONG_COLUMNS,
        }
        cost = self.priced(select.cost, select.steps, self.placement.head_outputs, order)
        self.emit(Op.SELECT, cost, head, operands)

    def finish(self) -> Compiled:
        """Return the finished Program."""
        placement, tables = self.placement, self.tables
        program = Program(
            model=self.graph.name,
            machine=self.machine,
            context_length=placement.context_length,
            vocabulary=self.graph.vocabulary,
            layers=self.graph.layers,
            instructions=np.array(self.rows, np.int64),
            regions=placement.regions,
            buffers=tuple(tables.buffers),
            matrices=tuple(tables.matrices),
            orders=tuple(tables.orders),
            norms=tuple(tables.norms),
            rotaries=tuple(tables.rotaries),
            attentions=tuple(tables.attentions),
            activations=tuple(tables.activations),
            scalings=tuple(tables.scalings),
        )
        return Compiled(program, tuple(self.costs), tuple(self.steps), self.sites)


_INDICES = (
    Field.SOURCE,
    Field.OTHER,
    Field.TARGET,
    Field.WEIGHT,
    Field.ORDER,
    Field.VARIANT,
    Field.BIAS,
)
"""Columns that point into a table; −1 where an instruction has none."""


def _one_kind(nodes: list[Node], index: Callable[[Node], int]) -> int:
    """Return the kind that nodes of one instruction share."""
    kinds = {index(node) for node in nodes}
    if len(kinds) != 1:
        raise PlacementError(
            f"{', '.join(node.name for node in nodes)}: one instruction serves them, so they must "
            "not differ"
        )
    return kinds.pop()
