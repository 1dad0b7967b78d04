"""Routers and colors → virtual channels: what a wavelet of a color does at every router.

A color's route at a router is a set of ports it is taken from and a set of ports it leaves by, as
on the chip [S12]; up to four such routes per color and router are switch positions, advanced by a
wavelet that carries the control bit.  Where several patterns share a color, each has positions of
its own, and a core sets its router to the first of them; the SDK's ``tile_config`` does that with
``color_config.reset_routes`` and ``switch_config``.  A *virtual channel* is the queue of one color
at one input of one router, or of one color between a router and its core.  This module turns routes
into the flat tables the simulator walks; it moves no wavelet.

Sources: [S12] Cerebras SDK documentation; [S2] Luczynski et al., HPDC 2024 (hop, ramp).
"""

from dataclasses import dataclass, field
from enum import IntEnum, unique
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import MachineError, PlacementError
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "EAST", "NORTH", "OPPOSITE", "PORTS", "PORT_NAMES", "RAMP", "SOUTH", "STEP", "WEST",
    "Network", "Routes", "Switch", "bit",
]  # fmt: skip

EAST, NORTH, WEST, SOUTH, RAMP = range(5)
PORTS = 5
PORT_NAMES = "ENWSR"
OPPOSITE = (WEST, SOUTH, EAST, NORTH, RAMP)
STEP = ((1, 0), (0, -1), (-1, 0), (0, 1), (0, 0))
"""(column, row) from a router to its neighbour behind a port."""
MAX_POSITIONS = 4
"""Switch positions of a color at a router [S12]."""

Cores = NDArray[np.int64]


@unique
class Switch(IntEnum):
    """What a router does with a color when its last position has let its stream pass."""

    STAY = 0
    """The last position stays."""
    RING = 1
    """The first position comes again: the SDK's ring mode [S12]."""
    CLOSE = 2
    """Nothing passes until the router's own core sets it to the first position of a pattern; so it
    begins, too.  On the chip this position takes from the ramp only, where nobody gives."""


def bit(*ports: int) -> int:
    """Return a set of ports as a mask.

    Example:
        >>> bit(EAST, RAMP)
        17
    """
    return sum(1 << port for port in ports)


@dataclass(slots=True)
class _Color:
    """One color's routes by pattern: uint8 masks of shape (positions, rows, columns)."""

    shape: tuple[int, int]
    taken: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    left: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    switch: NDArray[np.uint8] = field(init=False)
    """A `Switch` of each router."""

    def __post_init__(self) -> None:
        """Let every router stay in its last position."""
        self.switch = np.zeros(self.shape, np.uint8)

    def masks(self, pattern: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the masks of a pattern, without a route at first."""
        if pattern not in self.taken:
            for masks in (self.taken, self.left):
                masks[pattern] = np.zeros((MAX_POSITIONS, *self.shape), np.uint8)
        return self.taken[pattern], self.left[pattern]

    def used(self, pattern: int) -> NDArray[np.int64]:
        """Return how many positions of a pattern each router has."""
        return np.asarray(np.count_nonzero(self.taken[pattern], axis=0), np.int64)

    def begins(self) -> dict[int, NDArray[np.int64]]:
        """Return where each pattern's positions begin among those of a router."""
        at = (self.switch == Switch.CLOSE).astype(np.int64)  # position 0 is closed
        first = {}
        for pattern in sorted(self.taken):
            first[pattern] = at
            at = at + self.used(pattern)
        return first

    def positions(self) -> NDArray[np.int64]:
        """Return how many positions each router has in all, the closed one included."""
        closed = (self.switch == Switch.CLOSE).astype(np.int64)
        return sum((self.used(pattern) for pattern in self.taken), start=closed)


class Routes(NamedTuple):
    """The tables the simulator walks.  V virtual channels, W ways, C cores.

    A channel has a way for each position of the switch that governs it, one where there is none.
    """

    columns: int
    rows: int
    way_first: NDArray[np.int32]
    """A channel's way in position 0; (V,)."""
    way_channel: NDArray[np.int32]
    """The channel of a way; (W,)."""
    target_first: NDArray[np.int32]
    """Index of a way's first target; (W,)."""
    target_count: NDArray[np.int32]
    """Its number of targets; 0 means the switch is closed to it."""
    target_channel: NDArray[np.int32]
    target_link: NDArray[np.int32]
    """router·5 + port by which the wavelet leaves."""
    feeder_first: NDArray[np.int32]
    """Index of a channel's first feeding channel; (V,)."""
    feeder_count: NDArray[np.int32]
    feeder_channel: NDArray[np.int32]
    sender: NDArray[np.int32]
    """Core that fills the channel from its ramp, −1 if none; (V,)."""
    receiver: NDArray[np.int32]
    """Core that empties the channel, −1 for a router's own; (V,)."""
    latency: NDArray[np.int32]
    """Cycles from leaving the place before until a wavelet may go on."""
    capacity: NDArray[np.int32]
    """Wavelets a channel holds: its queue and what is under way to it."""
    switch: NDArray[np.int32]
    """Switch that governs the channel, −1 if its color has one position; (V,)."""
    switch_base: NDArray[np.int32]
    """Index of a switch's position 0 in `switch_next`."""
    switch_next: NDArray[np.int32]
    """The position that follows each position when a control bit passes."""
    switch_first: NDArray[np.int32]
    """Index of a switch's first channel in `switch_channel`; one more entry than switches."""
    switch_channel: NDArray[np.int32]
    rank: NDArray[np.int32]
    """color·5 + port: where a link's turn stands; (V,)."""
    router: NDArray[np.int32]
    """Router of the channel, row·columns + column; (V,)."""
    color: NDArray[np.int32]


@dataclass(slots=True)
class Network:
    """A rectangle of routers whose colors are being set up.

    Raises:
        MachineError: Its cores send more than one wavelet a cycle, which no link here takes.
        PlacementError: (from its methods) The machine lacks the color, a router already has
            another route for it, or a way out leads to no way in.
    """

    machine: MachineSpec
    columns: int
    rows: int
    _colors: dict[int, _Color] = field(default_factory=dict)
    _into: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    _onto: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    _switches: dict[int, NDArray[np.int32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a machine that is only priced."""
        pace = self.machine.inject_cycles_per_wavelet
        if pace < 1:
            raise MachineError(
                f"{self.machine.name}: inject_cycles_per_wavelet is {pace:g}, and the simulated "
                "links take one wavelet a cycle: this machine is priced only"
            )

    def route(
        self, color: int, x: Cores | int, y: Cores | int, taken: int, left: int, position: int = 0
    ) -> None:
        """Let routers at (x, y) take a color from the ports ``taken`` and pass it to ``left``.

        Args:
            color: Which color.
            x: Columns, int or int64 array.
            y: Rows, broadcast against ``x``.
            taken: Mask of ports, see `bit`.
            left: Mask of ports.
            position: Switch position.
        """
        if not 0 <= position < MAX_POSITIONS:
            raise PlacementError(
                f"switch position {position} asked for; a router has {MAX_POSITIONS} a color"
            )
        old_taken, old_left = self._color(color).masks(0)
        old = old_taken[position, y, x], old_left[position, y, x]
        free = old[0] == 0
        if not np.all(free | ((old[0] == taken) & (old[1] == left))):
            raise PlacementError(f"color {color} has another route at one of these routers already")
        old_taken[position, y, x] = taken
        old_left[position, y, x] = left

    def follow(
        self, color: int, x: Cores, y: Cores, taken: int, left: int, pattern: int, switch: Switch
    ) -> None:
        """Add a position to those that routers at (x, y) have in a pattern of a color.

        Args:
            color: Which color.
            x: Columns, int64.
            y: Rows, broadcast against ``x``.
            taken: Mask of ports, see `bit`.
            left: Mask of ports.
            pattern: Number of the pattern among those that share the color there.
            switch: What comes behind the pattern's last position.

        Raises:
            PlacementError: A router has no further position.
        """
        x, y = np.broadcast_arrays(x, y)
        known = self._color(color)
        old_taken, old_left = known.masks(pattern)
        position = known.used(pattern)[y, x] if pattern in known.taken else np.zeros(x.shape, int)
        most = MAX_POSITIONS - (switch is Switch.CLOSE)
        if np.any(position >= most):
            raise PlacementError(
                f"color {color} needs more than {most} switch positions of a pattern at a router"
            )
        known.switch[y, x] = switch
        old_taken[position, y, x] = taken
        old_left[position, y, x] = left

    def _color(self, color: int) -> _Color:
        usable = self.machine.colors - self.machine.reserved_colors
        if not 0 <= color < usable:
            raise PlacementError(
                f"color {color} asked for; {self.machine.name} has {usable} (0 to {usable - 1}) "
                "beside the host's: use a machine with more"
            )
        if color not in self._colors:
            self._colors[color] = _Color((self.rows, self.columns))
        return self._colors[color]

    @property
    def routed(self) -> frozenset[int]:
        """The colors that some router has a route for."""
        return frozenset(self._colors)

    @property
    def colors_used(self) -> int:
        """The largest number of colors at one router."""
        routed = [known.positions() > 0 for known in self._colors.values()]
        return int(np.sum(routed, axis=0).max()) if routed else 0

    def build(self) -> Routes:
        """Return the tables of all routes set so far."""
        return _Tables(self.machine, self.columns, self.rows, self._colors).build(
            self._into, self._onto, self._switches
        )

    def start(self, color: int, pattern: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return each router's switch of a color, −1 if none, and a pattern's first position."""
        return self._switches[color], self._colors[color].begins()[pattern]

    def inlet(self, color: int) -> NDArray[np.int32]:
        """Return the channel each core fills with a color, −1 if none; int32 (rows, columns)."""
        return self._into[color]

    def outlet(self, color: int) -> NDArray[np.int32]:
        """Return the channel each core empties of a color, −1 if none; int32 (rows, columns)."""
        return self._onto[color]


class _Tables:
    """Numbers the channels of all colors and links them up."""

    def __init__(
        self, machine: MachineSpec, columns: int, rows: int, colors: dict[int, _Color]
    ) -> None:
        self.machine, self.columns, self.rows = machine, columns, rows
        self.colors = dict(sorted(colors.items()))
        self.count = 0
        self.inputs: dict[int, NDArray[np.int32]] = {}  # (PORTS, rows, columns) → channel
        self.queues: dict[int, NDArray[np.int32]] = {}  # (rows, columns) → channel to the core
        self.ways = np.zeros(0, np.int64)  # by channel: how many, later the first

    def build(
        self,
        into: dict[int, NDArray[np.int32]],
        onto: dict[int, NDArray[np.int32]],
        switches: dict[int, NDArray[np.int32]],
    ) -> Routes:
        """Return the tables; the arguments get each color's channels at the ramps, and switches."""
        for color, known in self.colors.items():
            self._number(color, known)
            into[color], onto[color] = self.inputs[color][RAMP], self.queues[color]
        ways = self._count_ways()
        self.ways = np.cumsum(ways) - ways
        edges = [self._edges(color, known) for color, known in self.colors.items()]
        way, source, target, link = (
            np.concatenate([edge[i] for edge in edges]) if edges else np.zeros(0, np.int64)
            for i in range(4)
        )
        order = np.lexsort((link, way))
        first, count = _runs(way[order], int(ways.sum()))
        back = np.lexsort((source, target))
        unique = np.ones(back.size, bool)
        unique[1:] = (source[back][1:] != source[back][:-1]) | (
            target[back][1:] != target[back][:-1]
        )
        back = back[unique]
        feeder_first, feeder_count = _runs(target[back], self.count)
        return self._routes(
            np.repeat(np.arange(self.count), ways), first, count, target[order], link[order],
            feeder_first, feeder_count, source[back], switches,
        )  # fmt: skip

    def _number(self, color: int, known: _Color) -> None:
        """Give every input, and every queue towards a core, of a color its channel's number."""
        taken, left = (
            np.bitwise_or.reduce(np.concatenate([*masks.values()]), axis=0)
            for masks in (known.taken, known.left)
        )
        channels = np.full((PORTS, self.rows, self.columns), -1, np.int32)
        for port in range(PORTS):
            self._take(channels[port], (taken >> port) & 1 == 1)
        queues = np.full((self.rows, self.columns), -1, np.int32)
        self._take(queues, (left >> RAMP) & 1 == 1)
        self.inputs[color], self.queues[color] = channels, queues

    def _take(self, channels: NDArray[np.int32], where: NDArray[np.bool_]) -> None:
        size = int(np.count_nonzero(where))
        channels[where] = np.arange(self.count, self.count + size, dtype=np.int32)
        self.count += size

    def _count_ways(self) -> NDArray[np.int64]:
        """Return how many ways each channel has."""
        ways = np.ones(self.count, np.int64)
        for color, known in self.colors.items():
            positions = np.broadcast_to(known.positions(), self.inputs[color].shape)
            there = self.inputs[color] >= 0
            ways[self.inputs[color][there]] = positions[there]
        return ways

    def _edges(self, color: int, known: _Color) -> tuple[NDArray[np.int64], ...]:
        """Return (way, channel, target channel, link) of every way through a router."""
        parts: list[tuple[NDArray[np.int64], ...]] = []
        for pattern, begin in known.begins().items():
            for position in range(MAX_POSITIONS):
                taken, left = known.taken[pattern][position], known.left[pattern][position]
                ports = [port for port in range(PORTS) if np.any(taken >> port & 1)]
                exits = [port for port in range(PORTS) if np.any(left >> port & 1)]
                for port, out in product(ports, exits):
                    y, x = np.nonzero((taken >> port & 1 == 1) & (left >> out & 1 == 1))
                    if y.size:
                        at = begin[y, x] + position
                        parts.append(self._ways(color, at, port, out, x, y))
        if not parts:
            return tuple(np.zeros(0, np.int64) for _ in range(4))
        return tuple(np.concatenate([part[i] for part in parts]) for i in range(4))

    def _ways(
        self, color: int, position: Cores, port: int, out: int, x: Cores, y: Cores
    ) -> tuple[NDArray[np.int64], ...]:
        source = self.inputs[color][port, y, x]
        link = (y * self.columns + x) * PORTS + out
        if out == RAMP:
            target = self.queues[color][y, x]
        else:
            step_x, step_y = STEP[out]
            there_x, there_y = x + step_x, y + step_y
            outside = (
                (there_x < 0) | (there_x >= self.columns) | (there_y < 0) | (there_y >= self.rows)
            )
            target = np.where(
                outside,
                -1,
                self.inputs[color][OPPOSITE[out], there_y % self.rows, there_x % self.columns],
            )
        if np.any(target < 0):
            at = int(np.argmax(target < 0))
            raise PlacementError(
                f"color {color} leaves router ({x[at]}, {y[at]}) by its {PORT_NAMES[out]} port, "
                "and no router there takes it"
            )
        return (
            self.ways[source] + position, source.astype(np.int64), target.astype(np.int64),
            link.astype(np.int64),
        )  # fmt: skip

    def _routes(
        self,
        way_channel: NDArray[np.int64],
        first: NDArray[np.int64],
        count: NDArray[np.int64],
        target: NDArray[np.int64],
        link: NDArray[np.int64],
        feeder_first: NDArray[np.int64],
        feeder_count: NDArray[np.int64],
        feeder: NDArray[np.int64],
        switches: dict[int, NDArray[np.int32]],
    ) -> Routes:
        def blank(value: int) -> NDArray[np.int32]:
            return np.full(self.count, value, np.int32)

        machine = self.machine
        sender, receiver, latency, rank = blank(-1), blank(-1), blank(0), blank(0)
        router, hue = blank(0), blank(0)
        at = np.arange(self.rows * self.columns, dtype=np.int32).reshape(self.rows, self.columns)
        for color in self.colors:
            for port in range(PORTS):
                channels = self.inputs[color][port]
                there = channels >= 0
                numbers = channels[there]
                router[numbers], hue[numbers] = at[there], color
                rank[numbers] = color * PORTS + port
                latency[numbers] = machine.hop_cycles if port != RAMP else 1 + machine.ramp_cycles
                if port == RAMP:
                    sender[numbers] = at[there]
            there = self.queues[color] >= 0
            numbers = self.queues[color][there]
            router[numbers], hue[numbers], receiver[numbers] = at[there], color, at[there]
            latency[numbers] = machine.ramp_cycles
        switch, base, after, switch_first, switch_channel = self._switches(switches)
        return Routes(
            self.columns, self.rows, self.ways.astype(np.int32), way_channel.astype(np.int32),
            first.astype(np.int32), count.astype(np.int32), target.astype(np.int32),
            link.astype(np.int32), feeder_first.astype(np.int32), feeder_count.astype(np.int32),
            feeder.astype(np.int32), sender, receiver, latency,
            (latency + machine.queue_depth).astype(np.int32), switch, base, after, switch_first,
            switch_channel, rank, router, hue,
        )  # fmt: skip

    def _switches(self, switches: dict[int, NDArray[np.int32]]) -> tuple[NDArray[np.int32], ...]:
        """Return each channel's switch, then tables by switch: see `Routes`."""
        switch = np.full(self.count, -1, np.int32)
        sizes: list[NDArray[np.int64]] = []
        followers: list[NDArray[np.int64]] = []
        number = 0
        for color, known in self.colors.items():
            positions = known.positions()
            y, x = np.nonzero((positions > 1) | (known.switch == Switch.CLOSE))
            switches[color] = np.full((self.rows, self.columns), -1, np.int32)
            switches[color][y, x] = np.arange(number, number + y.size)
            number += y.size
            governed = np.broadcast_to(switches[color], self.inputs[color].shape)
            there = self.inputs[color] >= 0
            switch[self.inputs[color][there]] = governed[there]
            sizes.append(positions[y, x])
            followers.append(_followers(known, y, x))
        members = np.nonzero(switch >= 0)[0]
        members = members[np.argsort(switch[members], kind="stable")]
        first, _ = _runs(switch[members].astype(np.int64), number)
        size = np.concatenate(sizes) if sizes else np.zeros(0, np.int64)
        after = np.concatenate(followers) if followers else np.zeros(0, np.int64)
        tables = (np.cumsum(size) - size, after, np.append(first, members.size), members)
        return switch, *(table.astype(np.int32) for table in tables)


def _followers(known: _Color, y: Cores, x: Cores) -> NDArray[np.int64]:
    """Return the position that follows each position of the switches at (x, y), end to end."""
    size = known.positions()[y, x]
    base = np.cumsum(size) - size
    at = np.arange(int(size.sum())) - np.repeat(base, size)
    after = at + 1
    kind = known.switch[y, x]
    last = base + size - 1
    after[last] = np.where(kind == Switch.STAY, size - 1, 0)
    for pattern, begin in known.begins().items():
        used = known.used(pattern)[y, x]
        closes = (kind == Switch.CLOSE) & (used > 0)
        after[(base + begin[y, x] + used - 1)[closes]] = 0
    return after


def _runs(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each key's run starts in sorted ``keys``, and how long it is."""
    count = np.bincount(keys, minlength=size).astype(np.int64)
    first = np.cumsum(count) - count
    return first, count
