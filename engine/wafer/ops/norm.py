"""RMS or layer norm on the west line: local sums, scalar all-reduces, a root's reciprocal, scale.

Micro-steps, all on the west line: [layer norm: COMPUTE sums → REDUCE 1 wavelet to row 0 → COMPUTE
(core (0, 0)) the mean → multicast 1 wavelet south] → COMPUTE squares → REDUCE 1 wavelet to row 0 →
COMPUTE (core (0, 0)) the reciprocal root → multicast 1 wavelet south → COMPUTE the scaled slice.
"""

from collections.abc import Mapping

import numpy as np

from engine.model.sum_orders import ReduceOrder
from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import ALONG_ROWS, CORNER, RSQRT_OPERATIONS, WEST, Site
from engine.wafer.program.geometry import Split

__all__ = ["additions_of", "cost", "steps"]


def steps(
    micro: MicroSteps,
    site: Site,
    hidden: Split,
    order: ReduceOrder,
    centred: bool = False,
    biased: bool = False,
) -> None:
    """Tell the micro-steps of a norm of a vector that lies along the rows of the west line.

    Args:
        micro: What is told.
        site: The region.
        hidden: How the vector lies.
        order: The order of its sums.
        centred: Whether the mean is taken away first: a layer norm.
        biased: Whether a vector is added.

    Cost (k = K/P):
        2·vector(k) + reduce(P, 1) + divide + rsqrt + multicast(P, 1) + 2·vector(k)
        layer norm: vector(k) + reduce(P, 1) + divide + multicast(P, 1) + vector(k) more, and
        vector(k) for a bias
    """
    machine = site.machine
    line = site.line(ALONG_ROWS, cells=WEST)
    if centred:
        _each(micro, site, hidden, 1)
        micro.reduce(line, order.group, 1)
        micro.work(CORNER, vector=machine.divide_cycles)
        micro.multicast(line, 1)
    _each(micro, site, hidden, 2 + centred)
    micro.reduce(line, order.group, 1)
    micro.work(CORNER, vector=machine.divide_cycles + RSQRT_OPERATIONS)
    micro.multicast(line, 1)
    _each(micro, site, hidden, 2 + biased)


def _each(micro: MicroSteps, site: Site, hidden: Split, operations: int) -> None:
    """Tell a COMPUTE of some operations on every element."""
    elements = np.asarray(hidden.elements)[:, None]
    cycles, overhead = vector(site.machine, elements, operations)
    micro.work(WEST, vector=cycles, pipe=np.where(elements > 0, overhead, 0))


def cost(
    site: Site, hidden: Split, order: ReduceOrder, centred: bool = False, biased: bool = False
) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, hidden, order, centred, biased)


def additions_of(attributes: Mapping[str, object]) -> tuple[bool, bool]:
    """Return (centred, biased) as a norm's attributes ask for it."""
    return attributes["kind"] == "layer", "bias" in attributes
