"""The activation on the north line: silu or gelu of the gate, times up where there is one.

Micro-steps: COMPUTE (north line) the activation.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import (
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    NORTH,
    RECIPROCAL_OPERATIONS,
    Site,
)

__all__ = ["cost", "steps"]


_OPERATIONS = {
    "silu": EXP_OPERATIONS + 1 + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS,
    "gelu": EXP_OPERATIONS + 1 + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 4,
}
"""By kind: exponential, 1 + …, reciprocal, quotient; gelu also the cubic in Horner form."""


def steps(
    micro: MicroSteps,
    site: Site,
    elements: NDArray[np.int64],
    kind: str = "silu",
    gated: bool = True,
) -> None:
    """Tell the micro-steps for ``elements`` values by column.

    Cost:
        per element exp, 1 + …, a reciprocal, the quotient and the product, as vectors
    """
    operations = _OPERATIONS[kind] + gated
    n = elements[None, :]
    cycles, overhead = vector(site.machine, n, operations)
    micro.work(NORTH, vector=cycles, pipe=np.where(n > 0, overhead, 0))


def cost(site: Site, elements: NDArray[np.int64], kind: str = "silu", gated: bool = True) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, elements, kind, gated)
