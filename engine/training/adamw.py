"""AdamW: adaptive steps with decoupled weight decay, for embeddings, norms and biases.

Source:
    Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
"""

import math

import numpy as np

from engine.training.pullback import FloatArray

__all__ = ["AdamW"]


class AdamW:
    """The moments of some weights, and the step that they decide.

    Operations and their order are those of PyTorch's ``torch.optim.AdamW``, each rounded to the
    type of the weights.

    Args:
        weights: By name; `step` writes to them.
        betas: How much of the first and second moment stays at a step.
        epsilon: Added to the root of the second moment.
        decay: Share of a weight that goes at a rate of 1.
    """

    def __init__(
        self,
        weights: dict[str, FloatArray],
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        epsilon: float = 1e-8,
        decay: float = 0.0,
    ) -> None:
        self._weights, self._betas, self._epsilon, self._decay = weights, betas, epsilon, decay
        self._means = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._squares = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self._steps = 0

    def step(self, gradients: dict[str, FloatArray], rate: float) -> None:
        """Move every weight against its gradient; ``gradients`` has one for each, only read."""
        self._steps += 1
        for name, weight in self._weights.items():
            self._move(weight, gradients[name], self._means[name], self._squares[name], rate)

    def _move(
        self,
        weight: FloatArray,
        gradient: FloatArray,
        mean: FloatArray,
        square: FloatArray,
        rate: float,
    ) -> None:
        keep_mean, keep_square = self._betas
        mean += (gradient - mean) * (1.0 - keep_mean)
        square *= keep_square
        square += gradient * gradient * (1.0 - keep_square)
        root = np.sqrt(square)
        root /= math.sqrt(1.0 - keep_square**self._steps)
        root += self._epsilon
        np.divide(mean, root, out=root)
        root *= rate / (1.0 - keep_mean**self._steps)
        weight *= 1.0 - rate * self._decay
        weight -= root

    def state(self) -> dict[str, FloatArray]:
        """Return all that a later `restore` needs, by name; the arrays are the live ones."""
        return {
            "steps": np.array([self._steps], np.float64),
            **{f"mean.{name}": mean for name, mean in self._means.items()},
            **{f"square.{name}": square for name, square in self._squares.items()},
        }

    def restore(self, state: dict[str, FloatArray]) -> None:
        """Go on from a `state`; raises KeyError where a part of it is missing."""
        for name in self._weights:
            self._means[name][...] = state[f"mean.{name}"]
            self._squares[name][...] = state[f"square.{name}"]
        self._steps = int(state["steps"][0])
