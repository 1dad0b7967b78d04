"""A Program and its weights → a chip: routes, row programs and memories of every core.

One method for each operation of `engine.wafer.isa`, in the order of micro-steps that
`engine.wafer.ops` prices.  Computes no value; simulates nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.orders import ReduceOrder
from engine.model.quantise import QuantTensor
from engine.wafer.compiler import Compiled
from engine.wafer.cost import Cells, Cycles, vector
from engine.wafer.fabric.lane_routes import LaneRoutes
from engine.wafer.fabric.layout import Layout, beside, even, first_head, heads_layout
from engine.wafer.fabric.micro import LAST_ROW, Kind, Micro, MicroField, Programs, Reduce
from engine.wafer.fabric.network import Network, Routes
from engine.wafer.fabric.region import LANE_BACK, Line, RegionBuilder
from engine.wafer.geometry import GROUP, Split, split
from engine.wafer.isa import Field, Op
from engine.wafer.ops.base import ALONG_COLUMNS, ALONG_ROWS, Site
from engine.wafer.placement import Placement
from engine.wafer.program import Program, Region

__all__ = ["Chip", "Tap", "lower"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tap:
    """Where an observer finds an instruction's result in the trace."""

    instruction: int
    buffer: int
    """Which value of the Program it is."""
    cores: Ints
    """Core of every element, network numbers (n,)."""
    words: Ints
    """Word of the trace of every element, (n,)."""
    elements: Ints
    """Index in the value, (n,)."""


@dataclass(frozen=True, slots=True)
class Chip:
    """Everything a simulation needs."""

    program: Program
    network: Network
    routes: Routes
    instructions: NDArray[np.int32]
    first: NDArray[np.int64]
    words: NDArray[np.int32]
    kv_row: NDArray[np.int32]
    trace_words: int
    taps: tuple[Tap, ...]
    corner: tuple[int, int]
    """Wafer coordinates of the network's first router."""
    host_words: tuple[tuple[int, int], ...]
    """For each row of the head: first word of the host's area, and its words a row of a step."""
    regions: tuple[tuple[int, int], ...]
    """Memory of each region: words of a core, cores."""
    colors_used: int


class _Works:
    """Notes the cost of each COMPUTE that an operation tells of itself (a `cost.Micro`).

    Communication needs no note: how long it takes is what the fabric finds out.
    """

    def __init__(self, site: Site) -> None:
        self._shape = (site.rows, site.columns)
        self._task = site.machine.task_cycles
        self.told: list[dict[str, NDArray[np.int64]]] = []

    def work(
        self,
        cells: Cells,
        *,
        mac: Cycles = 0,
        vector: Cycles = 0,
        pipe: Cycles = 0,
        kv_mac: int = 0,
        kv_vector: int = 0,
        keep_vector: int = 0,
        keep_pipe: int = 0,
    ) -> None:
        """Note one COMPUTE by core; what only a keeping core does is in it: see `Kind.KEEP`."""
        given = {
            "mac": mac, "vector": vector + keep_vector, "pipe": pipe + keep_pipe,
            "mac_kv": kv_mac, "vector_kv": kv_vector,
        }  # fmt: skip
        cost = {name: np.zeros(self._shape, np.int64) for name in given}
        for name, cycles in given.items():
            cost[name][cells] = cycles
        cost["pipe"] += np.where(sum(cost.values()) > 0, self._task, 0)
        self.told.append(cost)

    def reduce(self, line: Any, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Nothing to note."""

    def multicast(self, line: Any, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Nothing to note."""

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Note the comparison; what the owner of the token's row does besides is told apart."""
        self.work((slice(None), slice(None)), vector=1)

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Nothing to note."""

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles) -> None:
        """Nothing to note."""


def lower(
    compiled: Compiled, placement: Placement, tensors: Mapping[str, Any], *, rows: int, context: int
) -> Chip:
    """Lower a Program to the fabric.

    Args:
        compiled: What the chip runs, with the micro-steps of every instruction.
        placement: Where it lies.
        tensors: The model's tensors by name.
        rows: Most rows of a step.
        context: KV positions to keep memory for.

    Raises:
        PlacementError: Colors run out.
    """
    return _Lowering(compiled, placement, tensors, rows, context).run()


class _Lowering:
    def __init__(
        self,
        compiled: Compiled,
        placement: Placement,
        tensors: Mapping[str, Any],
        rows: int,
        context: int,
    ) -> None:
        program = compiled.program
        self.compiled, self.program = compiled, program
        self.placement, self.tensors = placement, tensors
        self.machine = program.machine
        self.rows, self.context = rows, context
        self.corner, size = _bounds(program.regions, placement)
        self.network = Network(self.machine, *size)
        self.programs = Programs(size[0] * size[1])
        self.regions = [
            RegionBuilder(region, self.corner, self.network, self.programs)
            for region in program.regions
        ]
        self.head = len(self.regions) - 1
        self.fills: list[tuple[Ints, int, NDArray[np.int32]]] = []  # cores, address, words
        self.taps: list[Tap] = []
        self.trace_words = 0
        self.host: tuple[Ints, int, Ints] = (np.zeros(0, np.int64), 0, np.zeros(0, np.int64))
        self.angles = program.attention.head_dim
        self.index = 0
        self.row = program.instructions[0]
        self.told: list[dict[str, NDArray[np.int64]]] = []

    # ── what the current instruction works on ───────────────────────────────────────────────

    @property
    def site(self) -> RegionBuilder:
        """The region of the current instruction."""
        return self.regions[int(self.row[Field.REGION])]

    @property
    def along(self) -> int:
        """The axis its source lies along."""
        return int(self.row[Field.ALONG])

    def name(self, field: Field) -> str:
        """Return the name of one of its values."""
        return self.program.buffers[int(self.row[field])].name

    def width(self, field: Field) -> int:
        """Return the width of one of its values."""
        return self.program.buffers[int(self.row[field])].width

    def order(self) -> ReduceOrder:
        """Return its reduction's order."""
        return self.program.orders[int(self.row[Field.ORDER])]

    def split(self, width: int, axis: int) -> Split:
        """Return how a vector lies along an axis of the current region."""
        return split(width, self.site.extent(axis))

    def line(self, axis: int) -> Ints:
        """Return the places along an axis."""
        return np.arange(self.site.extent(axis), dtype=np.int64)

    def value(self, field: Field, words: int) -> int:
        """Return the address of one of its values in the region's cores."""
        return self.site.memory(f"value {self.name(field)}", words)

    def cores(self, axis: int, place: Any) -> tuple[Any, Any]:
        """Return (rows, columns) of places on the home line along an axis."""
        zero = np.zeros_like(np.asarray(place))
        return (place, zero) if axis == ALONG_ROWS else (zero, place)

    def work(self, cells: tuple[Any, Any], kind: Kind, arguments: tuple[Any, ...]) -> None:
        """Append the COMPUTE that the operation tells next, at local (rows, columns)."""
        rows, columns = (np.atleast_1d(np.asarray(part, np.int64)) for part in cells)
        cost = {name: cycles[rows, columns] for name, cycles in self.told.pop(0).items()}
        self.unpriced(cells, kind, arguments, **cost)

    def unpriced(
        self, cells: tuple[Any, Any], kind: Kind, arguments: tuple[Any, ...], **cost: Any
    ) -> None:
        """Append a COMPUTE that no operation tells: the host's words, or part of another."""
        named = {f"a{i}": argument for i, argument in enumerate(arguments)}
        self.site.add(self.site.cores(*cells), Micro.COMPUTE, kind=kind, **named, **cost)

    # ── the whole Program ───────────────────────────────────────────────────────────────────

    def run(self) -> Chip:
        """Lower every instruction, then lay the memories out."""
        lowerings = {
            Op.EMBED: self._embed, Op.NORM: self._norm, Op.QUANTISE: self._quantise,
            Op.MULTICAST: self._multicast, Op.MATMUL: self._matmul, Op.ROTARY: self._rotary,
            Op.ATTENTION: self._attention, Op.GATE: self._gate, Op.ADD: self._add,
            Op.SEND: self._send, Op.RECEIVE: self._receive, Op.SELECT: self._select,
        }  # fmt: skip
        for index, row in enumerate(self.program.instructions):
            self.index, self.row = index, row
            site = self.site
            site.instruction = self.index
            site.flags = LAST_ROW if self.row[Field.LAST_ROW] else 0
            sites = self.compiled.sites
            works = _Works(sites[int(self.row[Field.REGION])])
            self.compiled.steps[self.index].run(works, sites[int(self.row[Field.REGION])])
            self.told = works.told
            lowerings[Op(self.row[Field.OP])]()
            assert not self.told, f"{Op(self.row[Field.OP]).name} tells more work than was lowered"
        return self._finish()

    def _tap(self, axis: int, layout: Layout, field: Field = Field.TARGET) -> None:
        """Let an observer see a value of the current instruction on its home line."""
        address = self.value(field, layout.shape[1])
        counts = (layout >= 0).sum(axis=1)
        ends = np.cumsum(counts)
        places = np.flatnonzero(counts)
        cores = self.site.along(axis, places, 0)
        at = self.trace_words + ends[places] - counts[places]
        self.site.add(
            cores, Micro.COMPUTE, kind=Kind.NOTHING, tap=at, tap_from=address,
            tap_count=counts[places],
        )  # fmt: skip
        held = layout >= 0
        self.taps.append(
            Tap(
                self.index,
                int(self.row[field]),
                np.repeat(cores, counts[places]),
                self.trace_words + np.arange(int(ends[-1])),
                layout[held],
            )
        )
        self.trace_words += int(ends[-1])

    # ── lanes ───────────────────────────────────────────────────────────────────────────────

    def _embed(self) -> None:
        """Token east, look everywhere, the row found west to column 0, from there to the layers.

        Column 0 sends a row of the step on before it asks for the next one: rows found in
        different columns would overtake each other otherwise.
        """
        site, hidden = self.site, self.split(self.width(Field.TARGET), ALONG_ROWS)
        lines = self.line(ALONG_ROWS)
        host = site.memory("host", self.rows * (1 + self.angles))
        message = site.memory("message", 1 + self.angles)  # token, then angles on row 0
        counts = np.where(lines == 0, 1 + self.angles, 1)
        west = site.cores(lines, 0)
        self.unpriced((lines, 0), Kind.HOST, (host, message, counts))
        self.host = (west, host, counts)
        site.multicast(ALONG_COLUMNS, lines, np.ones(site.rows, np.int64), message)
        found = site.memory("found", 2)
        mine = self.value(Field.TARGET, hidden.most_elements)
        self._look_up(hidden, message, found, mine)
        if site.columns > 1:
            color = site.gather()
            rows, columns = np.meshgrid(lines, self.line(ALONG_COLUMNS)[1:], indexing="ij")
            site.transfer(
                Micro.SEND, site.cores(rows, columns).ravel(), colors=(-1, color), address=mine,
                count_at=found,
            )  # fmt: skip
            site.transfer(Micro.RECEIVE, west, colors=(color, -1), address=mine, count_at=found + 1)
        self._lanes(self.head, 0, LANE_BACK)
        k = np.array(hidden.elements)
        site.transfer(
            Micro.SEND, west, colors=(-1, LANE_BACK), address=mine,
            count=k + np.where(lines == 0, self.angles, 0), split=k, address_2=message + 1,
        )  # fmt: skip

    def _look_up(self, hidden: Split, message: int, found: int, mine: int) -> None:
        """Let every core of the head compare the token with its share of the vocabulary."""
        site = self.site
        tile, scales = self._tile(self.placement.head_outputs, hidden, np.array([]), tied=True)
        bounds = site.memory("vocabulary", 2)
        edges = np.concatenate([[0], np.cumsum(self.placement.head_outputs)])
        for column in range(site.columns):
            cores = site.cores(self.line(ALONG_ROWS), column)
            share = [int(edges[column]), int(edges[column + 1] - edges[column])]
            self.fills.append((cores, bounds, np.tile(np.array(share, np.int32), (cores.size, 1))))
        rows, columns = np.meshgrid(self.line(ALONG_ROWS), self.line(ALONG_COLUMNS), indexing="ij")
        k = np.array(hidden.elements)[rows]
        # What the owner of the token's row does besides looking, which the operation tells apart.
        cycles, overhead = vector(self.machine, k)
        self.told[0]["vector"] += cycles
        self.told[0]["pipe"] += overhead * (k > 0)
        k = k.ravel()
        groups = max(1, max(hidden.groups)) if hidden.span == 1 else 1
        self.work(
            (rows.ravel(), columns.ravel()), Kind.LOOKUP,
            (message, found, k, mine, tile, scales, (k << 16) | groups, bounds),
        )  # fmt: skip

    def _send(self) -> None:
        site, hidden = self.site, self.split(self.width(Field.SOURCE), ALONG_ROWS)
        index = int(self.row[Field.REGION])
        self._lanes(index, index + 1, index % 2)
        k = np.array(hidden.elements)
        carries = index + 1 < self.head
        more = np.where((self.line(ALONG_ROWS) == 0) & carries, self.angles, 0)
        site.transfer(
            Micro.SEND, site.cores(self.line(ALONG_ROWS), 0), colors=(-1, index % 2),
            address=self.value(Field.SOURCE, hidden.most_elements), count=k + more, split=k,
            address_2=site.memory("angles", self.angles),
        )  # fmt: skip

    def _receive(self) -> None:
        site, hidden = self.site, self.split(self.width(Field.SOURCE), ALONG_ROWS)
        index = int(self.row[Field.REGION])
        color = LANE_BACK if index == 0 else (index - 1) % 2
        layers = index < self.head
        k = np.array(hidden.elements)
        rows = self.line(ALONG_ROWS)
        angles = site.memory("angles", self.angles)
        common = {"split": k, "address_2": angles}
        site.transfer(
            Micro.RECEIVE, site.cores(rows, 0), colors=(color, -1),
            address=self.value(Field.SOURCE, hidden.most_elements),
            count=k + np.where((rows == 0) & layers, self.angles, 0), **common,
        )  # fmt: skip
        if layers and site.columns > 1:
            site.transfer(
                Micro.RECEIVE, site.cores(0, self.line(ALONG_COLUMNS)[1:]), colors=(color, -1),
                address=site.memory("passed over", hidden.most_elements),
                count=int(k[0]) + self.angles, split=int(k[0]), address_2=angles,
            )  # fmt: skip
        self._tap(ALONG_ROWS, even(hidden), Field.SOURCE)

    def _lanes(self, source: int, target: int, color: int) -> None:
        """Route a color along all lanes from a region to another."""
        start, end = self.regions[source], self.regions[target]
        ways = LaneRoutes(self.network.columns, self.network.rows, self.corner)
        for row in range(start.rows):
            ways.walk(self.placement.lane_path(source, target, row), row)
        if target < self.head:
            ways.cover(end.region)
        for taken, left, x, y in ways.routes():
            self.network.route(color, x, y, taken, left)

    # ── vectors ─────────────────────────────────────────────────────────────────────────────

    def _norm(self) -> None:
        site = self.site
        width = self.width(Field.SOURCE)
        hidden = self.split(width, ALONG_ROWS)
        k = np.array(hidden.elements)
        rows = self.line(ALONG_ROWS)
        west = site.cores(rows, 0)
        source = self.value(Field.SOURCE, hidden.most_elements)
        target = self.value(Field.TARGET, hidden.most_elements)
        root = site.memory("norm", 1)
        self.work((rows, 0 * rows), Kind.SQUARES, (source, root, k))
        one = np.ones(1, np.int64)
        site.reduce(
            Line(ALONG_ROWS, site.rows, np.zeros(1, np.int64), one), self.program.norm_order,
            root, Reduce.ADD_F32,
        )  # fmt: skip
        eps = int(np.float32(self.program.norm_eps).view(np.int32))
        self.work((0, 0), Kind.ROOT, (root, width, eps))
        site.multicast(ALONG_ROWS, np.zeros(1, np.int64), one, root)
        weight = int(self.row[Field.WEIGHT])
        gain = site.memory(f"weight {weight}", hidden.most_elements)
        vector_ = np.asarray(self.tensors[self.program.matrices[weight].tensors[0]], np.float32)
        for row, core in enumerate(west):
            lo = sum(hidden.elements[:row])
            piece = vector_[lo : lo + k[row]]
            self.fills.append((np.array([core]), gain, piece.view(np.int32)[None, :]))
        self.work((rows, 0 * rows), Kind.NORMALISE, (source, target, root, gain, k))
        self._tap(ALONG_ROWS, even(hidden))

    def _add(self) -> None:
        hidden = self.split(self.width(Field.SOURCE), ALONG_ROWS)
        k = np.array(hidden.elements)
        places = [
            self.value(field, hidden.most_elements)
            for field in (Field.SOURCE, Field.OTHER, Field.TARGET)
        ]
        self.work(self.cores(ALONG_ROWS, self.line(ALONG_ROWS)), Kind.ADD, (*places, k))
        self._tap(ALONG_ROWS, even(hidden))

    def _gate(self) -> None:
        gated = self.split(self.width(Field.TARGET), ALONG_COLUMNS)
        n = np.array(gated.elements)
        source = self.value(Field.SOURCE, 2 * gated.most_elements)
        target = self.value(Field.TARGET, gated.most_elements)
        busy = np.flatnonzero(n)
        self.work(self.cores(ALONG_COLUMNS, busy), Kind.GATE, (source, target, n[busy]))
        self._tap(ALONG_COLUMNS, even(gated))

    def _rotary(self) -> None:
        site, heads = self.site, self.placement.heads
        vectors = heads.queries + heads.kv
        angles = site.memory("angles", self.angles)
        columns = self.line(ALONG_COLUMNS)
        pair = np.array([first_head(heads, c)[1] * heads.dims // 2 for c in columns], np.int64)
        source = self.value(Field.SOURCE, (heads.queries + 2 * heads.kv) * heads.dims)
        self.work(
            self.cores(ALONG_COLUMNS, columns), Kind.ROTATE,
            (source, vectors, heads.dims, angles, angles + self.angles // 2, pair),
        )  # fmt: skip
        self._tap(ALONG_COLUMNS, self._heads())

    def _heads(self) -> Layout:
        return heads_layout(self.program.attention, self.placement.heads, self.site.columns)

    def _select(self) -> None:
        site, logits = self.site, self.placement.head_outputs
        columns = self.line(ALONG_COLUMNS)
        source = self.value(Field.SOURCE, int(logits.max()))
        best = site.memory("best", 2)
        self.work(
            self.cores(ALONG_COLUMNS, columns), Kind.BEST,
            (source, best, logits, np.cumsum(logits) - logits),
        )  # fmt: skip
        order = self.program.orders[int(self.row[Field.ORDER])]
        line = Line(ALONG_COLUMNS, site.columns, np.zeros(1, np.int64), np.full(1, 2, np.int64))
        site.reduce(line, order, best, Reduce.ARGMAX)

    # ── products ────────────────────────────────────────────────────────────────────────────

    def _activations(self, width: int) -> tuple[Split, int, int, Ints]:
        """Return how a product's input lies, its bytes' and scales' addresses, words by core."""
        lies = self.split(width, self.along)
        octets = -(-lies.most_elements // 4)
        scales = max(1, max(lies.groups))
        address = self.site.memory(f"activations {lies.width} {self.along}", octets + scales)
        words = np.where(np.array(lies.elements) > 0, octets + scales, 0)
        return lies, address, address + octets, words

    def _quantise(self) -> None:
        site = self.site
        lies, address, scales, _ = self._activations(self.width(Field.SOURCE))
        source = self.value(Field.SOURCE, lies.most_elements)
        e, g = np.array(lies.elements), np.array(lies.groups)
        busy = np.flatnonzero(e)
        cells = self.cores(self.along, busy)
        pieces = g[busy] if lies.span == 1 else np.ones(busy.size, np.int64)
        length = GROUP if lies.span == 1 else GROUP // lies.span
        self.work(cells, Kind.MAGNITUDE, (source, scales, pieces, length))
        one = np.ones(1, np.int64)
        zero = np.zeros(1, np.int64)
        if lies.span > 1:
            bases = tuple(int(b) for b in np.flatnonzero(g))
            line = Line(self.along, lies.span, zero, one, bases=bases)
            site.reduce(line, ReduceOrder.chain(lies.span), scales, Reduce.MAX_F32)
        owners = np.flatnonzero(g)
        self.work(self.cores(self.along, owners), Kind.SCALE, (scales, g[owners]))
        if lies.span > 1:
            site.multicast(self.along, zero, one, scales, length=lies.span, segments=lies.parts)
        self.work(cells, Kind.ROUND, (source, address, pieces, length, scales))

    def _multicast(self) -> None:
        """Bring activations, or queries, keys and values, from their line to all cores."""
        across = ALONG_COLUMNS if self.along == ALONG_ROWS else ALONG_ROWS
        site = self.site
        if self.name(Field.SOURCE) in self._attended:
            heads = self.placement.heads
            queries, kv = heads.queries * heads.dims, heads.kv * heads.dims
            message = site.memory("query, key, value", queries + kv)
            source = self.value(Field.SOURCE, queries + 2 * kv)
            columns = self.line(ALONG_COLUMNS)
            self._pack(columns, source, message, queries, kv)
            site.multicast(across, columns, np.full(columns.size, queries + kv), message)
            return
        _, address, _, words = self._activations(self.width(Field.SOURCE))
        site.multicast(across, self.line(self.along), words, address)

    @property
    def _attended(self) -> set[str]:
        """Names of the values that an attention reads."""
        table = self.program.instructions
        reads = table[table[:, Field.OP] == Op.ATTENTION, Field.SOURCE]
        return {self.program.buffers[int(index)].name for index in reads}

    def _pack(self, columns: Ints, source: int, message: int, queries: int, kv: int) -> None:
        """Write the message: queries as they are, keys and values as packed fp16."""
        north = self.cores(ALONG_COLUMNS, columns)
        self.unpriced(north, Kind.COPY, (source, message, queries))
        self.work(north, Kind.HALVES, (source + queries, message + queries, 2 * kv))

    def _matmul(self) -> None:
        site, axis = self.site, self.along
        weight = self.program.matrices[int(self.row[Field.WEIGHT])]
        lies, address, scales, _ = self._activations(weight.inputs)
        layout = self._outputs(axis)
        other = ALONG_COLUMNS if axis == ALONG_ROWS else ALONG_ROWS
        n = (layout >= 0).sum(axis=1)
        e, g = np.array(lies.elements), np.array(lies.groups)
        tile, factors = self._tile(n, lies, layout)
        most = int(n.max())
        pieces = g if lies.span == 1 else (e > 0).astype(np.int64)
        length = GROUP if lies.span == 1 else GROUP // lies.span
        dots = site.memory(f"dots {int(pieces.max()) * most}", int(pieces.max()) * most)
        target = self.value(Field.TARGET, most)
        grid = np.meshgrid(np.flatnonzero(e), np.flatnonzero(n), indexing="ij")
        inputs, outputs = grid[0].ravel(), grid[1].ravel()
        cells = (inputs, outputs) if axis == ALONG_ROWS else (outputs, inputs)
        self.work(cells, Kind.DOT, (address, tile, dots, pieces[inputs], length, n[outputs]))
        lines = np.flatnonzero(n)
        if lies.span > 1:
            bases = tuple(int(b) for b in np.flatnonzero(g))
            line = Line(axis, lies.span, lines, n[lines], bases=bases)
            site.reduce(line, ReduceOrder.chain(lies.span), dots, Reduce.ADD_I32)
        owns = g[inputs] > 0
        self.work(
            (cells[0][owns], cells[1][owns]), Kind.TERMS,
            (dots, factors, scales, g[inputs[owns]], target, n[outputs[owns]]),
        )  # fmt: skip
        line = Line(axis, lies.parts, lines, n[lines], pitch=lies.span)
        site.reduce(line, self.order(), target, Reduce.ADD_F32)
        self._tap(other, layout)

    def _outputs(self, axis: int) -> Layout:
        """Return where the current product's outputs lie on their home line."""
        width = self.width(Field.TARGET)
        if axis == ALONG_COLUMNS:
            return even(self.split(width, ALONG_ROWS))
        if self.name(Field.TARGET) in self._attended:
            return self._heads()
        if self.row[Field.LAYER] < 0:
            return even(self.placement.head_outputs)
        gated = even(self.split(width // 2, ALONG_COLUMNS))
        return beside(gated, np.where(gated >= 0, gated + width // 2, -1))

    def _tile(self, n: Ints, lies: Split, layout: Layout, *, tied: bool = False) -> tuple[int, int]:
        """Return the addresses of a product's weights and their scales, filled at first mention.

        A core's tile is n outputs × k inputs of int8, output by output, then fp16 scales of its
        groups; where a group spans cores each of them keeps the scale.
        """
        number = int(self.row[Field.WEIGHT])
        tensors = self.program.matrices[number].tensors
        most, k = int(n.max()), lies.most_elements
        groups = max(1, max(lies.groups))
        key = " ".join(tensors)
        known = self.site.has(f"tile {key}")
        tile = self.site.memory(f"tile {key}", -(-most * k // 4))
        scales = self.site.memory(f"scales {key}", -(-most * groups // 2))
        if not known:
            if tied:
                layout = even(n)
            axis = ALONG_ROWS if tied else self.along
            self._fill_tile(tensors, lies, layout, axis, tile, scales)
        return tile, scales

    def _fill_tile(
        self, tensors: tuple[str, ...], lies: Split, layout: Layout, axis: int, tile: int,
        scales: int,
    ) -> None:  # fmt: skip
        parts: list[QuantTensor] = [self.tensors[name] for name in tensors]
        values = np.concatenate([part.values for part in parts])
        factors = np.concatenate([part.scales for part in parts])
        sizes = np.array(lies.elements)
        starts = np.cumsum(sizes) - sizes
        for size in np.unique(sizes[sizes > 0]):
            places = np.flatnonzero(sizes == size)
            inputs = starts[places][:, None] + np.arange(size)
            groups = starts[places][:, None] // GROUP + np.arange(-(-size // GROUP))
            for output in np.flatnonzero((layout >= 0).any(axis=1)):
                rows = layout[output][layout[output] >= 0][None, :, None]
                cores = self.site.along(axis, places, output)
                self.fills.append((cores, tile, _as_words(values[rows, inputs[:, None, :]])))
                self.fills.append((cores, scales, _as_words(factors[rows, groups[:, None, :]])))

    # ── attention ───────────────────────────────────────────────────────────────────────────

    def _attention(self) -> None:
        site = self.site
        shape, heads = self.program.attention, self.placement.heads
        q, dims = heads.queries, heads.dims
        kv = heads.kv * dims
        layer = int(self.row[Field.LAYER])
        positions = -(-self.context // site.rows)
        message = site.memory("query, key, value", q * dims + kv)
        cache = site.memory(f"cache {layer}", positions * kv)
        scores = site.memory("scores", positions * q)
        largest = site.memory("largest", q)
        sums = site.memory("sums", q * (dims + 1))
        target = self.value(Field.TARGET, q * dims)
        grid = np.meshgrid(self.line(ALONG_ROWS), self.line(ALONG_COLUMNS), indexing="ij")
        every = (grid[0].ravel(), grid[1].ravel())
        sharing = shape.heads // shape.kv_heads
        before = np.array([first_head(heads, c)[0] % sharing for c in range(site.columns)])
        before = before[every[1]]
        self.work(every, Kind.KEEP, (message + q * dims, cache, kv, kv))
        self.work(every, Kind.SCORES, (message, cache, scores, q, kv, dims, sharing, before))
        if heads.parts > 1:
            bases = tuple(range(0, site.columns, heads.parts))
            band = Line(
                ALONG_COLUMNS, heads.parts, self.line(ALONG_ROWS),
                np.zeros(site.rows, np.int64), bases=bases,
            )  # fmt: skip
            order = self.program.head_dim_order
            site.reduce(band, order, scores, Reduce.ADD_F32, kv=q)
            site.multicast(
                ALONG_COLUMNS, self.line(ALONG_ROWS), np.zeros(site.rows, np.int64), scores,
                length=heads.parts, kv=q,
            )  # fmt: skip
        scale = int(np.float32(shape.scale).view(np.int32))
        self.work(every, Kind.LARGEST, (scores, 0, largest, q, scale))
        north = self.line(ALONG_COLUMNS)
        line = Line(ALONG_ROWS, site.rows, north, np.full(north.size, q))
        site.reduce(line, self.order(), largest, Reduce.MAX_F32)
        site.multicast(ALONG_ROWS, north, np.full(north.size, q), largest)
        packed = (heads.kv << 20) | (sharing << 10) | before
        self.work(every, Kind.WEIGH, (scores, cache, largest, q, kv, sums, dims, packed))
        line = Line(ALONG_ROWS, site.rows, north, np.full(north.size, q * (dims + 1)))
        site.reduce(line, self.order(), sums, Reduce.ADD_F32)
        self.work(self.cores(ALONG_COLUMNS, north), Kind.DIVIDE, (sums, target, q, dims))
        self._tap(ALONG_COLUMNS, even(np.full(site.columns, q * dims)))

    # ── the chip ────────────────────────────────────────────────────────────────────────────

    def _finish(self) -> Chip:
        cores = self.network.columns * self.network.rows
        size = np.zeros(cores, np.int64)
        kv_row = np.zeros(cores, np.int32)
        for site in self.regions:
            rows, columns = np.meshgrid(
                np.arange(site.rows), np.arange(site.columns), indexing="ij"
            )
            numbers = site.cores(rows, columns)
            size[numbers] = site.words
            kv_row[numbers] = rows
        base = np.cumsum(size) - size
        words = np.zeros(int(size.sum()), np.int32)
        for numbers, address, content in self.fills:
            words[base[numbers][:, None] + address + np.arange(content.shape[1])] = content
        routes = self.network.build()
        instructions, first = self.programs.tables(base)
        self._channels(instructions, first)
        west, address, counts = self.host
        return Chip(
            program=self.program, network=self.network, routes=routes, instructions=instructions,
            first=first, words=words, kv_row=kv_row, trace_words=self.trace_words,
            taps=tuple(self.taps), corner=self.corner,
            host_words=tuple(
                (int(base[core] + address), int(count))
                for core, count in zip(west, counts, strict=True)
            ),
            regions=tuple((site.words, site.rows * site.columns) for site in self.regions),
            colors_used=self.network.colors_used,
        )  # fmt: skip

    def _channels(self, instructions: NDArray[np.int32], first: NDArray[np.int64]) -> None:
        """Replace the colors that instructions name by the channels of their cores, in place."""
        core = np.repeat(np.arange(first.size - 1), np.diff(first))
        y, x = core // self.network.columns, core % self.network.columns
        talks = instructions[:, MicroField.OP] != Micro.COMPUTE
        for place, channels in (
            (MicroField.INTO, self.network.outlet),
            (MicroField.OUT, self.network.inlet),
        ):
            colors = instructions[:, place].copy()
            for color in np.unique(colors[talks & (colors >= 0)]):
                here = talks & (colors == color)
                instructions[here, place] = channels(int(color))[y[here], x[here]]
                if np.any(instructions[here, place] < 0):
                    raise PlacementError(f"color {color} has no route at a core that uses it")


def _bounds(
    regions: tuple[Region, ...], placement: Placement
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the corner and size of the smallest rectangle with all regions and lanes."""
    paths = [
        placement.lane_path(index, index + 1, row)
        for index in range(len(regions) - 1)
        for row in (0, regions[index].height - 1)
    ]
    corners = [np.array([[r.x, r.y], [r.x + r.width - 1, r.y + r.height - 1]]) for r in regions]
    points = np.concatenate([*paths, *corners])
    low, high = points.min(axis=0), points.max(axis=0)
    size = high - low + 1
    return (int(low[0]), int(low[1])), (int(size[0]), int(size[1]))


def _as_words(content: NDArray[Any]) -> NDArray[np.int32]:
    """Return int8 or fp16 content of cores, first axis, as int32 words padded with zeros."""
    octets = np.ascontiguousarray(content).view(np.uint8).reshape(len(content), -1)
    padded = np.zeros((len(octets), -(-octets.shape[1] // 4) * 4), np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.int32)
