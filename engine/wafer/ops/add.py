"""The residual sum on the west line."""

import numpy as np

from engine.wafer.cost import Cost, vector
from engine.wafer.geometry import Split
from engine.wafer.ops.base import WEST, Site

__all__ = ["cost"]


def cost(site: Site, hidden: Split) -> Cost:
    """Return the cost of adding two vectors that lie along the rows of the west line."""
    ledger = site.ledger()
    elements = np.asarray(hidden.elements, np.int64)[:, None]
    cycles, overhead = vector(site.machine, elements)
    ledger.work(WEST, vector=cycles, pipe=np.where(elements > 0, overhead, 0))
    return ledger.close()
