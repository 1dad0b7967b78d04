"""What a step moves: all weights, or the factors of low-rank adapters.

Both clip the gradients that they are given, step, and say how long the gradients were.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.training.adamw import AdamW
from engine.training.low_rank import LowRankAdapters
from engine.training.muon import Muon
from engine.training.pullback import FloatArray

__all__ = ["FactorMover", "Mover", "Rates", "WeightMover", "clip"]

LARGEST_NORM = 1.0
"""Gradients together longer than this are shortened to it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates at the plateau; the first two as the bundled models were trained."""

    muon: float = 0.02
    """Of the matrices of layers."""
    adam: float = 0.003
    """Of embedding, head, norms and biases."""
    low_rank: float = 0.02
    """Of the factors of low-rank adapters."""


class Mover(Protocol):
    """Moves weights against their gradients."""

    @property
    def moved(self) -> Collection[str]:
        """Names of the weights whose gradients `step` takes."""
        ...

    def step(self, gradients: dict[str, FloatArray], factor: float) -> float:
        """Move by gradients, clipped in place, at the rates times a factor; return their norm."""
        ...

    def state(self) -> dict[str, FloatArray]:
        """Return all beside the weights that a later `restore` needs; the arrays are live."""
        ...

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """Go on from a `state`; raises KeyError where a part of it is missing."""
        ...


class WeightMover:
    """All weights: Muon's the matrices, AdamW's the others.

    Args:
        weights: By name; `step` writes to them.
        matrices: Names of Muon's.
        rates: At the plateau.
    """

    def __init__(
        self, weights: dict[str, FloatArray], matrices: Collection[str], rates: Rates
    ) -> None:
        self.moved: Collection[str] = weights.keys()
        self._rates = rates
        self._muon = Muon({name: weights[name] for name in weights if name in matrices})
        self._adam = AdamW({name: weights[name] for name in weights if name not in matrices})

    def step(self, gradients: dict[str, FloatArray], factor: float) -> float:
        """As `Mover.step`."""
        norm = clip(gradients, LARGEST_NORM)
        self._muon.step(gradients, self._rates.muon * factor)
        self._adam.step(gradients, self._rates.adam * factor)
        return norm

    def state(self) -> dict[str, FloatArray]:
        """As `Mover.state`."""
        return {**_over("muon.", self._muon.state()), **_over("adam.", self._adam.state())}

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """As `Mover.restore`."""
        self._muon.restore(_under("muon.", state))
        self._adam.restore(_under("adam.", state))


class FactorMover:
    """The factors of some matrices, merged into them after each step; AdamW's.

    Args:
        weights: By name; `step` writes to the matrices.
        matrices: Names of those that get adapters; all else stays.
        rates: At the plateau.
        rank: Of the adapters.
    """

    def __init__(
        self, weights: dict[str, FloatArray], matrices: Collection[str], rates: Rates, rank: int
    ) -> None:
        self.moved: Collection[str] = [name for name in weights if name in matrices]
        self._rates = rates
        self._adapters = LowRankAdapters({name: weights[name] for name in self.moved}, rank)
        self._adam = AdamW(self._adapters.factors)

    def step(self, gradients: dict[str, FloatArray], factor: float) -> float:
        """As `Mover.step`; the norm is that of the factors' gradients, which are clipped."""
        pulled = self._adapters.pull(gradients)
        norm = clip(pulled, LARGEST_NORM)
        self._adam.step(pulled, self._rates.low_rank * factor)
        self._adapters.merge()
        return norm

    def state(self) -> dict[str, FloatArray]:
        """As `Mover.state`; which weights the adapters began with is the caller's to know."""
        factors = _over("factor.", self._adapters.factors)
        return {**factors, **_over("adam.", self._adam.state())}

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """As `Mover.restore`."""
        for name, factor in self._adapters.factors.items():
            factor[...] = state[f"factor.{name}"]
        self._adam.restore(_under("adam.", state))
        self._adapters.merge()


def clip(gradients: Mapping[str, FloatArray], largest: float) -> float:
    """Shorten gradients, together one vector, to a length; return the length that they had."""
    norm = math.sqrt(sum(float(np.vdot(part, part)) for part in gradients.values()))
    factor = min(1.0, largest / (norm + 1e-6))
    if factor < 1.0:
        for part in gradients.values():
            part *= factor
    return norm


def _over(prefix: str, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {f"{prefix}{name}": part for name, part in state.items()}


def _under(prefix: str, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {n.removeprefix(prefix): part for n, part in state.items() if n.startswith(prefix)}
