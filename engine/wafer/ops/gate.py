"""The gated activation silu(gate) · up on the north line.

Micro-steps: COMPUTE (north line) the activation.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, Micro, vector
from engine.wafer.ops.base import (
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    NORTH,
    RECIPROCAL_OPERATIONS,
    Site,
)

__all__ = ["cost", "steps"]


def steps(micro: Micro, site: Site, elements: NDArray[np.int64]) -> None:
    """Tell the micro-steps for ``elements`` gated values by column.

    Cost:
        per element exp, 1 + …, a reciprocal, the quotient and the product, as vectors
    """
    operations = EXP_OPERATIONS + 1 + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 1
    n = elements[None, :]
    cycles, overhead = vector(site.machine, n, operations)
    micro.work(NORTH, vector=cycles, pipe=np.where(n > 0, overhead, 0))


def cost(site: Site, elements: NDArray[np.int64]) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, elements)
