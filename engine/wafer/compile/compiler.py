"""Compiler: (ModelGraph, machine, placement) → Program and the cost of each instruction.

Passes: group nodes that one instruction serves → choose the orders of the sums → lower every
group to instructions on its region, with their cycles.  Sees no weights and runs nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.model.sum_orders import ReduceOrder
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
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS, Site
from engine.wafer.place.lanes import lane_hops, north_hops
from engine.wafer.place.orders import choose_orders_of_regions
from engine.wafer.place.placement import Placement, block_outputs
from engine.wafer.program.geometry import Split
from engine.wafer.program.isa import FIELDS, Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Buffer, Matrix, Program

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
    graph: ModelGraph, machine: MachineSpec, placement: Placement, *, by_core: bool = True
) -> Compiled:
    """Compile a model for a machine.

    Args:
        graph: What to compute.
        machine: The chip that prices it.
        placement: Where everything lies.
        by_core: False prices instructions as if every core waited for the slowest at every
            micro-step, which is faster and a little more; no states of single cores.

    Raises:
        PlacementError: The graph has a node this compiler cannot lower.
    """
    lowering = _Lowering(graph, machine, placement, by_core)
    for nodes in _groups(graph):
        lowering.lower(nodes)
    lowering.select(graph.nodes[-1])
    return lowering.finish()


def _groups(graph: ModelGraph) -> Iterator[list[Node]]:
    """Neighbouring nodes that one instruction serves: products and rotations of one layer."""

    def key(node: Node) -> tuple[object, ...]:
        together = node.op == "rotary" or "heads" in node.attributes
        shared = node.inputs if node.op == "matmul" else together or node.name
        return (node.op, node.layer, shared)

    for _, nodes in groupby(graph.nodes, key=key):
        yield list(nodes)


class _Lowering:
    """The tables of a Program as they grow, and where the residual stream is now."""

    def __init__(
        self, graph: ModelGraph, machine: MachineSpec, placement: Placement, by_core: bool
    ) -> None:
        self.graph = graph
        self.by_core = by_core
        self.machine = machine
        self.placement = placement
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
        self.buffers: list[Buffer] = []
        self.matrices: list[Matrix] = []
        self.order_table: list[ReduceOrder] = []
        self.holds: dict[str, tuple[str, int]] = {}  # value → (buffer, offset)
        self.eps = 0.0
        self._memo: dict[tuple[object, ...], Priced] = {}

    # ── tables ──────────────────────────────────────────────────────────────────────────────

    @property
    def site(self) -> Site:
        """The region instructions are emitted for now."""
        return self.sites[self.region]

    def buffer(self, name: str, width: int) -> int:
        """Return the index of a buffer; layers share theirs by role."""
        for index, known in enumerate(self.buffers):
            if known.name == name:
                return index
        self.buffers.append(Buffer(name, width))
        return len(self.buffers) - 1

    def order(self, order: ReduceOrder) -> int:
        """Return the index of a reduction order."""
        if order not in self.order_table:
            self.order_table.append(order)
        return self.order_table.index(order)

    def matrix(self, nodes: list[Node], kind: str) -> int:
        """Return the index of a new matrix of the nodes' weights, stacked."""
        tensors = tuple(str(node.weight) for node in nodes)
        shapes = [self.graph.weights[name] for name in tensors]
        inputs = shapes[0][-1]
        outputs = 1 if kind == "fp32" else sum(shape[0] for shape in shapes)
        self.matrices.append(Matrix(tensors, outputs, inputs, kind))
        return len(self.matrices) - 1

    def read(self, value: str) -> str:
        """Return the buffer of a value that fills it from its start."""
        buffer, offset = self.holds[value]
        if offset:
            raise PlacementError(f"{value} is not at the start of its buffer {buffer!r}")
        return buffer

    def write(self, nodes: list[Node]) -> str:
        """Give the outputs of nodes one buffer, side by side, and return its name."""
        roles = [node.output.split(".")[-1] for node in nodes]
        name = "+".join(roles)
        offset = 0
        for node in nodes:
            self.holds[node.output] = (name, offset)
            offset += self.graph.values[node.output]
        self.buffer(name, offset)
        return name

    def emit(
        self,
        op: Op,
        priced: "Priced",
        node: Node,
        *,
        source: str | None = None,
        other: str | None = None,
        target: str | None = None,
        weight: int = -1,
        order: int = -1,
        count: int = 0,
        along: int = ALONG_ROWS,
    ) -> None:
        """Append an instruction for ``node`` on the current region.

        What follows the layers (sending to the head, the last norm and the head) runs for a step's
        last row only.
        """
        last_row = node.layer is None and op != Op.EMBED
        row = [0] * FIELDS
        row[Field.OP] = op
        row[Field.REGION] = self.region
        row[Field.LAYER] = -1 if node.layer is None else node.layer
        for field_, name in ((Field.SOURCE, source), (Field.OTHER, other), (Field.TARGET, target)):
            row[field_] = -1 if name is None else self.buffer(name, 0)
        row[Field.WEIGHT] = weight
        row[Field.ORDER] = order
        row[Field.COUNT] = count
        row[Field.ALONG] = along
        row[Field.LAST_ROW] = int(last_row)
        row[Field.CYCLES], row[Field.CYCLES_KV] = priced.cost.cycles
        self.rows.append(row)
        self.costs.append(priced.cost)
        self.steps.append(priced.steps)

    def priced(
        self, cost: Callable[..., Cost], steps: Callable[..., None], *arguments: Any
    ) -> "Priced":
        """Return an operation on the current region: its micro-steps, and their cost alone.

        Computed once for equal regions and arguments.
        """
        key = (
            cost,
            self.site,
            *(a.tobytes() if isinstance(a, np.ndarray) else a for a in arguments),
        )
        if key not in self._memo:
            self._memo[key] = Priced(cost(self.site, *arguments), Counted(steps, arguments))
        return self._memo[key]

    # ── lowering ────────────────────────────────────────────────────────────────────────────

    def lower(self, nodes: list[Node]) -> None:
        """Emit the instructions of a group of nodes."""
        first = nodes[0]
        if first.op != "embed":
            self._go_to(first)
        lower = {
            "embed": self._embed,
            "norm": self._head_norm if "heads" in first.attributes else self._norm,
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
        source = self.read(node.inputs[0])
        hidden = self.placement.hidden
        angles = self.placement.model.attention.head_dim if node.layer is not None else 0
        looked_up = self.rows[-1][Field.OP] == Op.EMBED  # the lookup has sent its row already
        regions = self.placement.regions
        hops = lane_hops(regions, self.region, region)
        north = north_hops(regions, self.region, region) if angles else None
        apart = regions[self.region].wafer != regions[region].wafer
        link = self.machine.wafer_link_cycles if apart else 0
        if not looked_up:
            send = self.priced(transfer.send_cost, transfer.send_steps, hidden, angles)
            self.emit(Op.SEND, send, node, source=source)
        self.region = region
        receive = self.priced(
            transfer.receive_cost, transfer.receive_steps, hidden, angles, hops, link, north
        )
        self.emit(Op.RECEIVE, receive, node, source=source, count=int(hops.max()))

    def _embed(self, nodes: list[Node]) -> None:
        angles = self.placement.model.attention.head_dim
        scaled = "scale" in nodes[0].attributes
        if scaled:
            self._only_priced(nodes[0], "scaled embeddings")
        cost = self.priced(embed.cost, embed.steps, self.placement.hidden, angles, scaled)
        weight = self.matrix(nodes, "int8")
        self.emit(Op.EMBED, cost, nodes[0], target=self.write(nodes), weight=weight)

    def _norm(self, nodes: list[Node]) -> None:
        node = nodes[0]
        self.eps = node.number("eps")
        cost = self.priced(norm.cost, norm.steps, self.placement.hidden, self.orders.norm)
        self.emit(
            Op.NORM,
            cost,
            node,
            source=self.read(node.inputs[0]),
            target=self.write(nodes),
            weight=self.matrix(nodes, "fp32"),
            order=self.order(self.orders.norm),
        )

    def _head_norm(self, nodes: list[Node]) -> None:
        """Norm the heads of queries and keys in place."""
        self._only_priced(nodes[0], "norms of single heads")
        buffer = self.holds[nodes[0].inputs[0]][0]
        for node in nodes:
            self.holds[node.output] = self.holds[node.inputs[0]]
        self.emit(
            Op.HEAD_NORM,
            self.priced(head_norm.cost, head_norm.steps, self.placement.heads),
            nodes[0],
            source=buffer,
            target=buffer,
            weight=self.matrix(nodes[:1], "fp32"),
            along=ALONG_COLUMNS,
        )

    def _only_priced(self, node: Node, what: str) -> None:
        if self.placement.runs:
            raise PlacementError(f"{node.name}: {what} are not supported yet")

    def _matmul(self, nodes: list[Node]) -> None:
        """Round the shared input to the weights' type, bring it to all cores, multiply."""
        node = nodes[0]
        biased = any("bias" in each.attributes for each in nodes)
        if biased:
            self._only_priced(node, "products with a bias")
        source = self.read(node.inputs[0])
        inputs, outputs, along, order = self._product(nodes)
        kind = self.placement.model.weights
        rounded = None
        if kind == "int8":
            priced = self.priced(quantise.cost, quantise.steps, inputs, along)
            self.emit(Op.QUANTISE, priced, node, source=source, along=along)
            sent = quantise.wavelets_by_core(inputs)
        else:
            sent = multicast.half_wavelets(inputs)
            rounded = np.asarray(inputs.elements, np.int64)
        self.emit(
            Op.MULTICAST,
            self.priced(multicast.cost, multicast.steps, along, sent, rounded),
            node,
            source=source,
            count=int(sent.max()),
            along=along,
        )
        self.emit(
            Op.MATMUL,
            self.priced(matmul.cost, matmul.steps, inputs, outputs, along, order, kind, biased),
            node,
            source=source,
            target=self.write(nodes),
            weight=self.matrix(nodes, kind),
            order=self.order(order),
            along=along,
        )

    def _product(self, nodes: list[Node]) -> tuple[Split, Any, int, ReduceOrder]:
        """Return how inputs lie, outputs by core, the inputs' axis and the order of a product."""
        placement = self.placement
        outputs = block_outputs(placement.model, placement.shape, placement.heads)
        roles = {node.output.split(".")[-1] for node in nodes}
        if roles == {"logits"}:
            return placement.hidden, placement.head_outputs, ALONG_ROWS, self.orders.hidden
        if roles == {"q", "k", "v"}:
            return placement.hidden, outputs["qkv"], ALONG_ROWS, self.orders.hidden
        if roles == {"gate", "up"}:
            return placement.hidden, outputs["gate_up"], ALONG_ROWS, self.orders.hidden
        if roles == {"o"}:
            return placement.attended, outputs["o"], ALONG_COLUMNS, self.orders.heads
        if roles == {"down"}:
            return placement.gated, outputs["down"], ALONG_COLUMNS, self.orders.ffn
        raise PlacementError(f"no mapping for the products {sorted(roles)} of {nodes[0].name}")

    def _rotary(self, nodes: list[Node]) -> None:
        heads = self.placement.heads
        elements = (heads.queries + heads.kv) * heads.dims
        buffer = self.holds[nodes[0].inputs[0]][0]
        for node in nodes:
            self.holds[node.output] = self.holds[node.inputs[0]]
        self.emit(
            Op.ROTARY,
            self.priced(rotary.cost, rotary.steps, np.full(self.site.columns, elements, np.int64)),
            nodes[0],
            source=buffer,
            target=buffer,
            count=sum(node.integer("heads") for node in nodes),
            along=ALONG_COLUMNS,
        )

    def _attention(self, nodes: list[Node]) -> None:
        node = nodes[0]
        heads = self.placement.heads
        prices: tuple[Callable[..., Cost], Callable[..., None]]
        prices = (attention.cost, attention.steps)
        if node.number("softcap"):
            prices = (attention.capped_cost, attention.capped_steps)
        # Queries travel as fp32, keys and values as two fp16 a wavelet.
        wavelets = (heads.queries + heads.kv) * heads.dims
        source = self.read(node.inputs[0])
        rounded = self._on_heads(2 * heads.kv * heads.dims)
        sent = self._on_heads(wavelets)
        self.emit(
            Op.MULTICAST,
            self.priced(multicast.cost, multicast.steps, ALONG_COLUMNS, sent, rounded),
            node,
            source=source,
            count=wavelets,
            along=ALONG_COLUMNS,
        )
        self.emit(
            Op.ATTENTION,
            self.priced(*prices, heads, self.orders.positions),
            node,
            source=source,
            target=self.write(nodes),
            order=self.order(self.orders.positions),
            along=ALONG_COLUMNS,
        )

    def _on_heads(self, count: int) -> Any:
        """Return ``count`` for every column that holds heads, 0 for others; int64 (columns,)."""
        held = np.arange(self.site.columns) < self.placement.heads.columns
        return np.where(held, count, 0)

    def _gate(self, nodes: list[Node]) -> None:
        node = nodes[0]
        elements = np.asarray(self.placement.gated.elements, np.int64)
        if node.text("kind") != "silu":
            self._only_priced(node, f"activations of kind {node.text('kind')}")
        self.emit(
            Op.GATE,
            self.priced(gate.cost, gate.steps, elements, node.text("kind")),
            node,
            source=self.read(node.inputs[0]),
            target=self.write(nodes),
            along=ALONG_COLUMNS,
        )

    def _add(self, nodes: list[Node]) -> None:
        node = nodes[0]
        self.emit(
            Op.ADD,
            self.priced(add.cost, add.steps, self.placement.hidden),
            node,
            source=self.read(node.inputs[0]),
            other=self.read(node.inputs[1]),
            target=self.write(nodes),
        )

    def select(self, head: Node) -> None:
        """Emit the choice of the next token after the head."""
        order = self.chosen.select
        self.emit(
            Op.SELECT,
            self.priced(select.cost, select.steps, self.placement.head_outputs, order),
            head,
            source="logits",
            order=self.order(order),
            along=ALONG_COLUMNS,
        )

    def finish(self) -> Compiled:
        """Return the finished Program."""
        placement = self.placement
        program = Program(
            model=self.graph.name,
            machine=self.machine,
            context_length=placement.context_length,
            vocabulary=self.graph.vocabulary,
            layers=self.graph.layers,
            norm_eps=self.eps,
            attention=placement.model.attention,
            instructions=np.array(self.rows, np.int64),
            regions=placement.regions,
            buffers=tuple(self.buffers),
            matrices=tuple(self.matrices),
            orders=tuple(self.order_table),
            kv_order=self.orders.positions,
            head_dim_order=self.orders.head_dim,
            norm_order=self.orders.norm,
        )
        return Compiled(program, tuple(self.costs), tuple(self.steps), self.sites)
