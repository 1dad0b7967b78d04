"""The gated activation silu(gate) · up on the north line."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, vector
from engine.wafer.ops.base import (
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    NORTH,
    RECIPROCAL_OPERATIONS,
    Site,
)

__all__ = ["cost"]


def cost(site: Site, elements: NDArray[np.int64]) -> Cost:
    """Return the cost for ``elements`` gated values by column.

    Cost:
        per element exp, 1 + …, a reciprocal, the quotient and the product, as vectors
    """
    ledger = site.ledger()
    operations = EXP_OPERATIONS + 1 + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 1
    n = elements[None, :]
    cycles, overhead = vector(site.machine, n, operations)
    ledger.work(NORTH, vector=cycles, pipe=np.where(n > 0, overhead, 0))
    return ledger.close()
