"""Rotary position embedding on the north line, in pairs; the angles travel with the row."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, vector
from engine.wafer.ops.base import NORTH, Site

__all__ = ["cost"]

_OPERATIONS_PER_ELEMENT = 3
"""Two products and one sum for each of a pair's elements."""


def cost(site: Site, elements: NDArray[np.int64]) -> Cost:
    """Return the cost of rotating ``elements`` by column (queries and keys) in place."""
    ledger = site.ledger()
    cycles, overhead = vector(site.machine, elements[None, :], _OPERATIONS_PER_ELEMENT)
    ledger.work(NORTH, vector=cycles, pipe=np.where(elements[None, :] > 0, overhead, 0))
    return ledger.close()
