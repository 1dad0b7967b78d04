"""Muon: momentum made orthogonal, for the matrices of layers.

Source:
    Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024).
"""

from collections import defaultdict

import numpy as np

from engine.training.pullback import FloatArray

__all__ = ["NEWTON_SCHULZ", "Muon", "orthogonalise"]

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration; from the same source."""

_ITERATIONS = 5


def orthogonalise(matrices: FloatArray) -> FloatArray:
    """Move the singular values of each matrix near 1 by a Newton–Schulz iteration.

    Args:
        matrices: (count, rows, columns).

    Returns:
        The same shape; singular values between 0.7 and 1.2, but for those near 0.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    norms = np.sqrt(np.einsum("mij,mij->m", x, x))[:, None, None]
    x = x / (norms + x.dtype.type(1e-7))
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        polynomial = gram @ gram
        polynomial *= c
        polynomial += b * gram
        x = a * x + polynomial @ x
    near: FloatArray = x.mT if tall else x
    return near


class Muon:
    """The momentum of some matrices, and the step that it decides.

    Matrices of one shape are treated together.

    Args:
        weights: Matrices by name; `step` writes to them.
        momentum: How much of it stays at a step.
        decay: Share of a weight that goes at a rate of 1.
    """

    def __init__(
        self, weights: dict[str, FloatArray], *, momentum: float = 0.95, decay: float = 0.05
    ) -> None:
        self._weights, self._kept, self._decay = weights, momentum, decay
        self._momenta = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name, weight in weights.items():
            self._alike[weight.shape].append(name)

    def step(self, gradients: dict[str, FloatArray], rate: float) -> None:
        """Move every matrix against its gradient; ``gradients`` has one for each, only read."""
        for shape, names in self._alike.items():
            directions = orthogonalise(
                np.stack([self._nesterov(name, gradients[name]) for name in names])
            )
            # A tall matrix needs a larger step to change its output as much.
            directions *= rate * max(1.0, shape[0] / shape[1]) ** 0.5
            for name, direction in zip(names, directions, strict=True):
                self._weights[name] *= 1.0 - rate * self._decay
                self._weights[name] -= direction

    def _nesterov(self, name: str, gradient: FloatArray) -> FloatArray:
        """Take the gradient into the momentum; return the gradient as it will look ahead."""
        momentum = self._momenta[name]
        momentum += (gradient - momentum) * (1.0 - self._kept)
        return gradient + (momentum - gradient) * self._kept

    def state(self) -> dict[str, FloatArray]:
        """Return all that a later `restore` needs, by name; the arrays are the live ones."""
        return {f"momentum.{name}": momentum for name, momentum in self._momenta.items()}

    def restore(self, state: dict[str, FloatArray]) -> None:
        """Go on from a `state`; raises KeyError where a part of it is missing."""
        for name, momentum in self._momenta.items():
            momentum[...] = state[f"momentum.{name}"]
