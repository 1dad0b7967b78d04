"""The compiled loop of `engine.generation.sampling.softmax`: one pass over a large vocabulary.

Says the same as NumPy's operations in a tenth of the time, and decides nothing.
"""

from typing import Any

import numpy as np

from engine import scalars
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["write_powers"]

_exp32 = helper(scalars.exp32)


@kernel
def write_powers(logits: Any, highest: Any, weights: Any) -> None:
    """Write exp(logit − highest) of every logit, 0 for −inf.

    Args:
        logits: float32, shape (V,).
        highest: float32, the largest of them, above −inf.
        weights: float64, shape (V,), written.

    Exactness:
        The bits of `engine.scalars.exp32`.
    """
    for i in range(logits.size):
        power = np.float64(_exp32(logits[i] - highest))
        weights[i] = power if logits[i] > -np.inf else 0.0
