"""What a step moves: all weights, or the factors of low-rank adapters beside them.

Both clip the gradients that they are given, step, and say how long the gradients were.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.training.adamw import AdamW
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
    """Moves arrays against their gradients."""

    @property
    def learnt(self) -> dict[str, FloatArray]:
        """The arrays that it moves by name: those whose gradients `step` takes."""
        ...

    def step(self, gradients: dict[str, FloatArray], factor: float) -> float:
        """Move by gradients, clipped in place, at the rates times a factor; return their norm."""
        ...

    def state(self) -> dict[str, FloatArray]:
        """Return all beside what it moves that a later `restore` needs; the arrays are live."""
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
        self.learnt = weights
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
    """The factors of some matrices; AdamW's.

    Args:
        factors: As of `engine.training.low_rank.new_factors`; `step` writes to them.
        rates: At the plateau.
    """

    def __init__(self, factors: dict[str, FloatArray], rates: Rates) -> None:
        self.learnt, self._rates = factors, rates
        self._adam = AdamW(factors)

    def step(self, gradients: dict[str, FloatArray], factor: float) -> float:
        """As `Mover.step`."""
        norm = clip(gradients, LARGEST_NORM)
        self._adam.step(gradients, self._rates.low_rank * factor)
        return norm

    def state(self) -> dict[str, FloatArray]:
        """As `Mover.state`."""
        return _over("adam.", self._adam.state())

    def restore(self, state: Mapping[str, FloatArray]) -> None:
        """As `Mover.restore`."""
        self._adam.restore(_under("adam.", state))


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
