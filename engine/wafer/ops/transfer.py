"""Moving the residual stream from one region's west line to the next one's, row by row.

The rotary angles of the row's position travel with it along row 0.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, State
from engine.wafer.geometry import Split
from engine.wafer.machine import MachineSpec
from engine.wafer.ops.base import WEST, Site

__all__ = ["receive_cost", "send_cost"]


def _sending(machine: MachineSpec, hidden: Split, angles: int) -> NDArray[np.int64]:
    wavelets = np.asarray(hidden.elements, np.float64)
    wavelets[0] += angles
    return np.ceil(wavelets * machine.inject_cycles_per_wavelet).astype(np.int64)[:, None]


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
    sending = _sending(site.machine, hidden, angles)
    ledger.book(State.STALL_PIPE, site.machine.dispatch_cycles, WEST)
    ledger.book(State.COMM, sending, WEST)
    ledger.last(site.machine.dispatch_cycles + int(sending.max()))
    return ledger.close()


def receive_cost(site: Site, hidden: Split, angles: int, hops: int) -> Cost:
    """Return the cost of arriving ``hops`` further on, beyond the time of sending.

    Cost:
        2·T_R + 1 + hop·hops
    """
    machine = site.machine
    ledger = site.ledger()
    travel = ceil(2 * machine.ramp_cycles + 1 + hops * machine.hop_cycles)
    ledger.book(State.STALL_WAVELET, travel, WEST)
    ledger.book(State.COMM, _sending(machine, hidden, angles), WEST)
    ledger.last(travel)
    return ledger.close()
