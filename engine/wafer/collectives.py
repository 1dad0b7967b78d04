"""Collectives along a line of cores: how long they take, what every core does, which one to use.

A line runs from its root, position 0, outwards.  Reductions are chains in two phases (groups of
``group`` neighbours first, then the group roots); one group is the plain pipelined chain.  The
order of the additions is part of a Program; nothing here adds a number.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Ledger, State
from engine.wafer.machine import MachineSpec

__all__ = ["Line", "best_group", "multicast", "reduce", "reduce_cycles", "stream_cycles"]


@dataclass(frozen=True, slots=True)
class Line:
    """Lines of cores that take part: parallel ones across a region, and several end to end.

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

    def spread(self, by_position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return values by position as values by core, shaped to broadcast over ``cells``."""
        by_core = np.zeros(self.extent, np.int64)
        taking_part = self.length * self.repeat
        by_core[: taking_part * self.pitch : self.pitch] = np.tile(by_position, self.repeat)
        return by_core[:, None] if self.axis == 0 else by_core[None, :]


def _stage_cycles(machine: MachineSpec, distance: int) -> int:
    """From one core's first wavelet to the next core's: core, two ramps and the hops."""
    return 1 + 2 * machine.ramp_cycles + distance * machine.hop_cycles


def _interval(machine: MachineSpec) -> float:
    """Cycles between two fp32 wavelets of a reduction: the slower of injecting and adding."""
    return max(machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet)


def reduce_cycles(
    machine: MachineSpec, length: int, group: int, wavelets: int, pitch: int = 1
) -> int:
    """Return the cycles of a two-phase chain reduction of fp32 vectors to position 0.

    Args:
        machine: Hop, ramp, dispatch and wavelet costs.
        length: Cores of the line, P.
        group: Cores of a group, G; G ≥ P is the plain chain.
        wavelets: Length of the vector, B, one fp32 a wavelet.
        pitch: Hops from one core of the line to the next.

    Cost (for a pitch of 1):
        chain: dispatch + B·w + (2·T_R + 1 + hop)·(P − 1)
        two phases: dispatch + 2·B·w + (2·T_R + 1 + hop)·(G − 1) + (2·T_R + 1 + G·hop)·(n − 1),
        n = ⌈P / G⌉ groups, w = cycles between two wavelets.

    Source:
        [S2] closed forms of chain and two-phase reduction.
        Differs: a group root takes in two streams of B wavelets, so 2·B holds for every P, and
        the wavelet interval is the machine's own.
    """
    if length <= 1:
        return 0
    group = min(group, length)
    groups = -(-length // group)
    streams = 1 if groups == 1 or group == 1 else 2
    cycles = machine.dispatch_cycles + streams * wavelets * _interval(machine)
    cycles += (group - 1) * _stage_cycles(machine, pitch)
    cycles += (groups - 1) * _stage_cycles(machine, group * pitch)
    return ceil(cycles)


def stream_cycles(machine: MachineSpec, wavelets: int) -> int:
    """Return the cycles that ``wavelets`` more keep a reduction and a multicast back busy."""
    return ceil(wavelets * _interval(machine)) + ceil(wavelets * machine.inject_cycles_per_wavelet)


@lru_cache(maxsize=4096)
def best_group(machine: MachineSpec, length: int, wavelets: int, pitch: int = 1) -> int:
    """Return the group size with the fewest cycles; the largest of equals."""
    sizes = range(length, 0, -1)
    return min(sizes, key=lambda group: reduce_cycles(machine, length, group, wavelets, pitch))


def reduce(ledger: Ledger, machine: MachineSpec, line: Line, group: int, wavelets: int) -> None:
    """Book a reduction to position 0 of every line: `reduce_cycles`, and each core's share.

    A core waits for the first wavelet of the cores behind it, then receives, adds and sends one
    wavelet after the other; a group root does so for two streams.
    """
    if line.length <= 1:
        return
    group = min(group, line.length)
    position = np.arange(line.length)
    inside = position % group
    members = np.minimum(group, line.length - (position - inside))  # cores of this core's group
    groups = -(-line.length // group)
    behind = groups - 1 - position // group
    is_root = inside == 0
    waits = (members - 1 - inside) * _stage_cycles(machine, line.pitch)
    waits += np.where(is_root, behind * _stage_cycles(machine, group * line.pitch), 0)
    streams = np.where(is_root & (behind > 0) & (members > 1), 2, 1)
    busy = np.ceil(streams * wavelets * _interval(machine)).astype(np.int64)
    dispatch = np.full(line.length, machine.dispatch_cycles)
    ledger.book(State.STALL_PIPE, line.spread(dispatch), line.cells)
    ledger.book(State.STALL_WAVELET, line.spread(waits), line.cells)
    ledger.book(State.COMM, line.spread(busy), line.cells)
    ledger.last(reduce_cycles(machine, line.length, group, wavelets, line.pitch))


def multicast(ledger: Ledger, machine: MachineSpec, line: Line, wavelets: int) -> None:
    """Book a multicast of B = ``wavelets`` from position 0 of every line to all its cores.

    Cost:
        dispatch + 2·T_R + 1 + ⌈B·inject⌉ + hop·pitch·(P − 1)

    Source:
        [S5] measured on a CS-3: 20 + 1.125·B + (N − 1); [S2]: B + P + 2·T_R.
    """
    if line.length <= 1 or wavelets == 0:
        return
    sending = ceil(wavelets * machine.inject_cycles_per_wavelet)
    position = np.arange(line.length)
    travel = position * line.pitch * machine.hop_cycles
    start = machine.dispatch_cycles + 2 * machine.ramp_cycles + 1
    waits = np.where(position > 0, start + travel, 0)
    dispatch = np.where(position > 0, 0, machine.dispatch_cycles)
    ledger.book(State.COMM, line.spread(np.full(line.length, sending)), line.cells)
    ledger.book(State.STALL_WAVELET, line.spread(waits), line.cells)
    ledger.book(State.STALL_PIPE, line.spread(dispatch), line.cells)
    ledger.last(start + sending + int(travel[-1]))
