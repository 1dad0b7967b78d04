"""The residual sum on the west line, its second operand perhaps times a constant.

Micro-steps: COMPUTE (west line) the sum.
"""

import numpy as np

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import WEST, Site
from engine.wafer.program.geometry import Split

__all__ = ["cost", "steps"]


def steps(micro: MicroSteps, site: Site, hidden: Split, scaled: bool = False) -> None:
    """Tell the micro-steps of adding two vectors that lie along the rows of the west line."""
    elements = np.asarray(hidden.elements, np.int64)[:, None]
    cycles, overhead = vector(site.machine, elements, operations=1 + scaled)
    micro.work(WEST, vector=cycles, pipe=np.where(elements > 0, overhead, 0))


def cost(site: Site, hidden: Split, scaled: bool = False) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, hidden, scaled)
