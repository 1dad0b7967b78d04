"""How cycles are counted: an operation is phases, a phase keeps cores busy by state.

One set of functions for everything that prints a cycle: the compiler writes the sums into the
Program, the panes read the per-core states.  Knows nothing of models, text or values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.messages import STATES
from engine.wafer.machine import MachineSpec

__all__ = ["BUSY_STATES", "STATES", "Cost", "Ledger", "State", "vector"]

BUSY_STATES = 5
"""All states but idle: what a phase books; idle is the rest of the elapsed time."""


class State:
    """Positions of the states in an array."""

    MAC = 0
    VECTOR = 1
    COMM = 2
    STALL_WAVELET = 3
    STALL_PIPE = 4
    IDLE = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What an instruction costs on a region of H × W cores, affine in rows and KV rows.

    For a step of M rows whose row m sees ``kv(m, r)`` KV rows in the cores of row r:
    cycles = cycles[0] + (M − 1)·cycles[1] + Σ_m max_r kv(m, r)·cycles[2], and a core's busy
    cycles follow the same form with its own kv(m, r).
    """

    cycles: tuple[int, int, int]
    """Cycles for one row, per further row, per KV row of the fullest core."""
    states: NDArray[np.int64]
    """Busy cycles by state, int64, shape (3, 5, H, W); the first axis as in `cycles`."""


@dataclass(slots=True)
class _Plane:
    """Cycles and per-core states of one of the three affine parts."""

    cycles: int
    states: NDArray[np.int64]  # (5, H, W)


@dataclass(slots=True)
class Ledger:
    """Adds up the phases of one instruction on a region.

    Phases follow each other; inside a phase every core is busy for its own share and the phase
    lasts as long as the caller says, at least as long as its busiest core.
    """

    height: int
    width: int
    by_core: bool = True
    """False: only cycles are counted, for a planner that compares many shapes."""
    planes: list[_Plane] = field(default_factory=list)
    _part: int = 0

    def __post_init__(self) -> None:
        """Start with three empty parts."""
        size = (self.height, self.width) if self.by_core else (0, 0)
        self.planes = [_Plane(0, np.zeros((BUSY_STATES, *size), np.int64)) for _ in range(3)]

    @contextmanager
    def per_kv_row(self) -> Iterator[None]:
        """Book the phases inside once per KV row of a core instead of once per step row."""
        self._part = 2
        try:
            yield
        finally:
            self._part = 0

    def book(self, state: int, cycles: NDArray[np.int64] | int, cells: tuple[slice, slice]) -> None:
        """Add busy cycles of one state to the cores of ``cells`` without lasting any time."""
        if self.by_core:
            self.planes[self._part].states[state][cells] += np.asarray(cycles, np.int64)

    def last(self, cycles: float) -> None:
        """Let the instruction last ``cycles`` longer, rounded up."""
        self.planes[self._part].cycles += ceil(cycles)

    def work(
        self,
        cells: tuple[slice, slice],
        *,
        mac: NDArray[np.int64] | int = 0,
        vector: NDArray[np.int64] | int = 0,
        pipe: NDArray[np.int64] | int = 0,
    ) -> None:
        """Book local work of the cores of ``cells``; it lasts as long as the slowest of them."""
        self.book(State.MAC, mac, cells)
        self.book(State.VECTOR, vector, cells)
        self.book(State.STALL_PIPE, pipe, cells)
        self.last(int(np.max(np.asarray(mac) + np.asarray(vector) + np.asarray(pipe))))

    def close(self) -> Cost:
        """Return the cost; a further row of a step costs what keeps the busiest core busy.

        Rows stream through an instruction: a row may enter as soon as the busiest core is free,
        so the interval between rows is that core's multiply–accumulate, vector, send/receive and
        pipe cycles; waiting for wavelets overlaps with the rows before.
        """
        first, row, kv = self.planes
        if self.by_core:
            row.states = first.states.copy()
            row.states[State.STALL_WAVELET] = 0
            row.cycles = int(row.states.sum(axis=0).max(initial=0))
        return Cost(
            (first.cycles, row.cycles, kv.cycles),
            np.stack([first.states, row.states, kv.states]),
        )


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
