"""Pullback: what an operation leaves behind, so that a gradient can go back through it.

Types only.  A pullback is the transposed derivative of one operation at the values that it saw.

Letters of this package: B rows of a batch, T tokens of a row, H heads, G key/value heads, S = H / G
queries that share a key, D width of a head, N outputs, K inputs, V vocabulary.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOWN", "UP", "FloatArray", "GradientSums", "Pullback", "Weights", "zero_gradients"]

FloatArray = NDArray[np.floating[Any]]
"""float32 to train, float64 to test; an operation keeps the type of the weights."""

Weights = Mapping[str, FloatArray]
"""By tensor name, as in `ModelGraph.weights`."""

DOWN, UP = "down.", "up."
"""Begin the names of a matrix's factors, where it has any: A, (rank, K), and B, (N, rank)."""

GradientSums = Mapping[str, FloatArray]
"""The sums that gradients of weights are added to, in place; a weight without one is frozen."""

Pullback = Callable[[FloatArray, GradientSums], tuple[FloatArray, ...]]
"""Takes the gradient of an output, adds those of the weights to their sums, and returns those of
the inputs.  It is called once, and only reads the gradient it is given, which others may hold."""


def zero_gradients(weights: Weights) -> dict[str, FloatArray]:
    """Return a sum of 0 for every weight, of its type and shape."""
    return {name: np.zeros_like(weight) for name, weight in weights.items()}
