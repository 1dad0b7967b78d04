"""Counts cycles: the micro-steps of an operation advance the clocks of its cores.

An operation calls `work`, `reduce`, `multicast`, `send` and `receive` on a ledger.  `Ledger`
keeps a clock for every core of a region, so that skew carries over from step to step as in a
dataflow machine.  `Tally` is rougher and faster, for a planner that compares many shapes: it adds
the steps up as if every core waited for the slowest.  Knows nothing of models, text or values.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import lines
from engine.wafer.cost.lines import Line
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.states import BUSY_STATES, Busy

__all__ = [
    "Cells",
    "Cost",
    "Counted",
    "Cycles",
    "Ledger",
    "MicroSteps",
    "Tally",
    "longer",
    "vector",
    "with_kv_slope",
]

Cells = tuple[slice, slice]
"""(rows, columns) of a region, as NumPy slices."""

Cycles = NDArray[np.int64] | int


_MAC, _VECTOR, _COMM, _PIPE = Busy.MAC, Busy.VECTOR, Busy.COMM, Busy.PIPE
_NEVER = np.iinfo(np.int64).max


class MicroSteps(Protocol):
    """Receives the micro-steps of an operation, in order, on the cores of one region.

    Implemented by `Ledger`, `Tally` and whatever lowers a Program to cores.
    """

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
        """One COMPUTE: local work of the cores of ``cells``.

        Args:
            cells: The cores that take part.
            mac: Multiply–accumulate cycles by core.
            vector: Cycles of other arithmetic by core.
            pipe: Overhead of the vector instructions by core.
            kv_mac: Multiply–accumulate cycles per KV row of a core.
            kv_vector: Cycles of other arithmetic per KV row of a core.
            keep_vector: Further cycles of the core row that keeps the row's key and value.
            keep_pipe: Overhead of that work.
        """

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Reduce ``wavelets`` + ``kv_wavelets`` · KV rows of a core to position 0 of every line."""

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Multicast that many wavelets from position 0 of every line to its other cores."""

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Compare in all cores (one COMPUTE), then bring the row that was found to column 0.

        Args:
            hops: Hops to column 0 from the column that is timed as the owner: its number.
            wavelets: Wavelets that the owner SENDs and column 0 RECEIVEs, by row; none travel
                where column 0 is the owner.
            vector: Further cycles of the owner's COMPUTE, by row.
            pipe: Overhead of that work.
        """

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """SEND on the lanes that start in ``cells``."""

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """RECEIVE in ``cells``, ``hops``, and perhaps a link, from where the lanes started."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one instruction, alone on a region of H × W cores, from an aligned start."""

    cycles: tuple[int, int]
    """Cycles without KV rows, and for every KV row of all cores."""
    states: NDArray[np.int64]
    """Busy cycles (`Busy`), int64 (2, 4, H, W): without KV rows, for every KV row of a core."""
    enter: NDArray[np.int64]
    """Cycle in which a core first takes part, int64 (H, W): when its first work begins, or the
    dispatch of its first message, moved later by the waits inside it.  −1: never."""
    leave: NDArray[np.int64]
    """Cycle in which a core is done, int64 (H, W); 0 where it takes no part."""

    def without_cores(self) -> "Cost":
        """Return the same without the states and times of single cores."""
        none = np.zeros((0, 0), np.int64)
        return Cost(self.cycles, np.zeros((2, BUSY_STATES, 0, 0), np.int64), none, none)


@dataclass(slots=True)
class Tally:
    """Adds steps up as if all cores started each of them together: an upper estimate."""

    machine: MachineSpec
    cycles: int = 0
    kv_cycles: int = 0
    """For every KV row of all cores."""

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
        """Last as long as the slowest core."""
        slowest = int(np.max(np.asarray(mac) + np.asarray(vector) + np.asarray(pipe)))
        slowest += keep_vector + keep_pipe
        if slowest or kv_mac or kv_vector:
            slowest += self.machine.task_cycles
        self.cycles += slowest
        self.kv_cycles += kv_mac + kv_vector

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Last as long as the recurrence says."""
        most = int(np.max(wavelets)) + kv_wavelets
        if line.length > 1 and most:
            self.cycles += lines.reduce_cycles(self.machine, line.length, group, most, line.pitch)
            extra = ceil(kv_wavelets * lines.pace(self.machine))
            self.cycles -= extra
            self.kv_cycles += extra

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Last as long as the closed form says."""
        most = int(np.max(wavelets)) + kv_wavelets
        if line.length > 1 and most:
            self.cycles += lines.multicast_cycles(self.machine, line.length, most, line.pitch)
            extra = ceil(kv_wavelets * self._inject)
            self.cycles -= extra
            self.kv_cycles += extra

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Last until column 0 has what the owner found."""
        self.cycles += 1 + int(np.max(np.asarray(vector) + pipe)) + self.machine.task_cycles
        if hops:
            sent = lines.lasting(int(np.max(wavelets)), self._inject)
            travel = lines.travel(self.machine, hops)
            self.cycles += self.machine.dispatch_cycles + travel + sent

    @property
    def _inject(self) -> float:
        return self.machine.inject_cycles_per_wavelet

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Last until the longest message has left."""
        most = int(np.max(wavelets))
        self.cycles += self.machine.dispatch_cycles + lines.lasting(most, self._inject)

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Last as long as the farthest wavelet of the west line travels."""
        if cells[0] == slice(None) and int(np.max(wavelets)):
            self.cycles += lines.travel(self.machine, int(np.max(hops))) + link_cycles

    def close(self) -> Cost:
        """Return the cost without the states of single cores."""
        none = np.zeros((0, 0), np.int64)
        return Cost((self.cycles, self.kv_cycles), none, none, none).without_cores()


@dataclass(slots=True)
class Ledger:
    """The clocks of a region's cores while they run the program of one row.

    A core runs its instructions in order.  An instruction that needs a wavelet from elsewhere
    dispatches at once, then waits for it; the rest follow at the stream's pace.  No wavelet waits
    for a link, and no sender for room in a queue.
    """

    machine: MachineSpec
    height: int
    width: int
    kv: NDArray[np.int64] | None = None
    """KV rows of the cores, int64 (H, 1) or (H, W); None: one row in every core."""
    keeps: NDArray[np.bool_] | None = None
    """Cores that keep the row's key and value, bool (H, 1) or (H, W); None: no core does."""
    booked: bool = True
    """False: only clocks are kept, no states."""
    clock: NDArray[np.int64] = field(init=False)
    """Cycle in which a core is free, int64 (H, W)."""
    departures: NDArray[np.int64] = field(init=False)
    """Cycle in which the first wavelet of each lane leaves its core, int64 (H,)."""
    enter: NDArray[np.int64] = field(init=False)
    states: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Start with all cores free at cycle 0."""
        if self.kv is None:
            self.kv = np.ones((self.height, 1), np.int64)
        if self.keeps is None:
            self.keeps = np.zeros((self.height, 1), np.bool_)
        self.clock = np.zeros((self.height, self.width), np.int64)
        self.departures = np.full(self.height, self.machine.dispatch_cycles, np.int64)
        self.begin()

    def begin(self) -> None:
        """Forget when cores entered and what was booked; the clocks go on."""
        self.enter = np.full((self.height, self.width), _NEVER, np.int64)
        size = (self.height, self.width) if self.booked else (0, 0)
        self.states = np.zeros((2, BUSY_STATES, *size), np.int64)

    # ── micro-steps ─────────────────────────────────────────────────────────────────────────

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
        """Advance each core by its own work; cores without work take no part."""
        assert self.kv is not None
        assert self.keeps is not None
        shape = self.clock[cells].shape
        own = [np.broadcast_to(np.asarray(part, np.int64), shape) for part in (mac, vector, pipe)]
        kept = np.broadcast_to(self.keeps[cells[0]], shape)
        rows = np.broadcast_to(self.kv[cells[0]], shape)
        lasting = own[0] + own[1] + own[2] + kept * (keep_vector + keep_pipe)
        busy = (lasting > 0) | (kv_mac + kv_vector > 0)
        setup = busy * self.machine.task_cycles
        self._enters(cells, np.where(busy, self.clock[cells], _NEVER))
        self.clock[cells] += lasting + setup + rows * (kv_mac + kv_vector)
        if not self.booked:
            return
        self.states[0, _MAC][cells] += own[0]
        self.states[0, _VECTOR][cells] += own[1]
        self.states[0, _PIPE][cells] += own[2] + setup
        self.states[1, _MAC][cells] += kv_mac
        self.states[1, _VECTOR][cells] += kv_vector

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Run the two-phase chain from the clocks of the cores that take part."""
        if line.length <= 1:
            return
        free = line.take(self.clock)
        count = self._count(line, wavelets, kv_wavelets)
        chain = lines.reduce_times(self.machine, free, group, count, line.pitch)
        self._stream(line, chain, count, kv_wavelets)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Run the multicast from the clocks of the cores that take part."""
        if line.length <= 1:
            return
        free = line.take(self.clock)
        count = self._count(line, wavelets, kv_wavelets)
        times = lines.multicast_times(self.machine, free, count, line.pitch)
        self._stream(line, times, count, kv_wavelets)

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Compare in all cores; time column ``hops`` as the owner, but book none of its work."""
        every = (slice(None), slice(None))
        self.work(every, vector=1)
        found = self.clock[:, hops] + vector + pipe
        if not hops:
            self.clock[:, 0] = found
            return
        starts = found + self.machine.dispatch_cycles + lines.travel(self.machine, hops)
        starts = np.maximum(self.clock[:, 0] + self.machine.dispatch_cycles, starts)
        self._moves((slice(None), slice(0, 1)), starts[:, None], wavelets, sends=False)

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Dispatch and send; note when each lane's first wavelet leaves."""
        starts = self.clock[cells] + self.machine.dispatch_cycles
        self.departures = starts[:, 0].copy()
        self._moves(cells, starts, wavelets, sends=True)

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Wait for the first wavelet of a lane, then take in one after the other.

        Those that came before the core was ready wait in the lane, and go in one a cycle.
        """
        travel = np.ceil(np.asarray(hops) * self.machine.hop_cycles).astype(np.int64)
        departures = self.departures[:, None][cells[0]]
        arrivals = departures + travel + lines.travel(self.machine, 0) + link_cycles
        starts = np.maximum(self.clock[cells] + self.machine.dispatch_cycles, arrivals)
        self._moves(cells, starts, wavelets, sends=False, came=arrivals)

    # ── results ─────────────────────────────────────────────────────────────────────────────

    def took_part(self) -> NDArray[np.bool_]:
        """Return which cores have done anything since `begin`."""
        return self.enter < _NEVER

    def active(self) -> NDArray[np.int64]:
        """Return the cycles from each core's first wavelet or work to its last, int64 (H, W)."""
        return np.where(self.took_part(), self.clock - self.enter, 0)

    def close(self, since: int = 0) -> Cost:
        """Return the cost of what was run, from an aligned start at cycle ``since``."""
        part = self.took_part()
        last = int(np.max(self.clock, initial=0, where=part)) - since if part.any() else 0
        return Cost(
            (last, 0),
            self.states,
            np.where(part, self.enter, -1),
            np.where(part, self.clock, 0),
        )

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────

    def _count(self, line: Line, wavelets: Cycles, kv_wavelets: int) -> NDArray[np.int64]:
        """Return the wavelets of every line, shaped to go with its cores."""
        assert self.kv is not None
        by_core = np.broadcast_to(np.asarray(wavelets, np.int64), self.clock.shape)
        if kv_wavelets:
            by_core = by_core + kv_wavelets * self.kv
        return line.take(by_core)[..., :1]

    def _enters(self, cells: Cells, times: NDArray[np.int64]) -> None:
        self.enter[cells] = np.where(self.enter[cells] == _NEVER, times, self.enter[cells])

    def _moves(
        self,
        cells: Cells,
        starts: NDArray[np.int64],
        wavelets: Cycles,
        *,
        sends: bool,
        came: NDArray[np.int64] | None = None,
    ) -> None:
        """Book a SEND or RECEIVE in each core, whose stream begins at ``starts``.

        ``came``: when a received stream's first wavelet came; None: then.
        """
        count = np.broadcast_to(np.asarray(wavelets, np.int64), starts.shape)
        rate = self.machine.inject_cycles_per_wavelet
        lasting = lines.all_lasting(count, rate)
        comm = lasting if sends else count
        ends = starts + lasting if came is None else np.maximum(starts + count, came + lasting)
        moving = count > 0
        dispatch = self.machine.dispatch_cycles
        # Gaps in a core's first message count as waiting before its row program.
        self._enters(cells, np.where(moving, ends - comm - dispatch, _NEVER))
        self.clock[cells] = np.where(moving, ends, self.clock[cells])
        if not self.booked:
            return
        self.states[0, _COMM][cells] += comm
        self.states[0, _PIPE][cells] += moving * dispatch

    def _stream(
        self,
        line: Line,
        times: "lines.Times",
        count: NDArray[np.int64],
        kv_wavelets: int,
    ) -> None:
        """Book a collective: each core's streams and the dispatch of every instruction."""
        moving = np.broadcast_to(count > 0, times.starts.shape)
        dispatch = self.machine.dispatch_cycles
        entered = line.take(self.enter)
        begun = times.ends - times.comm - times.instructions * dispatch
        first = np.where(moving & (entered == _NEVER), begun, entered)
        line.put(self.enter, first)
        line.put(self.clock, np.where(moving, times.ends, line.take(self.clock)))
        if not self.booked:
            return
        if kv_wavelets:  # a core without KV rows starts no stream: `Timing` counts these
            return
        instructions = np.broadcast_to(times.instructions, moving.shape) * moving
        pipe = line.take(self.states[0, _PIPE]) + instructions * dispatch
        line.put(self.states[0, _PIPE], pipe)
        comm = line.take(self.states[0, _COMM]) + times.comm * moving
        line.put(self.states[0, _COMM], comm)


@dataclass(frozen=True, slots=True)
class Counted:
    """The micro-steps of an operation with their arguments, ready to run on any ledger."""

    steps: Callable[..., None]
    """``steps(micro, site, *arguments)``."""
    arguments: tuple[object, ...]

    def run(self, micro: MicroSteps, site: object) -> None:
        """Tell ``micro`` the steps on a region."""
        self.steps(micro, site, *self.arguments)


def longer(cost: Cost, cycles: int) -> Cost:
    """Return a cost that lasts ``cycles`` more."""
    return replace(cost, cycles=(cost.cycles[0] + cycles, cost.cycles[1]))


def with_kv_slope(one: Cost, two: Cost) -> Cost:
    """Return a cost affine in KV rows from those at one and at two rows in every core."""
    slope = two.cycles[0] - one.cycles[0]
    return replace(one, cycles=(one.cycles[0] - slope, slope))


def vector(
    machine: MachineSpec, elements: NDArray[np.int64] | int, operations: int = 1
) -> tuple[NDArray[np.int64], int]:
    """Return (element cycles, overhead cycles) of fp32 vector instructions.

    Args:
        machine: Gives the fp32 rate and the overhead of an instruction.
        elements: Length of the vectors; may differ from core to core.
        operations: How many instructions of that length.

    Cost:
        operations · (⌈elements / fmac_fp32⌉ + vector_overhead_cycles), as in WaferLLM's GEMV.
    """
    elements = np.asarray(elements, np.int64)
    return (
        operations * -(-elements // machine.fmac_fp32),
        operations * machine.vector_overhead_cycles,
    )
