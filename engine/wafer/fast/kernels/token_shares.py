"""What the host needs of logits to choose a token.  Chooses none, and is no part of a step."""

import numpy as np

from engine.probabilities import LANES
from engine.wafer.fast.kernels.operands import Doubles, Float, Floats
from engine.wafer.fast.kernels.vectors import exp32
from engine.wafer.jit.decorators import kernel

__all__ = ["probabilities"]


@kernel
def probabilities(logits: Floats, highest: Float, lanes: Doubles, shares: Doubles) -> None:
    """Shares ← the probabilities that logits stand for.

    Args:
        logits: float32 (V,); −inf marks a token that cannot be chosen.
        highest: The largest of them, above −inf.
        lanes: Room for `LANES` sums.
        shares: Written, float64 (V,).

    Exactness:
        Bit-exact with `engine.probabilities.probabilities`.
    """
    lanes[:] = 0.0
    for start in range(0, logits.size, LANES):
        width = min(LANES, logits.size - start)
        some, weights = logits[start : start + width], shares[start : start + width]
        for i in range(width):
            shifted = some[i] - highest
            power = np.float64(exp32(shifted))
            weights[i] = power if shifted > np.float32(-np.inf) else 0.0
        for i in range(width):
            lanes[i] += weights[i]
    half = LANES // 2
    while half > 0:
        for i in range(half):
            lanes[i] += lanes[half + i]
        half //= 2
    factor = 1.0 / lanes[0]
    for i in range(shares.size):
        shares[i] *= factor
