"""Moving the residual stream from one region's west line to the next one's, row by row.

The rotary angles of the row's position travel with it along row 0.
"""

from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, State
from engine.wafer.geometry import Split
from engine.wafer.machine import MachineSpec
from engine.wafer.ops.base import WEST, Site

__all__ = ["receive_cost", "send_cost", "sending_cycles"]


def sending_cycles(machine: MachineSpec, hidden: Split, angles: int) -> NDArray[np.int64]:
    """Return the cycles by row that a row's slice keeps its sender, or its receiver, busy."""
    wavelets = np.asarray(hidden.elements, np.float64)
    wavelets[0] += angles
    return np.ceil(wavelets * machine.inject_cycles_per_wavelet).astype(np.int64)


def send_cost(site: Site, hidden: Split, angles: int) -> Cost:
    """Return the cost of sending, on the region the vector leaves.

    Args:
        site: That region.
        hidden: How the vector lies along its rows.
        angles: fp32 rotary values that go along row 0.

    Cost:
        dispatch + ⌈B·inject⌉ for the B wavelets of row 0
    """
    ledger = site.ledger()
    sending = sending_cycles(site.machine, hidden, angles)[:, None]
    ledger.book(State.STALL_PIPE, site.machine.dispatch_cycles, WEST)
    ledger.book(State.COMM, sending, WEST)
    ledger.last(site.machine.dispatch_cycles + int(sending.max()))
    return ledger.close()


def receive_cost(site: Site, hidden: Split, angles: int, hops: int) -> Cost:
    """Return the cost of arriving ``hops`` further on, beyond the time of sending.

    Wavelets land while the instruction before, SEND or EMBED, is still sending: the receivers are
    busy in cycles that it has counted, for the first row and for every further one.

    Cost:
        2·T_R + 1 + hop·hops, nothing for further rows
    """
    machine = site.machine
    ledger = site.ledger()
    travel = ceil(2 * machine.ramp_cycles + 1 + hops * machine.hop_cycles)
    ledger.book(State.STALL_WAVELET, travel, WEST)
    ledger.book(State.COMM, sending_cycles(machine, hidden, angles)[:, None], WEST)
    ledger.last(travel)
    cost = ledger.close()
    return replace(cost, cycles=(travel, 0, 0))
