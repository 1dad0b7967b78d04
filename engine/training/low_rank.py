"""Low-rank adapters: matrices that learn by two thin factors each, W + B·A, beside what they were.

The matrices stay as they are, in whatever form they are kept; a product adds what the factors
make of its inputs (`engine.training.products`), so only factors have gradients and an optimiser.

Source:
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021), section 4.1: B begins
    at zero, A at random.  Its constant scale is left to the learning rate.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from engine.training.pullback import DOWN, UP, FloatArray, Weights

__all__ = ["AdaptedWeights", "adapted_matrix", "new_factors"]


def new_factors(
    shapes: Mapping[str, tuple[int, ...]], rank: int, *, seed: int = 0
) -> dict[str, FloatArray]:
    """Return the factors with which matrices begin to learn: A, (rank, K), and B, (N, rank).

    Args:
        shapes: Of the matrices by name, (N, K).
        rank: At least 1.
        seed: Of A: normal numbers with a variance of 1 ÷ K, so that A·x is as large as x.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    factors: dict[str, FloatArray] = {}
    for name, (rows, columns) in shapes.items():
        down = random.standard_normal((rank, columns)) / np.sqrt(columns)
        factors[DOWN + name] = down.astype(np.float32)
        factors[UP + name] = np.zeros((rows, rank), np.float32)
    return factors


class AdaptedWeights(Mapping[str, FloatArray]):
    """Weights with the factors of some of them, by name; neither is copied.

    Args:
        weights: By name.
        factors: As of `new_factors`.
    """

    def __init__(self, weights: Weights, factors: Weights) -> None:
        self._weights, self._factors = weights, factors

    def __getitem__(self, name: str) -> FloatArray:
        found = self._factors.get(name)
        return self._weights[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from self._weights
        yield from self._factors

    def __len__(self) -> int:
        return len(self._weights) + len(self._factors)


def adapted_matrix(weights: Weights, factors: Weights, name: str, share: float = 1.0) -> FloatArray:
    """Return W + share · B·A; W itself where a matrix has no factors."""
    up = factors.get(UP + name)
    if up is None:
        return weights[name]
    product = up @ factors[DOWN + name]
    product *= share
    product += weights[name]
    return product
