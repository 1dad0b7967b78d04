"""The largest logit: every core of the north line scans its slice, a chain brings the best west.

Micro-steps: COMPUTE (north line) the scan → REDUCE (larger value with its index) 2 wavelets to
column 0.
"""

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.wafer.cost.ledger import Cost, MicroSteps
from engine.wafer.ops.site import ALONG_COLUMNS, NORTH, Site

__all__ = ["WAVELETS", "cost", "steps"]

WAVELETS = 2
"""A value and its index."""


def steps(micro: MicroSteps, site: Site, logits: NDArray[np.int64], order: ReduceOrder) -> None:
    """Tell the micro-steps of the largest of ``logits`` values by column, for one row of a step."""
    machine = site.machine
    n = logits[None, :]
    scan = np.ceil(n * machine.sample_cycles_per_logit).astype(np.int64)
    micro.work(NORTH, vector=scan, pipe=np.where(n > 0, machine.vector_overhead_cycles, 0))
    micro.reduce(site.line(ALONG_COLUMNS, cells=NORTH), order.group, WAVELETS)


def cost(site: Site, logits: NDArray[np.int64], order: ReduceOrder) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, logits, order)
