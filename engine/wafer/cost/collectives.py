"""Prices collectives on an emulated machine: follow every stream's first and last wavelet.

The analytic tier of ``wafer predict collective``.  A line runs from core 0; lines of a rectangle
reduce along X first, then along Y.  The schedules are those that
`engine.wafer.fabric.line_schedules` gives the cycle tier, but no wavelet moves here: only two times
of each stream pass from core to core.  `closed_forms` has the formulas that others published.

A core does one instruction after the other.  Each starts with `dispatch_cycles`, then handles a
wavelet every so many cycles: `inject_cycles_per_wavelet` to send one, the cycles of an addition to
take one in, the larger of both to take one in and pass it on.  One core cycle, two ramps and the
hops lie between two cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from engine.wafer.program.machine import MachineSpec

__all__ = [
    "Collective",
    "PricedLine",
    "broadcast",
    "cycles",
    "group_sizes",
    "middle",
    "reduce",
    "ring",
    "tree_children",
]


@dataclass(frozen=True, slots=True)
class Collective:
    """A collective operation on P columns × R rows of cores."""

    machine: MachineSpec
    op: str
    """broadcast, reduce or allreduce."""
    algorithm: str
    columns: int
    rows: int
    wavelets: int
    groups: tuple[int, int] = (1, 1)
    """Groups along X and along Y, for the algorithms in two phases; see `group_sizes`."""
    dtype: str = "fp32"

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows)."""
        return self.columns, self.rows

    @property
    def cores(self) -> int:
        """P × R."""
        return self.columns * self.rows

    @property
    def add_cycles(self) -> float:
        """Cycles to take in a wavelet and add it."""
        fp16 = self.dtype == "fp16"
        machine = self.machine
        return machine.add_fp16_cycles_per_wavelet if fp16 else machine.add_fp32_cycles_per_wavelet

    @property
    def root(self) -> tuple[int, int]:
        """(column, row) of the core that ends with the sum, or that sends a broadcast."""
        if self.algorithm != "two-tree":
            return 0, 0
        along_x, along_y = self.groups
        return middle(self.columns, along_x), middle(self.rows, along_y)

    @property
    def farthest(self) -> int:
        """Hops from the root to the farthest core."""
        pairs = zip(self.size, self.root, strict=True)
        return sum(max(place, cores - 1 - place) for cores, place in pairs)


@dataclass(frozen=True, slots=True)
class _Stream:
    """B wavelets on their way: cycles in which the first and the last can be taken."""

    first: float
    last: float
    interval: float
    """Cycles the sender needs between two wavelets."""
    room: int
    """Wavelets that fit on the way while the receiver is not ready."""
    hops: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Cores in a row that reduce vectors of ``wavelets`` 32-bit wavelets."""

    machine: MachineSpec
    cores: int
    wavelets: int
    add_cycles: float
    """Cycles to take in and add a wavelet."""
    groups: int = 1
    """Groups of the two-phase and two-tree algorithms; of a two-tree they divide ``cores``."""

    # ── one core, one instruction ───────────────────────────────────────────────────────────

    @property
    def inject(self) -> float:
        """Cycles between two wavelets a core sends."""
        return self.machine.inject_cycles_per_wavelet

    @property
    def forward(self) -> float:
        """Cycles between two wavelets a core takes, adds and passes on."""
        return max(self.inject, self.add_cycles)

    def travel(self, hops: int) -> int:
        """Cycles from a core's cycle with a wavelet to the one in which another can take it."""
        return 1 + 2 * self.machine.ramp_cycles + hops * self.machine.hop_cycles

    def _stream(self, first: float, last: float, interval: float, hops: int) -> _Stream:
        """A stream that leaves a core from ``first`` to ``last``."""
        travel = self.travel(hops)
        queues = (hops + 2) * self.machine.queue_depth
        return _Stream(first + travel, last + travel, interval, travel + queues, hops)

    def send(self, free: float, hops: int) -> _Stream:
        """The stream of a core that sends from its memory once it is free."""
        first = free + self.machine.dispatch_cycles
        last = first + ceil((self.wavelets - 1) * self.inject)
        return self._stream(first, last, self.inject, hops)

    def take(self, stream: _Stream, free: float, rate: float) -> tuple[float, float]:
        """Return the cycles in which a core takes the first and the last wavelet of a stream."""
        first = max(free + self.machine.dispatch_cycles, stream.first)
        last = max(first + ceil((self.wavelets - 1) * rate), self._arrival(stream, first))
        return first, last

    def _arrival(self, stream: _Stream, first: float) -> float:
        """Return when the last wavelet can be taken if the first is taken in cycle ``first``.

        A stream that has to wait fills the queues on its way.  It goes on at its sender's pace
        once room has come back to the sender, one router a cycle.
        """
        beyond = self.wavelets - 1 - stream.room
        if first == stream.first or beyond <= 0:
            return stream.last
        back = stream.hops + 2 + self.travel(stream.hops)
        return max(stream.last, first + back + ceil(beyond * stream.interval))

    def add(self, stream: _Stream, free: float) -> float:
        """Return the cycle after a core has added a stream to its memory."""
        return self.take(stream, free, self.add_cycles)[1] + 1

    def pass_on(self, stream: _Stream, free: float, hops: int) -> _Stream:
        """The stream of a core that adds its memory to another stream and passes it on."""
        first, last = self.take(stream, free, self.forward)
        return self._stream(first, last, self.forward, hops)

    def chain(self, senders: int, free: float = 0.0, pitch: int = 1) -> _Stream | None:
        """The stream that ``senders`` cores in a chain, all free at once, give to the next."""
        if senders == 0:
            return None
        stream = self.send(free, pitch)
        for _ in range(senders - 1):
            stream = self.pass_on(stream, free, pitch)
        return stream

    # ── algorithms ──────────────────────────────────────────────────────────────────────────

    def chain_cycles(self) -> float:
        """Every core adds its vector to its neighbour's stream and passes it on."""
        stream = self.chain(self.cores - 1)
        return 0.0 if stream is None else self.add(stream, 0.0)

    def star_cycles(self) -> float:
        """All cores send to core 0, the nearest first; it adds one stream after the other."""
        if self.cores == 1:
            return 0.0
        free = self.add(self.send(0.0, 1), 0.0)
        for core in range(2, self.cores):
            free = self._next_of_star(free, core)
        return free

    def _next_of_star(self, free: float, hops: int) -> float:
        """Return when core 0 has added the stream from ``hops`` away, after all nearer ones.

        The router that was closed to it opens as the nearer sender's last wavelet leaves.
        """
        sent = self.send(0.0, hops)
        opened = free - 1 - self.travel(hops - 1) + self.machine.ramp_cycles
        first = max(sent.first, opened + self.travel(hops) - 1 - self.machine.ramp_cycles)
        behind = self.wavelets - 1 - (self.machine.queue_depth + 1 + self.machine.ramp_cycles)
        last = max(sent.last, first + max(0, ceil(behind * self.inject)))
        waiting = _Stream(first, last, self.inject, self.wavelets, hops)
        return self.add(waiting, free)

    def tree_cycles(self) -> float:
        """A binomial tree: a core adds its nearest child's stream first, passes the last one on."""
        streams: dict[int, _Stream] = {}
        for core in range(self.cores - 1, 0, -1):
            children = tree_children(core, self.cores)
            hops = core & -core
            free = 0.0
            for child in children[:-1]:
                free = self.add(streams.pop(child), free)
            if children:
                streams[core] = self.pass_on(streams.pop(children[-1]), free, hops)
            else:
                streams[core] = self.send(free, hops)
        free = 0.0
        for child in tree_children(0, self.cores):
            free = self.add(streams.pop(child), free)
        return free

    def two_phase_cycles(self) -> float:
        """Chains inside groups of neighbours, then a chain over the groups' first cores.

        The last group's first core passes its group's stream on; the others add theirs, then pass
        on the stream of the group behind.
        """
        members, groups, last = group_sizes(self.cores, self.groups)
        inside, end = self.chain(members - 1), self.chain(last - 1)
        if groups == 1 or inside is None:
            return self.chain_cycles()
        free = self.add(inside, 0.0)
        stream = self.send(0.0, members) if end is None else self.pass_on(end, 0.0, members)
        for _ in range(groups - 2):
            stream = self.pass_on(stream, free, members)
        return self.add(stream, free)

    def two_tree_cycles(self) -> float:
        """Two chains to the middle of every group, then two over these middles to the middle one.

        As in WaferLLM's code: a middle adds both streams of its group to its memory before it
        takes part in the second phase; the farther half of the line first.
        """
        members = self.cores // self.groups
        near, far = members // 2, members - 1 - members // 2
        free = self._add_both(self.chain(far), self.chain(near), 0.0)
        before, behind = self.groups // 2, self.groups - 1 - self.groups // 2
        return self._add_both(
            self.chain(behind, free, members), self.chain(before, free, members), free
        )

    def _add_both(self, one: _Stream | None, other: _Stream | None, free: float) -> float:
        """Add one stream, then the other."""
        if one is not None:
            end = self.add(one, free)
            free = end if other is None else max(end, self._beside(one, other, free))
        return free if other is None else self.add(other, free)

    def _beside(self, one: _Stream, other: _Stream, free: float) -> float:
        """Return when a core has added one stream while the other already comes down its ramp.

        Until its queue is full, the other takes cycles of the ramp from the first stream; wavelets
        of the first that already wait in the core's queue make up for them.
        """
        first = max(free + self.machine.dispatch_cycles, one.first)
        late = max(0.0, other.first - one.first)
        if late >= self.wavelets * one.interval:
            return 0.0
        queue = self.machine.ramp_cycles + self.machine.queue_depth
        ahead = max(0.0, min(self.wavelets, queue) - (first - one.first))
        ahead *= max(0.0, 1.0 + other.interval / one.interval - other.interval)  # no slots to spare
        if late == 0:
            ahead = max(ahead, 1.0)  # of two at once, the other's goes first
        left = self.wavelets - 1 - late / one.interval
        return first + late + ahead + ceil(left * self.add_cycles) + 1


def group_sizes(cores: int, groups: int) -> tuple[int, int, int]:
    """Return (cores of a group, groups, cores of the last group) of a line in about ``groups``.

    Where they do not divide the line, groups are rounded up to whole cores, the last one is
    smaller, and there may be fewer of them.

    Example:
        >>> group_sizes(512, 16), group_sizes(512, 100), group_sizes(7, 3)
        ((32, 16, 32), (6, 86, 2), (3, 3, 1))
    """
    members = ceil(cores / groups)
    number = ceil(cores / members)
    return members, number, cores - (number - 1) * members


def tree_children(core: int, cores: int) -> list[int]:
    """Return the cores whose streams ``core`` adds in a binomial tree, the nearest first.

    Example:
        >>> tree_children(4, 8), tree_children(0, 6)
        ([5, 6], [1, 2, 4])
    """
    children = []
    distance = 1
    while (core == 0 or distance < (core & -core)) and core + distance < cores:
        children.append(core + distance)
        distance *= 2
    return children


def middle(cores: int, groups: int) -> int:
    """Return the core where a two-tree ends: the middle of the middle group."""
    members = cores // groups
    return groups // 2 * members + members // 2


REDUCTIONS: dict[str, Callable[[PricedLine], float]] = {
    "chain": PricedLine.chain_cycles,
    "star": PricedLine.star_cycles,
    "tree": PricedLine.tree_cycles,
    "two-phase": PricedLine.two_phase_cycles,
    "two-tree": PricedLine.two_tree_cycles,
}


def reduce(line: PricedLine, algorithm: str) -> float:
    """Return the cycles until one core of a line has the sum in its memory; 0 for one core."""
    return REDUCTIONS[algorithm](line) if line.cores > 1 else 0.0


def broadcast(machine: MachineSpec, hops: int, wavelets: int) -> float:
    """Return the cycles of a multicast until the core ``hops`` away has taken the last wavelet.

    Cost:
        dispatch + ⌈(B − 1)·inject⌉ + 2·T_R + 2 + hop·hops: B + P + 2·T_R on a row of `wse2`
    """
    sending = ceil((wavelets - 1) * machine.inject_cycles_per_wavelet) + 1
    travel = 1 + 2 * machine.ramp_cycles + hops * machine.hop_cycles
    return machine.dispatch_cycles + sending + travel


def ring(line: PricedLine) -> float:
    """Return the cycles of a ring all-reduce; the way from the last core to core 0 is P − 1 hops.

    P − 1 rounds add chunks of ⌈B / P⌉ wavelets, P − 1 more bring the sums to all.  In a round a
    core sends one chunk while another comes in; the slowest way round crosses the long way twice.

    Cost:
        2·(P − 1)·(dispatch + ⌈(b − 1)·w⌉ + 2·T_R + 2 + hop) + 2·(P − 2)·hop, b = ⌈B / P⌉
    """
    cores = line.cores
    if cores == 1:
        return 0.0
    chunk = ceil(line.wavelets / cores)
    dispatch = line.machine.dispatch_cycles
    turn = dispatch + line.travel(1) + ceil((chunk - 1) * line.forward) + 1
    return 2 * (cores - 1) * turn + 2 * (cores - 2) * line.machine.hop_cycles


def cycles(asked: Collective) -> float:
    """Return the cycles of a whole collective, from the first injection to the last result."""
    if asked.cores == 1:
        return 0.0
    if asked.op == "broadcast":
        return broadcast(asked.machine, asked.farthest, asked.wavelets)
    lines = [
        PricedLine(asked.machine, cores, asked.wavelets, asked.add_cycles, number)
        for cores, number in zip(asked.size, asked.groups, strict=True)
    ]
    if asked.algorithm == "ring":
        return sum(ring(line) for line in lines)
    total = sum(reduce(line, asked.algorithm) for line in lines)
    if asked.op == "reduce":
        return total
    return total + broadcast(asked.machine, asked.farthest, asked.wavelets)
