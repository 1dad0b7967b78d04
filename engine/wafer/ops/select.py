"""The largest logit: every core of the north line scans its slice, a chain brings the best west."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer import collectives
from engine.wafer.cost import Cost, vector
from engine.wafer.ops.base import ALONG_COLUMNS, NORTH, Site

__all__ = ["cost"]

_WAVELETS = 2
"""A value and its index."""


def cost(site: Site, logits: NDArray[np.int64]) -> Cost:
    """Return the cost of the largest of ``logits`` values by column, for one row of a step."""
    ledger = site.ledger()
    cycles, overhead = vector(site.machine, logits[None, :])
    ledger.work(NORTH, vector=cycles, pipe=np.where(logits[None, :] > 0, overhead, 0))
    line = site.line(ALONG_COLUMNS, cells=NORTH)
    group = collectives.best_group(site.machine, site.columns, _WAVELETS)
    collectives.reduce(ledger, site.machine, line, group, _WAVELETS)
    return ledger.close()
