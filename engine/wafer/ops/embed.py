"""Embedding: the head region looks a token's row up and sends it to the first layers.

The token's number goes to all columns; every core compares it with its own slice of the
vocabulary, and the column that holds the row dequantises and sends it (`owner_share`).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import BUSY_STATES, Cost, State, vector
from engine.wafer.geometry import Split
from engine.wafer.ops.base import ALL, Site
from engine.wafer.ops.transfer import sending_cycles

__all__ = ["cost", "owner_share"]


def cost(site: Site, hidden: Split, angles: int) -> Cost:
    """Return the cost of a lookup; the states leave the owner column's `owner_share` out.

    Args:
        site: The head's region.
        hidden: How the row lies along the region's rows.
        angles: fp32 rotary values of the position, which go with row 0.

    Cost:
        one wavelet along the row + compare + dequantise k = K/P elements + send k wavelets; a
        further row as much as keeps the owner busy, since one column may own all of them
    """
    machine = site.machine
    ledger = site.ledger()
    ledger.book(State.COMM, 1, ALL)
    ledger.last(machine.dispatch_cycles + 1 + (site.columns - 1) * machine.hop_cycles)
    ledger.work(ALL, vector=1)
    owner = int(owner_share(site, hidden, angles).sum(axis=0).max())
    ledger.last(owner)
    cost = ledger.close()
    first, row, kv = cost.cycles
    return replace(cost, cycles=(first, row + owner, kv))


def owner_share(site: Site, hidden: Split, angles: int) -> NDArray[np.int64]:
    """Return the busy cycles by state of each core in the column that holds the token.

    Returns:
        int64, shape (5, H): the rows of that column.
    """
    share = np.zeros((BUSY_STATES, site.rows), np.int64)
    elements = np.asarray(hidden.elements, np.int64)
    share[State.VECTOR], overhead = vector(site.machine, elements)
    share[State.STALL_PIPE] = np.where(elements > 0, overhead, 0)
    share[State.COMM] = sending_cycles(site.machine, hidden, angles)
    return share
