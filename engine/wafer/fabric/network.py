"""Routers and colors → virtual channels: what a wavelet of a color does at every router.

A color's route at a router is a set of ports it is taken from and a set of ports it leaves by, as
on the chip [S12]; up to four such routes per color and router are switch positions, advanced by a
wavelet that carries the control bit.  A *virtual channel* is the queue of one color at one input
of one router, or of one color between a router and its core.  This module turns routes into the
flat tables the simulator walks; it moves no wavelet.

Sources: [S12] Cerebras SDK documentation; [S2] Luczynski et al., HPDC 2024 (hop, ramp).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import MachineError, PlacementError
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "EAST", "NORTH", "OPPOSITE", "PORTS", "PORT_NAMES", "RAMP", "SOUTH", "STEP", "WEST",
    "Network", "Routes", "bit",
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


def bit(*ports: int) -> int:
    """Return a set of ports as a mask.

    Example:
        >>> bit(EAST, RAMP)
        17
    """
    return sum(1 << port for port in ports)


@dataclass(slots=True)
class _Color:
    """One color's routes by switch position, uint8 masks of shape (positions, rows, columns)."""

    taken: NDArray[np.uint8]
    left: NDArray[np.uint8]
    used: int = 1


class Routes(NamedTuple):
    """The tables the simulator walks.  V virtual channels, P switch positions, C cores."""

    columns: int
    rows: int
    positions: int
    """P: the most switch positions of any color."""
    target_first: NDArray[np.int32]
    """Index of a channel's first target, by channel·P + position; (V·P,)."""
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
    switch_positions: NDArray[np.int32]
    """Positions of each switch."""
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
        usable = self.machine.colors - self.machine.reserved_colors
        if not 0 <= color < usable:
            raise PlacementError(
                f"color {color} asked for; {self.machine.name} has {usable} (0 to {usable - 1}) "
                "beside the host's: use group sizes whose pitches coincide, or fewer patterns"
            )
        if not 0 <= position < MAX_POSITIONS:
            raise PlacementError(
                f"switch position {position} asked for; a router has {MAX_POSITIONS} a color"
            )
        shape = (MAX_POSITIONS, self.rows, self.columns)
        if color not in self._colors:
            self._colors[color] = _Color(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        masks = self._colors[color]
        masks.used = max(masks.used, position + 1)
        old = masks.taken[position, y, x], masks.left[position, y, x]
        free = old[0] == 0
        if not np.all(free | ((old[0] == taken) & (old[1] == left))):
            raise PlacementError(f"color {color} has another route at one of these routers already")
        masks.taken[position, y, x] = taken
        masks.left[position, y, x] = left

    @property
    def colors_used(self) -> int:
        """The largest number of colors at one router."""
        routed = [masks.taken.any(axis=0) for masks in self._colors.values()]
        return int(np.sum(routed, axis=0).max()) if routed else 0

    def build(self) -> Routes:
        """Return the tables of all routes set so far."""
        return _Tables(self.machine, self.columns, self.rows, self._colors).build(
            self._into, self._onto
        )

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
        self.positions = max((masks.used for masks in colors.values()), default=1)
        self.count = 0
        self.inputs: dict[int, NDArray[np.int32]] = {}  # (PORTS, rows, columns) → channel
        self.queues: dict[int, NDArray[np.int32]] = {}  # (rows, columns) → channel to the core

    def build(
        self, into: dict[int, NDArray[np.int32]], onto: dict[int, NDArray[np.int32]]
    ) -> Routes:
        """Return the tables; ``into`` and ``onto`` get each color's channels at the ramps."""
        for color, masks in self.colors.items():
            self._number(color, masks)
            into[color], onto[color] = self.inputs[color][RAMP], self.queues[color]
        edges = [self._edges(color, masks) for color, masks in self.colors.items()]
        source, position, target, link = (
            np.concatenate([edge[i] for edge in edges]) if edges else np.zeros(0, np.int64)
            for i in range(4)
        )
        key = source * self.positions + position
        order = np.lexsort((link, key))
        first, count = _runs(key[order], self.count * self.positions)
        back = np.lexsort((source, target))
        unique = np.ones(back.size, bool)
        unique[1:] = (source[back][1:] != source[back][:-1]) | (
            target[back][1:] != target[back][:-1]
        )
        back = back[unique]
        feeder_first, feeder_count = _runs(target[back], self.count)
        return self._routes(
            first, count, target[order], link[order], feeder_first, feeder_count, source[back]
        )

    def _number(self, color: int, masks: _Color) -> None:
        """Give every input, and every queue towards a core, of a color its channel's number."""
        taken = np.bitwise_or.reduce(masks.taken, axis=0)
        left = np.bitwise_or.reduce(masks.left, axis=0)
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

    def _edges(self, color: int, masks: _Color) -> tuple[NDArray[np.int64], ...]:
        """Return (channel, position, target channel, link) of every way through a router."""
        parts: list[tuple[NDArray[np.int64], ...]] = []
        for position in range(masks.used):
            for port in range(PORTS):
                for out in range(PORTS):
                    y, x = np.nonzero(
                        ((masks.taken[position] >> port) & 1 == 1)
                        & ((masks.left[position] >> out) & 1 == 1)
                    )
                    if y.size:
                        parts.append(self._ways(color, position, port, out, x, y))
        if not parts:
            return tuple(np.zeros(0, np.int64) for _ in range(4))
        return tuple(np.concatenate([part[i] for part in parts]) for i in range(4))

    def _ways(
        self, color: int, position: int, port: int, out: int, x: Cores, y: Cores
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
            source.astype(np.int64), np.full(x.size, position, np.int64),
            target.astype(np.int64), link.astype(np.int64),
        )  # fmt: skip

    def _routes(
        self,
        first: NDArray[np.int64],
        count: NDArray[np.int64],
        target: NDArray[np.int64],
        link: NDArray[np.int64],
        feeder_first: NDArray[np.int64],
        feeder_count: NDArray[np.int64],
        feeder: NDArray[np.int64],
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
        switch, positions, switch_first, switch_channel = self._switches()
        return Routes(
            self.columns, self.rows, self.positions,
            first.astype(np.int32), count.astype(np.int32), target.astype(np.int32),
            link.astype(np.int32), feeder_first.astype(np.int32), feeder_count.astype(np.int32),
            feeder.astype(np.int32), sender, receiver, latency,
            (latency + machine.queue_depth).astype(np.int32), switch, positions, switch_first,
            switch_channel, rank, router, hue,
        )  # fmt: skip

    def _switches(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return each channel's switch, each switch's positions, and its channels in a row."""
        switch = np.full(self.count, -1, np.int32)
        positions: list[int] = []
        for color, masks in self.colors.items():
            if masks.used == 1:
                continue
            several = np.nonzero(masks.taken[1:].any(axis=0))
            for y, x in zip(*several, strict=True):
                channels = self.inputs[color][:, y, x]
                switch[channels[channels >= 0]] = len(positions)
                positions.append(int(np.count_nonzero(masks.taken[:, y, x])))
        members = np.nonzero(switch >= 0)[0]
        members = members[np.argsort(switch[members], kind="stable")]
        first, _ = _runs(switch[members].astype(np.int64), len(positions))
        ends = np.append(first, members.size)
        return (
            switch, np.array(positions, np.int32), ends.astype(np.int32), members.astype(np.int32),
        )  # fmt: skip


def _runs(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each key's run starts in sorted ``keys``, and how long it is."""
    count = np.bincount(keys, minlength=size).astype(np.int64)
    first = np.cumsum(count) - count
    return first, count
