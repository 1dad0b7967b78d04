"""RMS norm on the west line: local squares, one scalar all-reduce, a root's reciprocal, scale.

Micro-steps, all on the west line: COMPUTE squares → REDUCE 1 wavelet to row 0 → COMPUTE (core
(0, 0)) the reciprocal root → multicast 1 wavelet south → COMPUTE the scaled slice.
"""

import numpy as np

from engine.model.sum_orders import ReduceOrder
from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import ALONG_ROWS, CORNER, RSQRT_OPERATIONS, WEST, Site
from engine.wafer.program.geometry import Split

__all__ = ["cost", "steps"]


def steps(micro: MicroSteps, site: Site, hidden: Split, order: ReduceOrder) -> None:
    """Tell the micro-steps of a norm of a vector that lies along the rows of the west line.

    Cost:
        2·vector(k) + reduce(P, 1) + divide + rsqrt + multicast(P, 1) + 2·vector(k), k = K/P
    """
    machine = site.machine
    line = site.line(ALONG_ROWS, cells=WEST)
    elements, overhead = vector(machine, np.asarray(hidden.elements)[:, None], operations=2)
    pipe = np.where(elements > 0, overhead, 0)
    micro.work(WEST, vector=elements, pipe=pipe)
    micro.reduce(line, order.group, 1)
    micro.work(CORNER, vector=machine.divide_cycles + RSQRT_OPERATIONS)
    micro.multicast(line, 1)
    micro.work(WEST, vector=elements, pipe=pipe)


def cost(site: Site, hidden: Split, order: ReduceOrder) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, hidden, order)
