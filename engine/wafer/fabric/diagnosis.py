"""Why a simulation cannot go on: who waits for what, and whether they wait in a circle.

Reads a fabric that stands still (`BLOCKED`, or `STOPPED` at its limit); changes nothing.  The
first line is worded like the vendor's simulator's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.wafer.fabric import state
from engine.wafer.fabric.micro import Kind, Micro, MicroField
from engine.wafer.fabric.network import PORT_NAMES, PORTS
from engine.wafer.fabric.state import Fabric, Totals

__all__ = ["BlockedCore", "BlockedQueue", "Diagnosis", "diagnose"]

_SHOWN = 6
"""Most cores, and most queues, that the text lists."""

_Node = tuple[str, int]
"""("core", number) or ("queue", channel)."""


@dataclass(frozen=True, slots=True)
class BlockedCore:
    """A core in the middle of a communication instruction."""

    x: int
    y: int
    instruction: int
    """Number in the Program."""
    micro: str
    color: int
    """The color it waits for, −1 if it waits for nothing."""
    waits_for: str
    """``wavelet``, ``room``, ``both`` or ``nothing``."""
    since: int
    """Cycle its wait began."""
    handled: int
    wavelets: int
    """Wavelets of the instruction so far, and in all."""

    def __str__(self) -> str:
        """One line."""
        return (
            f"core ({self.x}, {self.y}) {self.micro}, instruction {self.instruction}, wavelet "
            f"{self.handled} of {self.wavelets}: waits for {self.waits_for} on C{self.color} "
            f"since @{self.since}"
        )


@dataclass(frozen=True, slots=True)
class BlockedQueue:
    """Wavelets of a color that wait at a router, or for a core that does not take them."""

    x: int
    y: int
    color: int
    port: str
    """Letter of the port they came in by; ``-`` for the queue of the core."""
    wavelets: int
    waits_for: str

    def __str__(self) -> str:
        """One line."""
        return (
            f"C{self.color} at ({self.x}, {self.y}) from {self.port}: {self.wavelets} wavelets "
            f"wait for {self.waits_for}"
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Who stands still, and since when."""

    cycle: int
    since_instruction: int
    """Cycles since an instruction ended."""
    since_landing: int
    """Cycles since a router moved a wavelet."""
    last_instruction: str
    last_wavelet: str
    unfinished: int
    """Cores that have not finished."""
    cores: tuple[BlockedCore, ...]
    queues: tuple[BlockedQueue, ...]
    circle: tuple[str, ...]
    """Each waits for the next, and the last for the first; empty if nobody waits in a circle."""
    dead_ends: tuple[str, ...]
    """Cores and queues that somebody waits for in vain: finished, or fed by nothing."""

    @property
    def colors(self) -> tuple[int, ...]:
        """The blocked colors."""
        colors = {core.color for core in self.cores} | {queue.color for queue in self.queues}
        return tuple(sorted(colors - {-1}))

    def text(self) -> str:
        """A few lines for a person."""
        lines = [
            f"@{self.cycle} {self.since_instruction} cycles since an instruction was executed, "
            f"{self.since_landing} cycles since a wavelet landed",
            f"last instruction: {self.last_instruction}",
            f"last wavelet: {self.last_wavelet}",
            f"{self.unfinished} cores have not finished; blocked colors: "
            + (", ".join(f"C{color}" for color in self.colors) or "none"),
        ]
        for several in (self.cores, self.queues):
            lines += [f"  {one}" for one in several[:_SHOWN]]
            if len(several) > _SHOWN:
                lines.append(f"  … and {len(several) - _SHOWN} more")
        if self.circle:
            lines.append("they wait in a circle: " + " → ".join((*self.circle, self.circle[0])))
        lines += [f"nobody will come: {one}" for one in self.dead_ends[:_SHOWN]]
        return "\n".join(lines)


def diagnose(fabric: Fabric) -> Diagnosis:
    """Return why a fabric that stands still does so."""
    return _Reader(fabric).diagnosis()


class _Reader:
    """Reads the simulator's tables."""

    def __init__(self, fabric: Fabric) -> None:
        self.f, self.net = fabric, fabric.net

    def diagnosis(self) -> Diagnosis:
        f = self.f
        cycle = int(f.clock[state.CYCLE])
        cores = [self._blocked_core(int(core)) for core in self._stalled()]
        queues = [self._blocked_queue(int(channel)) for channel in self._holding()]
        circle, ends = self._follow()
        return Diagnosis(
            cycle=cycle,
            since_instruction=cycle - int(f.totals[Totals.LAST_INSTRUCTION]),
            since_landing=cycle - int(f.totals[Totals.LAST_LANDING]),
            last_instruction=self._last_instruction(), last_wavelet=self._last_wavelet(),
            unfinished=int(np.count_nonzero(f.cores[:, state.MODE] != state.FINISHED)),
            cores=tuple(cores), queues=tuple(queues),
            circle=tuple(self._name(node) for node in circle),
            dead_ends=tuple(self._name(node) for node in ends),
        )  # fmt: skip

    # Who stands still.

    def _stalled(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        cores = self.f.cores
        streaming = cores[:, state.MODE] == state.STREAMING
        return np.nonzero(streaming & (cores[:, state.SINCE] >= 0))[0]

    def _holding(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.nonzero(self.f.queues[:, state.COUNT] > 0)[0]

    def _place(self, router: int) -> tuple[int, int]:
        row, column = divmod(router, self.net.columns)
        return column, row

    def _full(self, channel: int) -> bool:
        row = self.f.queues[channel]
        return bool(row[state.COUNT] >= row[state.CAPACITY])

    def _wants(self, core: int) -> tuple[int, int]:
        """Return the channels in which a core waits for a wavelet and for room; −1 for none."""
        row = self.f.cores[core]
        op, into, out = int(row[state.OP]), int(row[state.INTO]), int(row[state.OUT])
        if op == Micro.EXCHANGE:
            takes = row[state.HANDLED] < row[state.LENGTH]
            gives = row[state.GIVEN] < row[state.LENGTH]
        else:
            takes = op != Micro.SEND
            gives = op in (Micro.SEND, Micro.REDUCE_SEND)
        empty = bool(takes) and self.f.queues[into, state.COUNT] == 0
        if op == Micro.JOIN and not empty:
            into = int(row[state.INTO_2])
            empty = bool(self.f.queues[into, state.COUNT] == 0)
        full = bool(gives) and self._full(out)
        return (into if empty else -1), (out if full else -1)

    def _blocked_core(self, core: int) -> BlockedCore:
        row = self.f.cores[core]
        wavelet, room = self._wants(core)
        words = {(True, False): "wavelet", (False, True): "room", (True, True): "both"}
        channel = wavelet if wavelet >= 0 else room
        x, y = self._place(core)
        return BlockedCore(
            x, y, self._number(int(row[state.COUNTER])), Micro(row[state.OP]).name,
            int(self.net.color[channel]) if channel >= 0 else -1,
            words.get((wavelet >= 0, room >= 0), "nothing"), int(row[state.SINCE]),
            int(max(row[state.HANDLED], row[state.GIVEN])), int(row[state.LENGTH]),
        )  # fmt: skip

    def _blocked_queue(self, channel: int) -> BlockedQueue:
        net = self.net
        x, y = self._place(int(net.router[channel]))
        port = self._port(channel) if net.receiver[channel] < 0 else "-"
        return BlockedQueue(
            x, y, int(net.color[channel]), port, int(self.f.queues[channel, state.COUNT]),
            self._obstacle(channel),
        )  # fmt: skip

    def _obstacle(self, channel: int) -> str:
        if self.net.receiver[channel] >= 0:
            return "their core"
        targets = self._targets(channel)
        if not targets:
            return "their switch"
        full = [target for target in targets if self._full(target)]
        return ("room in " + self._name(("queue", full[0]))) if full else "nothing"

    # What happened last.

    def _number(self, at: int) -> int:
        return int(self.f.program[at, MicroField.INSTRUCTION])

    def _last_instruction(self) -> str:
        ended = self.f.cores[:, state.ENDED]
        if not ended.any():
            return "none"
        core = int(np.argmax(ended))
        at = int(self.f.cores[core, state.ENDED_AT])
        op = Micro(self.f.program[at, MicroField.OP])
        name = Kind(self.f.program[at, MicroField.KIND]).name if op is Micro.COMPUTE else op.name
        return (
            f"{name}, instruction {self._number(at)} of the Program, core {self._place(core)} "
            f"@{ended[core]}"
        )

    def _last_wavelet(self) -> str:
        popped = np.where(self.net.receiver < 0, self.f.queues[:, state.POPPED], -1)
        if not popped.size or popped.max() < 0:
            return "none"
        channel = int(np.argmax(popped))
        place = self._place(int(self.net.router[channel]))
        return f"C{self.net.color[channel]} through router {place} @{popped[channel]}"

    # Who waits for whom.

    def _targets(self, channel: int) -> list[int]:
        """Return the channels that a channel leads to in its switch's present position."""
        switch = int(self.net.switch[channel])
        way = int(self.net.way_first[channel]) + (
            int(self.f.position[switch]) if switch >= 0 else 0
        )
        first = int(self.net.target_first[way])
        return [
            int(target)
            for target in self.net.target_channel[first : first + self.net.target_count[way]]
        ]

    def _awaited(self, node: _Node) -> list[_Node]:
        """Return those without whom a node cannot go on."""
        kind, number = node
        if kind == "core":
            if self.f.cores[number, state.MODE] == state.FINISHED:
                return []
            return [("queue", channel) for channel in self._wants(number) if channel >= 0]
        if self.f.queues[number, state.COUNT] == 0:
            return self._sources(number)
        if self.net.receiver[number] >= 0:
            return [("core", int(self.net.receiver[number]))]
        targets = self._targets(number)
        if not targets:  # whoever is let through now advances the switch
            switch = int(self.net.switch[number])
            first, last = self.net.switch_first[switch : switch + 2]
            others = [int(other) for other in self.net.switch_channel[first:last]]
            ahead: list[_Node] = [("queue", other) for other in others if self._targets(other)]
            return ahead or [("core", int(self.net.router[number]))]  # who opens a closed switch
        return [("queue", target) for target in targets if self._full(target)]

    def _sources(self, channel: int) -> list[_Node]:
        """Return where a wavelet for an empty channel would come from."""
        sender = int(self.net.sender[channel])
        if sender >= 0:
            return [("core", sender)]
        first = int(self.net.feeder_first[channel])
        feeders = self.net.feeder_channel[first : first + self.net.feeder_count[channel]]
        return [("queue", int(feeder)) for feeder in feeders]

    def _follow(self) -> tuple[list[_Node], list[_Node]]:
        """Return a circle of waiting, if there is one, and all dead ends."""
        seen: set[_Node] = set()
        ends: list[_Node] = []
        circle: list[_Node] = []
        starts: list[_Node] = [("core", int(core)) for core in self._stalled()]
        starts += [("queue", int(channel)) for channel in self._holding()]
        for start in starts:
            path: dict[_Node, None] = {}  # from the start to where we are, in order
            ways: list[Iterator[_Node]] = [iter((start,))]
            while ways:
                node = next(ways[-1], None)
                if node is None:
                    ways.pop()
                    if path:
                        path.popitem()
                elif node in path:
                    circle = circle or [*path][[*path].index(node) :]
                elif node not in seen:
                    seen.add(node)
                    if self._is_dead_end(node):
                        ends.append(node)
                    path[node] = None
                    ways.append(iter(self._awaited(node)))
        return circle, ends

    def _is_dead_end(self, node: _Node) -> bool:
        kind, number = node
        if kind == "core":
            return bool(self.f.cores[number, state.MODE] == state.FINISHED)
        return self.f.queues[number, state.COUNT] == 0 and not self._sources(number)

    def _name(self, node: _Node) -> str:
        kind, number = node
        if kind == "core":
            x, y = self._place(number)
            done = self.f.cores[number, state.MODE] == state.FINISHED
            return f"core ({x}, {y})" + (", which has finished" if done else "")
        color, place = self.net.color[number], self._place(int(self.net.router[number]))
        if self.net.receiver[number] >= 0:
            return f"C{color} to core {place}"
        return f"C{color} at {place} from {self._port(number)}"

    def _port(self, channel: int) -> str:
        """Return the letter of the port by which a router's channel comes in."""
        return PORT_NAMES[int(self.net.rank[channel]) % PORTS]
