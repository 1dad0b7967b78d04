"""Logits → probabilities: NumPy, the same bits on every processor.

The exponential is the engine's own (`engine.scalars.exp32`), and sums run in an order that is said
here.  `engine.wafer.fast.kernels.token_shares` computes the same bits faster.

Letter: V tokens of the vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from engine.scalars import exp32

__all__ = ["LANES", "Logits", "Shares", "probabilities", "softmax"]

Logits = NDArray[np.float32]
"""float32, shape (V,); −inf marks a token that cannot be chosen."""

Shares = NDArray[np.float64]
"""Probabilities, float64, shape (V,), with the sum 1; 0 marks a token that cannot be chosen."""

LANES = 1024
"""Sums over the vocabulary that run side by side: token i belongs to lane i mod this."""

_BLOCK = 32_768
"""Logits worked on together, so that what is in between stays in the cache."""


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Return probabilities up to a common factor: exp(logit − highest), 0 for −inf."""
    weights = np.zeros(len(logits))
    highest = logits.max()
    if highest == -np.inf:
        return weights
    for start in range(0, len(logits), _BLOCK):
        part = slice(start, start + _BLOCK)
        shifted = logits[part] - highest
        weights[part] = exp32(shifted)
        if shifted.min() == -np.inf:
            weights[part][shifted == -np.inf] = 0.0
    return weights


def probabilities(logits: Logits) -> Shares:
    """Return the probabilities that logits stand for; at least one is above −inf.

    Weights are added lane by lane, each in index order; then the upper half of the lanes is added
    to the lower one until one is left.  Shares are weights times one ÷ that sum.
    """
    shares = softmax(logits)
    whole = len(shares) // LANES * LANES
    lanes = np.zeros(LANES)
    for start in range(0, whole, LANES):
        lanes += shares[start : start + LANES]
    lanes[: len(shares) - whole] += shares[whole:]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    shares *= 1.0 / lanes[0]
    return shares
