"""The gated activation silu(gate) · up on the north line."""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost import Cost, vector
from engine.wafer.ops.base import DIVIDE_OPERATIONS, EXP_OPERATIONS, NORTH, Site

__all__ = ["cost"]


def cost(site: Site, elements: NDArray[np.int64]) -> Cost:
    """Return the cost for ``elements`` gated values by column.

    Cost:
        per element exp, 1 + …, a quotient (with its own reciprocal) and the product
    """
    machine = site.machine
    ledger = site.ledger()
    operations = EXP_OPERATIONS + 1 + DIVIDE_OPERATIONS + 1
    n = elements[None, :]
    cycles, overhead = vector(machine, n, operations)
    ledger.work(
        NORTH,
        vector=cycles + n * machine.divide_cycles,
        pipe=np.where(n > 0, overhead, 0),
    )
    return ledger.close()
