"""Rotary position embedding on the north line, in pairs; the angles travel with the row.

Micro-steps: COMPUTE (north line) the rotation of queries and keys.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import NORTH, Site

__all__ = ["cost", "steps"]

_OPERATIONS_PER_ELEMENT = 3
"""Two products and one sum for each of a pair's elements."""


def steps(micro: MicroSteps, site: Site, elements: NDArray[np.int64]) -> None:
    """Tell the micro-steps of rotating ``elements`` by column (queries and keys) in place."""
    cycles, overhead = vector(site.machine, elements[None, :], _OPERATIONS_PER_ELEMENT)
    micro.work(NORTH, vector=cycles, pipe=np.where(elements[None, :] > 0, overhead, 0))


def cost(site: Site, elements: NDArray[np.int64]) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, elements)
