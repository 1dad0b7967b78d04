"""RMS norm on the west line: local squares, one scalar all-reduce, a root's reciprocal, scale."""

import numpy as np

from engine.model.orders import ReduceOrder
from engine.wafer import collectives
from engine.wafer.cost import Cost, vector
from engine.wafer.geometry import Split
from engine.wafer.ops.base import ALONG_ROWS, RSQRT_OPERATIONS, WEST, Site

__all__ = ["cost"]


def cost(site: Site, hidden: Split, order: ReduceOrder) -> Cost:
    """Return the cost of a norm of a vector that lies along the rows of the west line.

    Cost:
        2·vector(k) + reduce(P, 1) + divide + rsqrt + multicast(P, 1) + 2·vector(k), k = K/P
    """
    machine = site.machine
    ledger = site.ledger()
    line = site.line(ALONG_ROWS, cells=WEST)
    elements, overhead = vector(machine, np.asarray(hidden.elements)[:, None], operations=2)
    ledger.work(WEST, vector=elements, pipe=overhead)
    collectives.reduce(ledger, machine, line, order.group, 1)
    ledger.work((slice(0, 1), slice(0, 1)), vector=machine.divide_cycles + RSQRT_OPERATIONS)
    collectives.multicast(ledger, machine, line, 1)
    ledger.work(WEST, vector=elements, pipe=overhead)
    return ledger.close()
