"""Occupancy of cores and links over time: events added up in bins of cycles.

Exact: over all bins, a state's core-cycles are those of the simulator's own account.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fabric.micro import Micro, MicroField
from engine.wafer.fabric.network import PORTS, RAMP, Routes
from engine.wafer.fabric.record import MoveField, RunField, WaitField
from engine.wafer.program.states import STATES, State
from engine.wafer.trace.hops import hops_of
from engine.wafer.trace.traced_steps import CoreTables, TracedStep

__all__ = ["edges_of", "link_load", "state_cycles"]

BINS = 500
"""Most bins of a step."""

Ints = NDArray[np.int64]


def edges_of(cycles: int) -> Ints:
    """Return where a step's bins begin, and its end."""
    return np.linspace(0, cycles, min(BINS, max(cycles, 1)) + 1).astype(np.int64)


def state_cycles(step: TracedStep, tables: CoreTables, edges: Ints) -> Ints:
    """Return the core-cycles of every state by bin, int64 (bins, 6); idle is what is left.

    A COMPUTE's overhead counts first, then its multiply–accumulates, then its other arithmetic.
    """
    assert step.events is not None
    runs = step.events.runs.astype(np.int64)
    waits = step.events.waits.astype(np.int64)
    begun, started, ended = (
        runs[:, field] for field in (RunField.BEGUN, RunField.STARTED, RunField.ENDED)
    )
    mac, vector = runs[:, RunField.MAC], runs[:, RunField.VECTOR]
    works = tables.program[runs[:, RunField.AT], MicroField.OP] == Micro.COMPUTE
    lead = np.where(works, ended - mac - vector, started)
    since, until = waits[:, WaitField.FROM], waits[:, WaitField.UNTIL]
    inside = waits[:, WaitField.FRESH] == 0
    found = np.zeros((edges.size - 1, len(STATES)), np.int64)
    found[:, State.STALL_PIPE] = _spent(begun, lead, edges)
    found[:, State.MAC] = _spent(lead[works], (lead + mac)[works], edges)
    found[:, State.VECTOR] = _spent((lead + mac)[works], ended[works], edges)
    streams = _spent(lead[~works], ended[~works], edges)
    found[:, State.COMM] = streams - _spent(since, until, edges)
    found[:, State.STALL_WAVELET] = _spent(since[inside], until[inside], edges)
    cores = int(step.states.sum()) // step.cycles
    found[:, State.IDLE] = cores * np.diff(edges) - found.sum(axis=1)
    return found


def link_load(step: TracedStep, routes: Routes, edges: Ints) -> tuple[Ints, Ints, int]:
    """Return how the links between routers of the window were used.

    Returns:
        (wavelets by bin, wavelets of each bin's busiest link, links that carried any).
    """
    assert step.events is not None
    move, link = hops_of(step.events.moves, routes).links
    between = link % PORTS != RAMP
    move, link = move[between], link[between]
    used, which = np.unique(link, return_inverse=True)
    cycle = step.events.moves[move, MoveField.CYCLE]
    bins = edges.size - 1
    at = np.clip(np.searchsorted(edges, cycle, side="right") - 1, 0, bins - 1)
    cells, counts = np.unique(at * max(used.size, 1) + which, return_counts=True)
    busiest = np.zeros(bins, np.int64)
    np.maximum.at(busiest, cells // max(used.size, 1), counts)
    return np.bincount(at, minlength=bins).astype(np.int64), busiest, int(used.size)


def _spent(begin: Ints, end: Ints, edges: Ints) -> Ints:
    """Return the cycles that intervals spend in each bin, added up."""
    return np.diff(_before(begin, edges) - _before(end, edges))


def _before(times: Ints, edges: Ints) -> Ints:
    """Return Σ max(0, edge − time) for every edge."""
    times = np.sort(times)
    sums = np.concatenate([[0], np.cumsum(times)])
    count = np.searchsorted(times, edges)
    return np.asarray(count * edges - sums[count], np.int64)
