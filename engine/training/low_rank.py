"""Low-rank adapters: matrices that learn by two thin factors each, W + B·A, merged after each step.

The walk over the graph sees whole matrices and knows nothing of factors; only what is learnt, and
what its optimiser keeps, is small.

Source:
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021), section 4.1: B begins
    at zero, A at random.  Its constant scale is left to the learning rate.
"""

from collections.abc import Mapping

import numpy as np

from engine.training.pullback import FloatArray

__all__ = ["LowRankAdapters"]

_DOWN, _UP = "down.", "up."


class LowRankAdapters:
    """The factors of some matrices.

    Args:
        weights: Matrices by name, (N, K); `merge` writes to them.
        rank: Rows of A, (rank, K), and columns of B, (N, rank); at least 1.
        seed: Of the first A: normal numbers with a variance of 1 ÷ K, so that A·x is as large as x.
    """

    def __init__(self, weights: dict[str, FloatArray], rank: int, *, seed: int = 0) -> None:
        self._merged = weights
        self._base = {name: weight.copy() for name, weight in weights.items()}
        random = np.random.Generator(np.random.PCG64(seed))
        self.factors: dict[str, FloatArray] = {}
        for name, weight in weights.items():
            rows, columns = weight.shape
            down = random.standard_normal((rank, columns)) / np.sqrt(columns)
            self.factors[_DOWN + name] = down.astype(weight.dtype)
            self.factors[_UP + name] = np.zeros((rows, rank), weight.dtype)

    def pull(self, gradients: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the factors' gradients from those of the matrices: dA = Bᵀ·dW, dB = dW·Aᵀ."""
        pulled: dict[str, FloatArray] = {}
        for name in self._base:
            pulled[_DOWN + name] = self.factors[_UP + name].T @ gradients[name]
            pulled[_UP + name] = gradients[name] @ self.factors[_DOWN + name].T
        return pulled

    def merge(self) -> None:
        """Write W + B·A into the matrices."""
        for name, base in self._base.items():
            product = self.factors[_UP + name] @ self.factors[_DOWN + name]
            np.add(base, product, out=self._merged[name])
