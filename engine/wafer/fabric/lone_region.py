"""One region of a chip alone: what would come to it over its lanes is sent by cores beside it.

A *feeder* stands where a lane enters the region's rectangle and sends the rows of the stream from
the cycle on in which they would pass there; a *sink* behind the place where a lane leaves takes
them in.  Inside, cores, routes and row programs are those of the whole chip, lanes that turn over
the region included.  Lanes between other regions, which pass a region's routers in colors of their
own, are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.tensors.tensor import Tensor
from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost.lines import all_lasting, travel
from engine.wafer.fabric.lower import Chip, finish, lower_instructions
from engine.wafer.fabric.lowering.context import Ints, Lowering, bounds
from engine.wafer.fabric.micro import FIRST_ROW, LAST_ROW, Kind, Micro, rate
from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["Edges", "LoneChip", "lane_edges", "lower_region", "sent_to"]


@dataclass(frozen=True, slots=True)
class Edges:
    """The lanes of a region, cut where they enter and where they leave it."""

    into: tuple[Ints, ...]
    """By row: routers from the feeder to the west line, int64 (n, 2) of (column, row)."""
    before: Ints
    """By row: hops of the lane that lie before the feeder, int64 (rows,)."""
    out: tuple[Ints, ...]
    """By row: routers from the west line to the sink; empty for the head."""

    def seen_from(self, region: Region) -> bytes:
        """Return where the lanes run beside their region: equal where they run alike."""
        places = np.concatenate([*self.into, *self.out]) - (region.x, region.y)
        if region.flipped:
            places[:, 1] = region.height - 1 - places[:, 1]
        lengths = np.array([len(path) for path in (*self.into, *self.out)])
        return places.tobytes() + self.before.tobytes() + lengths.tobytes()

    @property
    def feeders(self) -> Ints:
        """Where the feeders stand, int64 (rows, 2)."""
        return np.array([path[0] for path in self.into])

    @property
    def sinks(self) -> Ints:
        """Where the sinks stand, int64 (rows, 2), or nothing."""
        return np.array([path[-1] for path in self.out], np.int64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class LoneChip:
    """A region's chip and where its feeders' words lie."""

    chip: Chip
    came: int
    """The instruction that a feeder's SEND counts as: the one that sends the stream here."""
    sent: int
    """Cycle in which the region before has sent its first row, on all lanes."""
    feeds: tuple[tuple[int, int], ...]
    """By row: first word of what the feeder sends in a step, and its words for each row of it."""
    slices: Ints
    """Elements of the stream on each lane, int64 (rows,)."""
    passing: Ints
    """By lane that leaves: cycles from when it begins to be sent until its sink has it all."""
    sinks: Ints
    """Core of each lane's sink, int64 (rows,); none for the head."""


def lower_region(
    compiled: Compiled,
    placement: Placement,
    tensors: Mapping[str, Tensor],
    index: int,
    *,
    rows: int,
    context: int,
    starts: Ints,
) -> LoneChip:
    """Lower one region of a Program; of the head, what follows the layers.

    Args:
        compiled: What the chip runs, with the micro-steps of every instruction.
        placement: Where it lies.
        tensors: The tensors that the region needs, by name.
        index: The region's number.
        rows: Most rows of a step.
        context: KV positions to keep memory for.
        starts: Cycle in which the region before begins to send each lane, int64 (rows,).

    Raises:
        PlacementError: Colors run out, or the stream comes or goes over a link between wafers.
    """
    low = _LoneLowering(compiled, placement, tensors, rows, context, index)
    starts = np.asarray(starts, np.int64)
    low.feed(starts)
    lower_instructions(low, low.own)
    low.drain()
    chip = finish(low)
    base = np.cumsum(low.core_words()) - low.core_words()
    feeds = zip(base[low.feeders].tolist(), low.wavelets.tolist(), strict=True)
    slices = np.array(placement.hidden.elements, np.int64)
    return LoneChip(
        chip,
        low.came,
        sent_to(placement, low.machine, index, starts),
        tuple(feeds),
        slices,
        low.passing(),
        low.sinks,
    )


class _LoneLowering(Lowering):
    """The chip of one region as it grows."""

    def __init__(
        self,
        compiled: Compiled,
        placement: Placement,
        tensors: Mapping[str, Tensor],
        rows: int,
        context: int,
        index: int,
    ) -> None:
        self.alone = index
        self.edges = lane_edges(placement, index)
        super().__init__(compiled, placement, tensors, rows, context)
        table = self.program.instructions
        mine = np.flatnonzero(table[:, Field.REGION] == index)
        arrives = int(mine[table[mine, Field.OP] == Op.RECEIVE][0])
        self.own = mine[mine >= arrives].tolist()
        sends = np.isin(table[:arrives, Field.OP], (Op.SEND, Op.EMBED))
        self.came = int(np.flatnonzero(sends)[-1])
        self.wavelets = _arriving(placement, index)
        self.feeders, self.sinks = self._at(self.edges.feeders), self._at(self.edges.sinks)

    def lowered_regions(self) -> Sequence[int]:
        """Return the one region."""
        return (self.alone,)

    @cached_property
    def _leaving(self) -> Ints:
        """Wavelets of each lane that leaves."""
        return _arriving(self.placement, self.alone + 1)

    def _bounds(self) -> tuple[tuple[int, int], tuple[int, int]]:
        region = self.program.regions[self.alone]
        corners = np.array(
            [
                [region.x, region.y],
                [region.x + region.width - 1, region.y + region.height - 1],
            ]
        )
        return bounds([corners, self.edges.feeders, self.edges.sinks])

    def _at(self, places: Ints) -> Ints:
        x, y = (places - np.array(self.corner)).T
        return np.asarray(y * self.network.columns + x)

    def core_words(self) -> Ints:
        """Return the words of every core's memory: feeders hold a step, sinks a row."""
        size = super().core_words()
        size[self.feeders] += self.wavelets * (1 + self.rows)
        if self.sinks.size:
            size[self.sinks] += self._leaving
        return size

    def lanes(self, source: int, target: int) -> None:
        """Route the lanes that leave, up to their sinks."""
        self.lay_lanes(source, target, self.edges.out)

    def feed(self, starts: Ints) -> None:
        """Route the lanes that arrive, and let feeders send them.

        A lane passes its feeder as many hops later as lie before that.
        """
        before = self.alone - 1 if self.alone else self.head
        self.lay_lanes(before, self.alone, self.edges.into)
        count, machine = self.wavelets, self.machine
        flags = LAST_ROW if self.alone == self.head else 0
        passed = np.ceil(self.edges.before * machine.hop_cycles).astype(np.int64)
        common = {"instruction": self.came}
        self.programs.add(
            self.feeders, Micro.COMPUTE, kind=Kind.NOTHING, pipe=starts + passed, flags=FIRST_ROW,
            **common,
        )  # fmt: skip
        self.programs.add(
            self.feeders, Micro.COMPUTE, kind=Kind.HOST, a0=0, a1=self.rows * count, a2=count,
            flags=flags, **common,
        )  # fmt: skip
        self.programs.add(
            self.feeders, Micro.SEND, setup=machine.dispatch_cycles,
            rate=rate(machine.inject_cycles_per_wavelet), address=self.rows * count, count=count,
            out=self.lane_colors(before, self.alone), flags=flags, **common,
        )  # fmt: skip

    def passing(self) -> Ints:
        """Return how long a lane that leaves takes from its SEND to its sink, int64 (rows,)."""
        machine = self.machine
        ways = [travel(machine, len(path) - 1) for path in self.edges.out]
        lasting = all_lasting(self._leaving, machine.inject_cycles_per_wavelet)
        return machine.dispatch_cycles + np.array(ways, np.int64) + lasting[: len(ways)]

    def drain(self) -> None:
        """Let sinks take in what leaves the region."""
        if not self.sinks.size:
            return
        number = self.own[-1] + 1
        arrives = int(self.program.instructions[number, Field.OP])
        assert arrives == Op.RECEIVE, "the next region begins with what arrives there"
        last = int(self.program.instructions[self.own[-1], Field.LAST_ROW])
        self.programs.add(
            self.sinks, Micro.RECEIVE, setup=self.machine.dispatch_cycles, rate=rate(1.0),
            count=self._leaving, into=self.lane_colors(self.alone, self.alone + 1),
            flags=LAST_ROW if last else 0, instruction=number,
        )  # fmt: skip


def sent_to(placement: Placement, machine: MachineSpec, index: int, starts: Ints) -> int:
    """Return the cycle in which the region before has sent a row to this one, on all lanes.

    Args:
        placement: Where the regions lie.
        machine: The chip.
        index: The region that the row comes to.
        starts: Cycle in which each lane begins to be sent, int64 (rows,).
    """
    lasting = all_lasting(_arriving(placement, index), machine.inject_cycles_per_wavelet)
    return int((starts + machine.dispatch_cycles + lasting).max())


def _arriving(placement: Placement, index: int) -> Ints:
    """Return the wavelets of a row that each lane brings to a region, int64 (rows,)."""
    carried = placement.model.angles if index < len(placement.regions) - 1 else 0
    return lane_wavelets(placement.hidden, carried)


def lane_edges(placement: Placement, index: int) -> Edges:
    """Return where the lanes of a region are cut.

    Raises:
        PlacementError: The stream comes or goes over a link between wafers.
    """
    regions = placement.regions
    region, head = regions[index], len(regions) - 1
    before, after = index - 1 if index else head, index + 1
    for other in (before, *(() if index == head else (after,))):
        if regions[other].wafer != region.wafer:
            raise PlacementError(
                f"the stream between {regions[other].label} and {region.label} crosses wafers: "
                "choose a region whose neighbours lie on its own wafer"
            )
    arriving = [placement.lane_path(before, index, row) for row in range(region.height)]
    entered = [int(np.flatnonzero(~_inside(region, path))[-1]) for path in arriving]
    into = [path[at:] for path, at in zip(arriving, entered, strict=True)]
    if index == head:
        return Edges(tuple(into), np.array(entered, np.int64), ())
    leaving = [placement.lane_path(index, after, row) for row in range(region.height)]
    out = tuple(_up_to_sink(region, path) for path in leaving)
    return Edges(tuple(into), np.array(entered, np.int64), out)


def _up_to_sink(region: Region, path: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a path to one router beyond that behind the region's edge, where a feeder may be."""
    left = int(np.flatnonzero(~_inside(region, path))[0])
    beyond = 2 * path[left] - path[left - 1]
    return np.concatenate([path[: left + 1], beyond[None, :]])


def _inside(region: Region, path: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which routers of a path lie in a region's rectangle."""
    x, y = path[:, 0] - region.x, path[:, 1] - region.y
    return np.asarray((x >= 0) & (x < region.width) & (y >= 0) & (y < region.height))
