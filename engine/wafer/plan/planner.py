"""Planner: the rectangles of a model on a machine with the fewest cycles per token, and the search.

Every size of a block that the model splits over is placed and priced by compiling one layer and
adding up its micro-steps as if every core waited for the slowest (`cost.Tally`), at half the
context.  Deterministic; no weights.  `Plan` keeps what was compared and why the best won.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import numpy as np

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.tensor import Format
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.cost.ledger import Tally
from engine.wafer.cost.lines import best_group
from engine.wafer.ops import embed, matmul, multicast, norm, quantise, select
from engine.wafer.ops.attention import kv_bytes, split_heads
from engine.wafer.ops.site import ALONG_ROWS, Site
from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.place.lanes import lane_hops
from engine.wafer.place.placement import (
    ModelShape,
    Placement,
    Shape,
    block_sram,
    head_sram,
    model_shape,
    place,
)
from engine.wafer.place.weight_formats import WeightFormats
from engine.wafer.program.geometry import GROUP, even_split, split
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec

__all__ = ["Candidate", "Plan", "kv_capacity", "plan", "plan_shape"]

_SPANS = (2, 4, 8, 16, 32)
_CORE_SLACK = 1.02
"""How much slower than the fastest a size with fewer cores may be."""
_HEAD_SLACK = 1.05
"""How much slower than the fastest head, about a tenth of a token, a narrower one may be."""
_BLOCK_SLACK = 1.05
"""How much slower than with the fewest blocks a decode may be with the most that fit: rows of a
prefill, drafts and alternatives pipeline over blocks."""
_HEAD_WIDTHS = (
    1,
    2,
    3,
    4,
    6,
    8,
    12,
    16,
    24,
    32,
    48,
    64,
    96,
    128,
    160,
    192,
    256,
    320,
    384,
    512,
    640,
)
_MOST_WAFERS = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A size of blocks and what it would cost."""

    columns: int
    rows: int
    shape: Shape | None
    """None: it does not fit."""
    cores: int
    cycles_per_token: int
    """Estimated at half the context; 0 where it does not fit."""
    cycles_by_op: dict[str, int]
    refusal: str = ""


@dataclass(frozen=True)
class Plan:
    """A placement and the search that found it."""

    placement: Placement
    machine: MachineSpec
    rows_per_step: int
    candidates: tuple[Candidate, ...]
    """Every size that was compared, by rows, then columns."""
    chosen: Candidate

    @property
    def position(self) -> int:
        """KV rows at which sizes were compared: half the context."""
        return ceil(self.placement.context_length / 2)

    @cached_property
    def runner_up(self) -> Candidate | None:
        """The fastest size that was not chosen."""
        others = [c for c in self.candidates if c.shape is not None and c is not self.chosen]
        return min(others, key=lambda c: (c.cycles_per_token, c.cores), default=None)

    @property
    def why(self) -> str:
        """One sentence: why the runner-up lost."""
        other, best = self.runner_up, self.chosen
        if other is None:
            return "no other size fits"
        size = f"{other.columns} × {other.rows}"
        apart = other.cycles_per_token - best.cycles_per_token
        if apart <= 0:
            return (
                f"{size} takes {-apart:,} cycles a token less, within {_CORE_SLACK - 1:.0%}, and "
                f"{other.cores - best.cores:,} cores more"
            )
        more = {op: other.cycles_by_op[op] - best.cycles_by_op[op] for op in best.cycles_by_op}
        worst = max(more, key=lambda op: more[op])
        return (
            f"{size} takes {apart:,} cycles a token more ({apart / best.cycles_per_token:.1%}), "
            f"most of it for {worst} (+{more[worst]:,})"
        )

    @property
    def context_limit(self) -> tuple[int, str]:
        """The longest context that fits these rectangles, and what limits it."""
        return _context_limit(self.placement, self.machine)


def plan(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    formats: Mapping[str, Format] | None = None,
) -> Placement:
    """Return the placement with the fewest decode cycles, one that the tiers can run.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.
        formats: Format of every tensor by name; None: int8 for every matrix.

    Raises:
        PlacementError: The context is not one the model has, or no shape fits (the message says
            what the nearest one lacked), or a format is only priced.
    """
    return plan_shape(
        graph, machine, context_length, formats=formats, runs=True, wafers=1
    ).placement


def plan_shape(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    *,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    formats: Mapping[str, Format] | None = None,
    rows_per_step: int = 1,
    runs: bool = False,
    wafers: int | None = None,
) -> Plan:
    """Search the rectangles with the fewest cycles per token; weights are not needed.

    Args:
        graph: The model.
        machine: The chip.
        context_length: KV rows to hold; None means the model's own.
        blocks: Blocks the layers are split over; None: the planner's choice.
        block: (columns, rows) of a block; None: the planner's choice.
        formats: Format of every tensor by name; None: int8 for every matrix.
        rows_per_step: Rows of a step that are compared: 1 for decode, more for drafts.
        runs: True: only what the tiers can run; False: anything that can be priced.
        wafers: How many wafers; None: as few as hold the model.

    Raises:
        PlacementError: The context is not one the model has, or nothing fits.
    """
    model = model_shape(graph, formats, runs=runs)
    context = graph.context_length if context_length is None else context_length
    if not 1 <= context <= graph.context_length:
        raise PlacementError(
            f"a context of {context} asked for; {graph.name} takes 1 to {graph.context_length}"
        )
    if blocks is not None and not 1 <= blocks <= model.layers:
        raise PlacementError(f"{blocks} blocks asked for; {graph.name} has {model.layers} layers")
    search = _Search(graph, model, machine, context, runs, rows_per_step, blocks, wafers)
    sizes = [block] if block else list(_sizes(model, machine, runs))
    candidates = tuple(search.candidate(columns, rows) for columns, rows in sizes)
    fitting = [c for c in candidates if c.shape is not None]
    if not fitting:
        nearest = candidates[-1] if block else max(candidates, key=lambda c: c.cores)
        raise PlacementError(
            f"{graph.name} does not fit {machine.name} with a context of {context:,}: "
            f"{nearest.refusal}"
        )
    limit = _CORE_SLACK * min(c.cycles_per_token for c in fitting)
    close = [c for c in fitting if c.cycles_per_token <= limit]
    chosen = min(close, key=lambda c: (c.cores, c.cycles_per_token))
    assert chosen.shape is not None
    placement = place(model, machine, chosen.shape, context, runs=runs)
    return Plan(placement, machine, rows_per_step, candidates, chosen)


# ── the search ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Head:
    """A width of the head and what it costs, without its transfers."""

    columns: int
    cycles: int


class _Search:
    """Prices sizes of blocks for one model on one machine."""

    def __init__(
        self,
        graph: ModelGraph,
        model: ModelShape,
        machine: MachineSpec,
        context: int,
        runs: bool,
        rows_per_step: int,
        blocks: int | None,
        wafers: int | None,
    ) -> None:
        self.kinds = _kinds_of_layers(graph, model.formats)
        self.model, self.machine, self.context = model, machine, context
        self.runs, self.rows_per_step = runs, rows_per_step
        self.blocks, self.wafers = blocks, wafers
        self._heads: dict[tuple[int, int], _Head | None] = {}

    def candidate(self, columns: int, rows: int) -> Candidate:
        """Place and price one size; what does not fit says why."""
        try:
            most = self._most_layers(Shape(columns, rows, 1, blocks=1))
            layers = self._layers(columns, rows)
        except PlacementError as error:
            return Candidate(columns, rows, None, columns * rows, 0, {}, str(error))
        fewest = self._fewest_blocks(columns, rows, most)
        if isinstance(fewest, str):
            return Candidate(columns, rows, None, columns * rows, 0, {}, fewest)
        refusal = ""
        last = min(self.wafers or _MOST_WAFERS, fewest + 1)  # the head may have its own
        for wafers in range(self.wafers or 1, last + 1):
            heads = self.heads(rows, columns) if wafers == 1 else self.heads(rows, columns)[:1]
            for head in heads:
                shape = Shape(columns, rows, head.columns, fewest, wafers)
                if not self._has_area(shape):
                    continue
                try:
                    return self._with_blocks(shape, head, layers)
                except PlacementError as error:
                    refusal = refusal or str(error)
        refusal = refusal or self._head_refusal(rows)
        return Candidate(columns, rows, None, columns * rows, 0, {}, refusal)

    def _fewest_blocks(self, columns: int, rows: int, most: int) -> int | str:
        """Blocks that are needed, or asked for; a text where those hold too many layers."""
        fewest = ceil(self.model.layers / max(1, most))
        if self.blocks is None:
            return fewest
        if self.blocks >= fewest:
            return self.blocks
        heads = split_heads(self.model.attention, columns, fill=self.runs)
        layers = ceil(self.model.layers / self.blocks)
        shape = Shape(columns, rows, 1)
        try:
            block_sram(self.model, self.machine, shape, heads, self.context, layers)
        except PlacementError as error:
            return str(error)
        raise AssertionError("a block that fits was counted as too small")

    def _has_area(self, shape: Shape) -> bool:
        """Whether the wafers have as many cores as the rectangles."""
        assert shape.blocks is not None
        cores = shape.rows * (shape.blocks * shape.columns + shape.head_columns)
        return cores <= shape.wafers * self.machine.columns * self.machine.rows

    def _with_blocks(
        self, shape: Shape, head: _Head, layers: dict[str, tuple[int, int]]
    ) -> Candidate:
        """Choose the blocks: the most that fit, unless the fewest are clearly faster."""
        fewer = self._placed(shape)
        few = self._price(fewer, head, layers)
        if self.blocks is not None:
            return few
        many = self._price(self._most_blocks(shape, fewer), head, layers)
        return many if many.cycles_per_token <= _BLOCK_SLACK * few.cycles_per_token else few

    def _placed(self, shape: Shape) -> Placement:
        return place(self.model, self.machine, shape, self.context, runs=self.runs)

    def _most_blocks(self, shape: Shape, fewer: Placement) -> Placement:
        """The placement with the most blocks on as many wafers."""
        assert shape.blocks is not None
        low, high = shape.blocks, self.model.layers
        best = fewer
        while low < high:
            middle = (low + high + 1) // 2
            try:
                best = self._placed(replace(shape, blocks=middle))
                low = middle
            except PlacementError:
                high = middle - 1
        return best

    def _most_layers(self, shape: Shape) -> int:
        """Layers of a block that fit a core."""
        heads = split_heads(self.model.attention, shape.columns, fill=self.runs)
        one = block_sram(self.model, self.machine, shape, heads, self.context, 1)
        spare = self.machine.sram_bytes - one["code"] - one["buffers"]
        return min(self.model.layers, spare // max(1, one["weights"] + one["kv"]))

    # ── prices ──────────────────────────────────────────────────────────────────────────────

    def _layers(self, columns: int, rows: int) -> dict[str, tuple[int, int]]:
        """Cycles of all layers by operation: without KV rows, for each of them."""
        model = replace(self.model, layers=1)
        shape = Shape(columns, rows, 1, blocks=1)
        placement = place(model, _roomy(self.machine), shape, self.context, runs=self.runs)
        total: dict[str, tuple[int, int]] = {}
        for layer, count in self.kinds:
            compiled = compile_graph(layer, self.machine, placement, by_core=False)
            for row in compiled.program.instructions:
                op = Op(row[Field.OP])
                if row[Field.LAYER] >= 0 and op not in (Op.SEND, Op.RECEIVE):
                    fixed, per_row = total.get(op.name.lower(), (0, 0))
                    total[op.name.lower()] = (
                        fixed + count * int(row[Field.CYCLES]),
                        per_row + count * int(row[Field.CYCLES_KV]),
                    )
        return total

    def _price(
        self, placement: Placement, head: _Head, layers: dict[str, tuple[int, int]]
    ) -> Candidate:
        """Cycles per token of a placement at half the context."""
        shape = placement.shape
        kv_rows = ceil(self.context / 2 / shape.rows)
        by_op = {op: fixed + per_row * kv_rows for op, (fixed, per_row) in layers.items()}
        in_layers = sum(by_op.values())
        by_op["transfer"], transfer = self._transfers(placement)
        by_op["head"] = head.cycles
        latency = sum(by_op.values())
        in_block = shape.layers_by_block(self.model.layers)[0]
        interval = in_block * in_layers // self.model.layers + transfer
        cycles = (latency + (self.rows_per_step - 1) * interval) // self.rows_per_step
        cores = sum(region.width * region.height for region in placement.regions)
        return Candidate(shape.columns, shape.rows, shape, cores, cycles, by_op)

    def _transfers(self, placement: Placement) -> tuple[int, int]:
        """Cycles of all transfers of the stream, and of one between blocks."""
        machine, regions = self.machine, placement.regions
        hidden, angles = placement.hidden, self.model.angles
        tally = Tally(machine)
        tally.send((slice(None), slice(0, 1)), lane_wavelets(hidden, angles)[:, None])
        sending = tally.cycles
        total = 0
        for source in range(len(regions)):
            target = (source + 1) % len(regions)
            tally = Tally(machine)
            link = machine.wafer_link_cycles * (regions[source].wafer != regions[target].wafer)
            hops = lane_hops(regions, source, target)
            tally.receive((slice(None), slice(0, 1)), hops, 1, link)
            total += tally.cycles + sending
        return total, sending

    def heads(self, rows: int, columns: int) -> list[_Head]:
        """Widths of the head that fit a core: the narrowest of the fast ones, then by cycles.

        Besides round numbers, those that blocks of ``columns`` leave free in a band.
        """
        left = [self.machine.columns - n * columns for n in range(1, 5)]
        widths = [*_HEAD_WIDTHS, *(width for width in left if width > 0)]
        found = [head for width in sorted(set(widths)) if (head := self._head(rows, width))]
        least = min((head.cycles for head in found), default=0)
        return sorted(
            found,
            key=lambda head: (
                (0, head.columns) if head.cycles <= _HEAD_SLACK * least else (1, head.cycles)
            ),
        )

    def _head(self, rows: int, columns: int) -> _Head | None:
        """A head of this size with its price, None where it does not fit."""
        if columns > self.machine.columns:
            return None
        if (rows, columns) not in self._heads:
            try:
                head_sram(self.model, self.machine, Shape(1, rows, columns))
                self._heads[rows, columns] = _Head(columns, self._head_cycles(rows, columns))
            except PlacementError:
                self._heads[rows, columns] = None
        return self._heads[rows, columns]

    def _head_refusal(self, rows: int) -> str:
        """Why no head fits."""
        widest = min(_HEAD_WIDTHS[-1], self.machine.columns)
        try:
            head_sram(self.model, self.machine, Shape(1, rows, widest))
        except PlacementError as error:
            return str(error)
        return (
            f"the head of {rows} rows finds no room beside the blocks on {self.machine.columns} × "
            f"{self.machine.rows} cores: use a larger machine or a shorter context (`spark-tui "
            "wafer plan` says how many wafers it would take)"
        )

    def _head_cycles(self, rows: int, columns: int) -> int:
        """Cycles of lookup, last norm, product and choice in a head of this size."""
        model, machine = self.model, self.machine
        site, tally = Site(machine, columns, rows, by_core=False), Tally(machine)
        format, *_ = model.formats.by_role[Role.HEAD]
        hidden = (split if model.formats.in_groups else even_split)(model.hidden, rows)
        edges = np.arange(columns + 1) * model.vocabulary // columns
        outputs = np.diff(edges)
        order = ReduceOrder(
            hidden.parts, best_group(machine, hidden.parts, int(outputs.max()), hidden.span)
        )
        one = ReduceOrder(rows, best_group(machine, rows, 1))
        embed.steps(tally, site, hidden, 0)
        norm.steps(tally, site, hidden, one)
        if format.is_quantised:
            quantise.steps(tally, site, hidden, ALONG_ROWS)
            multicast.steps(tally, site, ALONG_ROWS, quantise.wavelets_by_core(hidden))
        else:
            multicast.steps(tally, site, ALONG_ROWS, multicast.half_wavelets(hidden))
        matmul.steps(tally, site, hidden, outputs, ALONG_ROWS, order, format)
        choice = ReduceOrder(columns, best_group(machine, columns, select.WAVELETS))
        select.steps(tally, site, outputs, choice)
        return tally.cycles


def _roomy(machine: MachineSpec) -> MachineSpec:
    """The machine with room for a block and a head of one column, whatever else lies there."""
    return replace(machine, columns=4 * machine.columns, rows=4 * machine.rows, sram_bytes=1 << 40)


def _context_limit(placement: Placement, machine: MachineSpec) -> tuple[int, str]:
    model, shape, heads = placement.model, placement.shape, placement.heads
    layers = len(placement.regions[0].layers)
    used = block_sram(model, machine, shape, heads, shape.rows, layers)  # one position a core
    a_row = layers * kv_bytes(heads, 1) + heads.queries * 4
    positions = 1 + (machine.sram_bytes - used["max_total"]) // a_row
    return positions * shape.rows, (
        f"KV rows of {layers} layers, {a_row:,} bytes each, in the "
        f"{machine.sram_bytes - used['max_total'] + a_row:,} bytes that code, weights and buffers "
        f"leave in a core of a block of {shape.columns} × {shape.rows}"
    )


def kv_capacity(placement: Placement, machine: MachineSpec) -> tuple[int, int]:
    """Return the KV rows that fit if one core row keeps them all, and if all core rows share them.

    The first is a cache that grows by concatenation where the new rows arrive, the second one
    whose rows are shifted or, as here, dealt out in turn (WaferLLM, table 5).
    """
    shared, _ = _context_limit(placement, machine)
    return shared // placement.shape.rows, shared


_COSTLESS = ("eps", "base", "scale")
"""Constants of a layer's nodes that change its numbers, not its cycles."""


def _kinds_of_layers(graph: ModelGraph, formats: WeightFormats) -> list[tuple[ModelGraph, int]]:
    """Return a layer of each price as a graph of its own, and how many layers have that price."""
    signatures: defaultdict[int, list[Hashable]] = defaultdict(list)
    for node in graph.nodes:
        if node.layer is not None:
            constants = tuple(
                (name, None if name == "bias" else value)
                for name, value in node.attributes.items()
                if name not in _COSTLESS
            )
            weights = tuple(formats.by_tensor[name] for name in node.tensors)
            width = graph.values[node.output]
            signatures[node.layer].append((node.role, width, constants, weights))
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for layer, signature in signatures.items():
        alike[tuple(signature)].append(layer)
    return [(graph.one_layer(layers[0]), len(layers)) for layers in alike.values()]


# ── sizes ───────────────────────────────────────────────────────────────────────────────────


def _sizes(model: ModelShape, machine: MachineSpec, runs: bool) -> Iterable[tuple[int, int]]:
    """(columns, rows) of the blocks that are compared."""
    for rows in _row_choices(model, machine):
        for columns in _column_choices(model, machine, runs):
            yield columns, rows


def _row_choices(model: ModelShape, machine: MachineSpec) -> Sequence[int]:
    """Rows over which the stream splits evenly; with fp16, as many as an even share needs."""
    if not model.formats.in_groups:
        shares = [
            *range(1, 9),
            *range(10, 17, 2),
            *(2**n * m for n in range(3, 14) for m in (2, 3)),
        ]
        rows = {ceil(model.hidden / share) for share in shares if share <= model.hidden}
    else:
        groups = model.hidden // GROUP
        rows = {n for n in range(1, groups + 1) if groups % n == 0}
        rows |= {groups * span for span in _SPANS}
    return sorted(n for n in rows if n <= machine.rows)


def _column_choices(model: ModelShape, machine: MachineSpec, runs: bool) -> Sequence[int]:
    """Columns that hold whole heads or equal shares of one.

    To be priced only also those that divide the wafer or the feed-forward well; heads then lie on
    as many of them as they can.
    """
    heads, half = model.attention.heads, model.attention.head_dim // 2
    columns = {n for n in range(1, heads + 1) if heads % n == 0}
    columns |= {heads * n for n in range(2, half + 1) if half % n == 0}
    if not runs:
        columns |= {machine.columns // n for n in range(1, 7)}
        columns |= {ceil(model.ffn / GROUP / n) for n in range(1, 5)}
    return sorted(n for n in columns if n <= machine.columns)
