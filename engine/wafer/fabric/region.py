"""A region being lowered: its cores, its memory map, and collectives as micro-instructions.

Local coordinates are (row, column) of the region; flips and corners end here.  Every core of a
region has the same memory map.  Colors are shared as `engine.wafer.place.streams` says: all
reductions along an axis have two, all multicasts along it one.  Knows no operation and no model.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.wafer.fabric.micro import CTRL, Micro, Programs, Reduce, rate
from engine.wafer.fabric.network import EAST, NORTH, RAMP, SOUTH, WEST, Network, Switch, bit
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.place.lanes import row_y
from engine.wafer.place.streams import StreamPhase, Tree
from engine.wafer.plan.color_use import ColorUse
from engine.wafer.program.program import Region

__all__ = ["NodeLines", "RegionBuilder"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NodeLines:
    """Parallel lines of nodes: node p lies at ``base + p·pitch`` along the axis.

    There is one line for every pair of a base and a place across the axis.
    """

    axis: int
    length: int
    across: Ints
    """Places along the other axis, int64 (n,)."""
    count: Ints
    """Wavelets of each line, int64 (n,); a line of 0 takes no part."""
    pitch: int = 1
    bases: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class _Summed:
    """The words that a reduction adds up, at the same place in every node of its lines."""

    line: NodeLines
    address: int
    kind: Reduce
    kv: int
    """Words for every KV row, besides the line's counts."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A pattern of streams in the colors that it shares."""

    colors: tuple[int, ...]
    pattern: int
    """Its number among those that share them."""
    switch: Switch | None
    """How its routers go on behind its last position; None: each has one route for ever."""
    places: tuple[Ints, ...]
    """By color: the places along the axis whose routers have a part in it."""


@dataclass(slots=True)
class RegionBuilder:
    """One region's part of the programs, routes and memory."""

    region: Region
    corner: tuple[int, int]
    """(x, y) of the network's first router on the wafer."""
    network: Network
    programs: Programs
    shared: ColorUse
    """Which patterns share a color."""
    next_color: int
    """The first one that lanes leave free; later of those handed out."""
    instruction: int = 0
    """Number in the Program of what is being lowered."""
    flags: int = 0
    window: int = 0
    """Last positions that a row sees in what is being lowered; 0: all."""
    words: int = 0
    """Words of memory of a core, so far."""
    _ys: Ints = field(init=False)
    _map: dict[str, tuple[int, int]] = field(default_factory=dict)
    _colors: dict[tuple[Any, ...], tuple[int, ...]] = field(default_factory=dict)
    _ways: dict[Any, _Way] = field(default_factory=dict)
    """Of every pattern of streams whose routes are set."""
    _told: list[Tree] = field(default_factory=list)
    """Trees of the instruction that have not begun."""
    _open: dict[int, Tree] = field(default_factory=dict)
    """By axis: the tree whose phases follow."""

    def __post_init__(self) -> None:
        """Note where the region's rows lie in the network."""
        rows = [row_y(self.region, row) - self.corner[1] for row in range(self.region.height)]
        self._ys = np.array(rows, np.int64)

    # ── cores and memory ────────────────────────────────────────────────────────────────────

    @property
    def rows(self) -> int:
        """Rows of the region."""
        return self.region.height

    @property
    def columns(self) -> int:
        """Columns of the region."""
        return self.region.width

    def at(self, row: Any, column: Any) -> tuple[Ints, Ints]:
        """Return (x, y) in the network of local places, broadcast against each other."""
        r, c = np.broadcast_arrays(np.asarray(row, np.int64), np.asarray(column, np.int64))
        return c + self.region.x - self.corner[0], self._ys[r]

    def grid(self) -> tuple[Ints, Ints]:
        """Return (row, column) of every core, each int64 (rows, columns)."""
        rows, columns = np.meshgrid(np.arange(self.rows), np.arange(self.columns), indexing="ij")
        return rows, columns

    def cores(self, row: Any, column: Any) -> Ints:
        """Return the numbers of the cores at local places."""
        x, y = self.at(row, column)
        return y * self.network.columns + x

    def along(self, axis: int, place: Any, across: Any) -> Ints:
        """Return core numbers at ``place`` along an axis and ``across`` the other."""
        return self.cores(place, across) if axis == ALONG_ROWS else self.cores(across, place)

    def extent(self, axis: int) -> int:
        """Cores along an axis."""
        return self.rows if axis == ALONG_ROWS else self.columns

    def memory(self, name: str, words: int) -> int:
        """Return the address of a buffer of every core, made at its first mention.

        Its size is fixed then; a later mention may ask for less.
        """
        if name not in self._map:
            self._map[name] = (self.words, words)
            self.words += words
        address, size = self._map[name]
        assert words <= size, f"buffer {name!r} has {size} words, {words} are asked for"
        return address

    def has(self, name: str) -> bool:
        """Whether a buffer has been mentioned."""
        return name in self._map

    # ── routes ──────────────────────────────────────────────────────────────────────────────

    def _away(self, axis: int) -> int:
        """The port that leads away from position 0."""
        if axis == ALONG_COLUMNS:
            return EAST
        return NORTH if self.region.flipped else SOUTH

    def _back(self, axis: int) -> int:
        """The port that leads to position 0."""
        if axis == ALONG_COLUMNS:
            return WEST
        return SOUTH if self.region.flipped else NORTH

    def _all_across(self, axis: int, places: Ints) -> tuple[Ints, Ints]:
        """Return (x, y) in the network of ``places`` along an axis, all across."""
        across = np.arange(self.columns if axis == ALONG_ROWS else self.rows)[None, :]
        place = places[:, None]
        return self.at(place, across) if axis == ALONG_ROWS else self.at(across, place)

    def _route(self, color: int, axis: int, places: Ints, taken: int, left: int) -> None:
        """Set the route of a color at ``places`` along an axis, all across."""
        self.network.route(color, *self._all_across(axis, places), taken, left)

    def _lay(
        self, way: _Way, hue: int, axis: int, parts: list[tuple[Ints, tuple[int, int]]]
    ) -> None:
        """Let routers at some places pass a stream of a way in one of its colors."""
        color = way.colors[hue]
        for places, (taken, left) in parts:
            if way.switch is None:
                self._route(color, axis, places, taken, left)
            elif places.size:
                at = self._all_across(axis, places)
                self.network.follow(color, *at, taken, left, way.pattern, way.switch)

    def _take(self, pattern: tuple[Any, ...], number: int) -> tuple[tuple[int, ...], bool]:
        """Return a pattern's colors, and whether they are new."""
        if pattern in self._colors:
            return self._colors[pattern], False
        colors = tuple(range(self.next_color, self.next_color + number))
        self.next_color += number
        self._colors[pattern] = colors
        return colors, True

    def _tree(self, tree: Tree) -> _Way:
        """Return the way of a tree towards position 0, laid at its first mention."""
        if tree not in self._ways:
            colors, _ = self._take(("reduction", *tree.family), 2)
            trees = self.shared.trees[tree.family]
            alone = Switch.RING if len(tree.strides) > 1 else None
            switch = alone if len(trees) == 1 else Switch.CLOSE
            phases = [self._phase(tree, phase) for phase in tree.phases()]
            places = tuple(
                np.unique(np.concatenate([at for phase in phases for at, _ in phase[hue]]))
                for hue in (0, 1)
            )
            way = _Way(colors, trees.index(tree), switch, places)
            for phase in phases:
                for hue, parts in enumerate(phase):
                    self._lay(way, hue, tree.axis, parts)
            self._ways[tree] = way
        return self._ways[tree]

    def _phase(self, tree: Tree, phase: StreamPhase) -> list[list[tuple[Ints, tuple[int, int]]]]:
        """Return what routers do in a phase, by color: places, and ports taken and left."""
        away, back = self._away(tree.axis), self._back(tree.axis)
        parts = []
        for hue in (0, 1):
            givers = phase.givers[tree.takes(phase.givers) != hue]
            between = givers[:, None] - np.arange(1, phase.stride)
            parts.append(
                [
                    (givers, (bit(RAMP), bit(back))),
                    (between.ravel(), (bit(away), bit(back))),
                    (givers - phase.stride, (bit(away), bit(RAMP))),
                ]
            )
        return parts

    def _spread(self, axis: int, length: int) -> _Way:
        """Return the way of multicasts from every ``length``-th place to those behind it."""
        if (axis, length) not in self._ways:
            colors, _ = self._take(("multicast", axis), 1)
            lengths = self.shared.lengths[axis]
            away, back = self._away(axis), self._back(axis)
            place = np.arange(self.extent(axis) // length * length)
            inside = place % length
            switch = None if len(lengths) == 1 else Switch.CLOSE
            way = _Way(colors, lengths.index(length), switch, (place,))
            middle = place[(inside > 0) & (inside < length - 1)]
            parts = [
                (place[inside == 0], (bit(RAMP), bit(away))),
                (middle, (bit(back), bit(away, RAMP))),
                (place[inside == length - 1], (bit(back), bit(RAMP))),
            ]
            self._lay(way, 0, axis, parts)
            self._ways[axis, length] = way
        return self._ways[axis, length]

    def _set_routes(self, way: _Way, line: NodeLines, end: int, kv: int) -> None:
        """Let cores set their routers to a way whose colors others share."""
        if way.switch is not Switch.CLOSE:
            return
        busy = (line.count > 0) | (kv > 0)
        for color, places in zip(way.colors, way.places, strict=True):
            cores = self.along(line.axis, places[places < end][:, None], line.across[busy][None, :])
            counts = np.broadcast_to(line.count[busy][None, :], cores.shape).ravel()
            self.add(
                cores.ravel(), Micro.ROUTE, out=color, a1=way.pattern, count=counts, count_kv=kv
            )

    def gather(self) -> int:
        """Return the color on which any core of a row reaches the row's first one."""
        (color,), new = self._take(("gather",), 1)
        if new:
            place = np.arange(self.columns)
            self._route(color, ALONG_COLUMNS, place[:1], bit(EAST), bit(RAMP))
            self._route(color, ALONG_COLUMNS, place[1:-1], bit(EAST, RAMP), bit(WEST))
            self._route(color, ALONG_COLUMNS, place[1:][-1:], bit(RAMP), bit(WEST))
        return color

    # ── micro-instructions ──────────────────────────────────────────────────────────────────

    def begin(self, trees: list[Tree]) -> None:
        """Begin an instruction, whose reductions are these trees in this order."""
        self._told, self._open = list(trees), {}

    def add(self, cores: Any, op: Micro, *, flags: int = 0, **fields: Any) -> None:
        """Append a micro-instruction of the Program instruction being lowered."""
        self.programs.add(
            cores, op, flags=self.flags | flags, instruction=self.instruction, window=self.window,
            **fields,
        )  # fmt: skip

    def transfer(self, op: Micro, cores: Ints, *, colors: Any, **fields: Any) -> None:
        """Append a communication.

        Args:
            op: SEND, RECEIVE, REDUCE or REDUCE_SEND.
            cores: Core numbers (n,).
            colors: (color taken or −1, color given or −1); each an int or an array (n,).
            **fields: ADDRESS, COUNT, KIND and others.
        """
        machine = self.network.machine
        inject, fold = machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet
        pace = {
            Micro.SEND: inject,
            Micro.RECEIVE: 1.0,
            Micro.REDUCE: fold,
            Micro.REDUCE_SEND: max(inject, fold),
        }[op]
        self.add(
            cores, op, setup=machine.dispatch_cycles, rate=rate(pace),
            into=colors[0], out=colors[1], **fields,
        )  # fmt: skip

    def multicast(
        self,
        axis: int,
        across: Ints,
        count: Ints,
        address: int,
        *,
        length: int = 0,
        segments: int | None = None,
        kv: int = 0,
    ) -> None:
        """Copy ``count`` words at ``address`` from the first core of a line to all of it.

        Args:
            axis: Axis the lines run along.
            across: Places across the axis where there is a line, int64 (n,).
            count: Words of each, int64 (n,).
            address: The same in all cores.
            length: Cores of a line, from every multiple of it on; 0 is the whole axis.
            segments: How many such lines; None means as many as the axis has.
            kv: Words for every KV row, besides ``count``.
        """
        length = length or self.extent(axis)
        busy = (count > 0) | (kv > 0)
        across, count = across[busy], count[busy]
        if length <= 1 or not across.size:
            return
        way = self._spread(axis, length)
        self._open.pop(axis, None)
        if segments is None:
            segments = self.extent(axis) // length
        place = np.arange(segments * length)
        line = NodeLines(axis, length, across, count)
        self._set_routes(way, line, place.size, kv)
        (color,), flags = way.colors, 0 if way.switch is None else CTRL
        for op, places in (
            (Micro.SEND, place[place % length == 0]),
            (Micro.RECEIVE, place[place % length > 0]),
        ):
            cores = self.along(axis, places[:, None], across[None, :])
            counts = np.broadcast_to(count[None, :], cores.shape).ravel()
            sends = op == Micro.SEND
            self.transfer(
                op, cores.ravel(), colors=(-1, color) if sends else (color, -1),
                address=address, count=counts, count_kv=kv, flags=flags * sends,
            )  # fmt: skip

    def reduce(
        self, line: NodeLines, order: ReduceOrder, address: int, kind: Reduce, *, kv: int = 0
    ) -> None:
        """Reduce words at ``address`` over lines in two phases, into their first nodes.

        A group's chain runs from its last node to its first; then the groups' roots from the last
        to the first, each adding its own result on the left (`engine.model.sum_orders`).
        """
        if line.length <= 1:
            return
        if line.axis not in self._open:
            tree = self._open[line.axis] = self._told.pop(0)
            self._set_routes(self._tree(tree), line, tree.end, kv)
        summed = _Summed(line, address, kind, kv)
        group = min(order.group, line.length)
        for node in range(line.length - 1, -1, -1):
            inside = node % group
            members = min(group, line.length - (node - inside))
            gathers, last = members > 1, node - inside + group >= line.length
            chain = (group > 1) and inside < members - 1
            if inside:
                self._hop(summed, node, 1, chain, True)
            elif last:
                self._hop(summed, node, group, gathers, node > 0, chain=True)
            else:
                if gathers:
                    self._hop(summed, node, 1, True, False)
                self._hop(summed, node, group, True, node > 0)

    def _hop(
        self, summed: _Summed, node: int, stride: int, takes: bool, gives: bool,
        *, chain: bool = False,
    ) -> None:  # fmt: skip
        """Do one node's share: take from the node ``stride`` behind, give to the one ahead.

        With ``chain`` the node takes from its neighbour, inside its own group.
        """
        if not takes and not gives:
            return
        op = {
            (False, True): Micro.SEND,
            (True, False): Micro.REDUCE,
            (True, True): Micro.REDUCE_SEND,
        }[takes, gives]
        line = summed.line
        place = node * line.pitch + np.array(line.bases, np.int64)
        busy = (line.count > 0) | (summed.kv > 0)
        cores = self.along(line.axis, place[:, None], line.across[busy][None, :])
        counts = np.broadcast_to(line.count[busy][None, :], cores.shape).ravel()
        places = np.broadcast_to(place[:, None], cores.shape).ravel()
        tree = self._open[line.axis]
        way, hues = self._tree(tree), tree.takes(places)
        colors = np.array(way.colors, np.int64)
        taken: Any = colors[hues] if takes else -1
        given: Any = colors[1 - hues] if gives else -1
        self.transfer(
            op, cores.ravel(), colors=(taken, given), address=summed.address, count=counts,
            count_kv=summed.kv, kind=summed.kind,
            flags=CTRL if gives and way.switch is not None else 0,
        )  # fmt: skip
