"""Collectives along a line of cores: when every core starts and ends, and how long they take.

A line runs from its root, position 0, outwards.  Reductions are chains in two phases (groups of
``group`` neighbours first, then the group roots); one group is the plain pipelined chain.  The
order of the additions is part of a Program; nothing here adds a number.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.machine import MachineSpec

__all__ = [
    "Line",
    "Times",
    "all_lasting",
    "best_group",
    "lasting",
    "multicast_cycles",
    "multicast_times",
    "pace",
    "reduce_costs",
    "reduce_cycles",
    "reduce_times",
    "stage",
    "travel",
]

_LONG_AGO = np.int64(-(1 << 60))


@dataclass(frozen=True, slots=True)
class Line:
    """Lines of cores in a collective: parallel across a region, and several end to end.

    ``cells`` selects cores of the region, ``axis`` is the axis the lines run along (0: from north
    to south, 1: from west to east).  Position p of line k lies at ``(k·length + p)·pitch``.
    """

    cells: tuple[slice, slice]
    axis: int
    extent: int
    """Cores of the region along ``axis``."""
    length: int
    """Cores that take part in one line, P."""
    pitch: int = 1
    """Hops from one of them to the next."""
    repeat: int = 1
    """Lines end to end along ``axis``."""

    def take(self, by_core: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the values (H, W) of the cores that take part, position last: (·, ·, P)."""
        part = self._part(by_core)
        if self.axis == 0:
            return part.reshape(self.repeat, self.length, -1).transpose(0, 2, 1)
        return part.reshape(-1, self.repeat, self.length)

    def put(self, by_core: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Write what `take` returned back into ``by_core`` (H, W)."""
        part = self._part(by_core)
        if self.axis == 0:
            values = values.transpose(0, 2, 1)
        part[...] = values.reshape(part.shape)

    def _part(self, by_core: NDArray[np.int64]) -> NDArray[np.int64]:
        cells = by_core[self.cells]
        steps = slice(0, self.length * self.repeat * self.pitch, self.pitch)
        return cells[steps] if self.axis == 0 else cells[:, steps]


@dataclass(frozen=True, slots=True)
class Times:
    """A collective core by core; arrays (·, ·, P)."""

    starts: NDArray[np.int64]
    """Cycle of a core's first wavelet: the first it sends or takes in."""
    ends: NDArray[np.int64]
    """Cycle after its last wavelet."""
    comm: NDArray[np.int64]
    """Cycles a core spends on the wavelets themselves, without waiting for them."""
    instructions: NDArray[np.int64]
    """Instructions that a core runs; each begins with a dispatch.  (P,)"""


def stage(machine: MachineSpec, distance: int) -> int:
    """Return the cycles from one core's first wavelet to the next's: own cycle, ramps, hops."""
    return ceil(1 + 2 * machine.ramp_cycles + distance * machine.hop_cycles)


def travel(machine: MachineSpec, hops: int) -> int:
    """Return the cycles from a wavelet's departure until a core ``hops`` further on takes it."""
    return stage(machine, hops)


def pace(machine: MachineSpec) -> float:
    """Return the cycles between two fp32 wavelets of a reduction: the slower of send and add."""
    return max(machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet)


def lasting(wavelets: int, rate: float) -> int:
    """Return the cycles of a stream from its first to its last wavelet, ``rate`` cycles apart."""
    return ceil((wavelets - 1) * rate) + 1 if wavelets > 0 else 0


def all_lasting(wavelets: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    """Return `lasting` for many streams."""
    cycles = np.ceil((wavelets - 1) * rate).astype(np.int64) + 1
    return np.where(wavelets > 0, cycles, 0)


# ── reduction ───────────────────────────────────────────────────────────────────────────────


def reduce_times(
    machine: MachineSpec,
    free: NDArray[np.int64],
    group: int,
    wavelets: NDArray[np.int64],
    pitch: int = 1,
) -> Times:
    """Return when the cores of a two-phase chain reduction to position 0 start and end.

    The last core of a group SENDs; those before it REDUCE_SEND their neighbour's stream; a group
    root REDUCEs it, then REDUCE_SENDs the stream of the next root (the last root does both at
    once, root 0 REDUCEs twice).  With groups of one core this is the plain chain.

    Args:
        machine: Hop, ramp, dispatch and wavelet costs.
        free: Cycle in which each core is free, int64 (·, ·, P).
        group: Cores of a group, G; G ≥ P is the plain chain.
        wavelets: Length of the vector, B, one fp32 a wavelet; int64, broadcast to (·, ·, 1).
        pitch: Hops from one core of the line to the next.
    """
    length = free.shape[-1]
    group = min(group, length)
    groups = -(-length // group)
    ready = free + machine.dispatch_cycles
    last = all_lasting(wavelets, pace(machine))  # (·, ·, 1)
    comm = np.repeat(last, length, axis=-1)  # REDUCE_SEND
    sent = all_lasting(wavelets, machine.inject_cycles_per_wavelet)
    comm[..., group - 1 :: group] = sent
    comm[..., -1:] = sent
    added = all_lasting(wavelets, machine.add_fp32_cycles_per_wavelet)
    instructions = np.ones(length, np.int64)
    if group == 1 or groups == 1:
        comm[..., :-1] = last
        comm[..., :1] = added
        starts = _chain(ready, stage(machine, pitch))
        return Times(starts, starts + last, comm, instructions)
    padded = np.full((*free.shape[:-1], groups * group), _LONG_AGO)
    padded[..., :length] = ready
    chains = padded.reshape(*free.shape[:-1], groups, group)
    inside = _chain(chains, stage(machine, pitch))  # (·, ·, n, G)
    starts = inside.reshape(padded.shape)[..., :length].copy()
    roots = inside[..., 0].copy()  # (·, ·, n)
    roots[..., :-1] += last + machine.dispatch_cycles
    second = _chain(roots, stage(machine, group * pitch))
    ends = starts + last
    ends[..., ::group] = second + last
    earlier = (groups - 1) * group  # roots before the last have two streams
    comm[..., :earlier:group] = added + last
    comm[..., :1] = added + added
    instructions[:earlier:group] = 2
    return Times(starts, ends, comm, instructions)


def _chain(ready: NDArray[np.int64], stage_cycles: int) -> NDArray[np.int64]:
    """Return when each core of a chain starts: once it and its neighbour's stream are ready."""
    place = np.arange(ready.shape[-1]) * stage_cycles
    latest = np.maximum.accumulate((ready + place)[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(latest - place)


def reduce_costs(
    machine: MachineSpec, length: int, wavelets: int, pitch: int = 1
) -> NDArray[np.int64]:
    """Return `reduce_cycles` of every group size from 1 to P, int64 (P,)."""
    if length <= 1:
        return np.zeros(length, np.int64)
    group = np.arange(1, length + 1)
    groups = -(-length // group)
    shorter = length - (groups - 1) * group
    last = lasting(wavelets, pace(machine))
    near = stage(machine, pitch)
    far = np.ceil(1 + 2 * machine.ramp_cycles + group * pitch * machine.hop_cycles)  # `stage`
    dispatch = machine.dispatch_cycles
    last_root = (shorter - 1) * near + (groups - 1) * far
    others = (group - 1) * near + last + dispatch + (groups - 2) * far
    two = np.where((group > 1) & (groups > 1), np.maximum(last_root, others), last_root)
    return np.asarray(dispatch + two + last, np.int64)


def reduce_cycles(
    machine: MachineSpec, length: int, group: int, wavelets: int, pitch: int = 1
) -> int:
    """Return the cycles of a two-phase chain reduction of fp32 vectors, from an aligned start.

    Args:
        machine: Hop, ramp, dispatch and wavelet costs.
        length: Cores of the line, P.
        group: Cores of a group, G; G ≥ P is the plain chain.
        wavelets: Length of the vector, B, one fp32 a wavelet.
        pitch: Hops from one core of the line to the next.

    Cost (for a pitch of 1; σ = 2·T_R + 1 + hop, S = 2·T_R + 1 + G·hop, n = ⌈P / G⌉ groups of
    which the last has G' cores, L = ⌈(B − 1)·w⌉ + 1, w cycles between two wavelets, d = dispatch):
        chain: d + L + σ·(P − 1)
        two phases: d + L + max(σ·(G' − 1) + S·(n − 1), σ·(G − 1) + L + d + S·(n − 2))

    Source:
        [S2] closed forms of chain and two-phase reduction.
        Differs: the exact recurrence of the schedule; a root's second stream needs a dispatch.
    """
    if length <= 1:
        return 0
    return int(reduce_costs(machine, length, wavelets, pitch)[min(group, length) - 1])


@lru_cache(maxsize=4096)
def best_group(machine: MachineSpec, length: int, wavelets: int, pitch: int = 1) -> int:
    """Return the group size with the fewest cycles; the largest of equals."""
    costs = reduce_costs(machine, length, wavelets, pitch)
    return length - int(np.argmin(costs[::-1])) if length > 1 else 1


# ── multicast ───────────────────────────────────────────────────────────────────────────────


def multicast_times(
    machine: MachineSpec, free: NDArray[np.int64], wavelets: NDArray[np.int64], pitch: int = 1
) -> Times:
    """Return when the cores of a multicast from position 0 start and end; as in `reduce_times`."""
    length = free.shape[-1]
    hops = np.arange(length) * pitch * machine.hop_cycles
    starts = free + machine.dispatch_cycles
    arrivals = starts[..., :1] + travel(machine, 0) + np.ceil(hops).astype(np.int64)
    starts[..., 1:] = np.maximum(starts[..., 1:], arrivals[..., 1:])
    sent = all_lasting(wavelets, machine.inject_cycles_per_wavelet)
    comm = np.repeat(wavelets, length, axis=-1)
    comm[..., :1] = sent
    return Times(starts, starts + sent, comm, np.ones(length, np.int64))


def multicast_cycles(machine: MachineSpec, length: int, wavelets: int, pitch: int = 1) -> int:
    """Return the cycles of a multicast from position 0 to P cores, from an aligned start.

    Cost:
        dispatch + 2·T_R + 1 + ⌈(B − 1)·inject⌉ + 1 + hop·pitch·(P − 1)

    Source:
        [S5] measured on a CS-3: 20 + 1.125·B + (N − 1); [S2]: B + P + 2·T_R.
    """
    if length <= 1 or wavelets == 0:
        return 0
    hops = pitch * (length - 1)
    sent = lasting(wavelets, machine.inject_cycles_per_wavelet)
    return machine.dispatch_cycles + travel(machine, hops) + sent
