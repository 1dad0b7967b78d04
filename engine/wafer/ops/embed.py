"""Embedding: the head region looks a token's row up and sends it to the first layers.

The token's number goes to all columns; every core compares it with its own slice of the
vocabulary, and the column that holds the row dequantises and sends it (`owner_share`).
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import BUSY_STATES, Cost, State, vector
from engine.wafer.geometry import Split
from engine.wafer.ops.base import ALL, Site

__all__ = ["cost", "owner_share"]


def cost(site: Site, hidden: Split) -> Cost:
    """Return the cost of a lookup; the owner column's own share is `owner_share`.

    Cost:
        one wavelet along the row + compare + dequantise k = K/P elements + send k wavelets
    """
    machine = site.machine
    ledger = site.ledger()
    ledger.book(State.COMM, 1, ALL)
    ledger.last(machine.dispatch_cycles + 1 + (site.columns - 1) * machine.hop_cycles)
    ledger.work(ALL, vector=1)
    elements, overhead = vector(machine, hidden.most_elements)
    ledger.last(int(elements) + overhead)
    ledger.last(hidden.most_elements * machine.inject_cycles_per_wavelet)
    return ledger.close()


def owner_share(site: Site, hidden: Split) -> NDArray[np.int64]:
    """Return the busy cycles by state of each core in the column that holds the token.

    Returns:
        int64, shape (5, H): the rows of that column.
    """
    share = np.zeros((BUSY_STATES, site.rows), np.int64)
    elements = np.asarray(hidden.elements, np.int64)
    share[State.VECTOR], overhead = vector(site.machine, elements)
    share[State.STALL_PIPE] = np.where(elements > 0, overhead, 0)
    share[State.COMM] = np.ceil(elements * site.machine.inject_cycles_per_wavelet)
    return share
