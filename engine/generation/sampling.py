"""Logits → token id, seeded.  Small functions that compose; they know nothing of text.

Deterministic for a given seed on every processor (`engine.probabilities`).

Letter: V tokens of the vocabulary.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.probabilities import Logits, Shares, softmax

__all__ = [
    "Sampler",
    "greedy",
    "keep_top_k",
    "keep_top_p",
    "make_sampler",
    "mask",
    "nth_highest",
]

_Values = TypeVar("_Values", Logits, Shares)

_SEARCHED = 256
"""Values of which the highest is found first, where several are looked for."""

Sampler = Callable[[Logits], int]


def greedy(values: Logits | Shares) -> int:
    """Return the token with the highest logit, or share; of equals, the lowest id."""
    return int(np.argmax(values))


def mask(values: _Values, allowed: NDArray[np.integer], impossible: float = -np.inf) -> _Values:
    """Return ``values`` with only the ``allowed`` tokens left possible.

    Args:
        values: Logits, or shares, which then no longer have the sum 1.
        allowed: Ids; those outside the vocabulary are left out.
        impossible: What marks all others: −inf for logits, 0 for shares.
    """
    kept = np.full_like(values, impossible)
    inside = allowed[allowed < len(values)]
    kept[inside] = values[inside]
    return kept


def keep_top_k(logits: Logits, k: int) -> Logits:
    """Return ``logits`` with only the ``k`` highest left possible; of equals, the lower ids."""
    if k >= len(logits):
        return logits
    return mask(logits, _descending(logits)[:k])


def keep_top_p(logits: Logits, p: float) -> Logits:
    """Return ``logits`` with only the smallest set of probability ≥ ``p`` left possible.

    Source:
        Holtzman et al., "The curious case of neural text degeneration" (2020), nucleus sampling.
    """
    order = _descending(logits)
    reached = np.cumsum(softmax(logits)[order])
    count = int(np.searchsorted(reached, p * reached[-1])) + 1
    return mask(logits, order[:count])


def nth_highest(values: Logits | Shares, n: int) -> float:
    """Return the value that ``n`` tokens reach or exceed; n ≤ V."""
    blocks = np.maximum.reduceat(values, np.arange(0, len(values), _SEARCHED))
    if len(blocks) > n:  # n blocks have a value as high as that, so all others can be left out
        values = values[values >= np.partition(blocks, -n)[-n]]
    return float(np.partition(values, -n)[-n])


def make_sampler(
    temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0
) -> Sampler:
    """Return a function from logits to the chosen token.

    Args:
        temperature: Divides the logits; 0 is `greedy`.
        top_k: Only this many of the highest logits are possible; 0 means all.
        top_p: Of these, only the fewest that together reach this probability; 1 means all.
        seed: The PCG64 generator's; the same seed and logits give the same tokens.

    Raises:
        EngineError: A value is outside its range.
    """
    _check(temperature, top_k, top_p, seed)
    if temperature == 0.0:
        return greedy
    generator = np.random.Generator(np.random.PCG64(seed))

    def sample(logits: Logits) -> int:
        if top_k:
            logits = keep_top_k(logits, top_k)
        logits = _divide(logits, temperature)
        if top_p < 1.0:
            logits = keep_top_p(logits, top_p)
        return _draw(softmax(logits), generator.random())

    return sample


def _divide(logits: Logits, temperature: float) -> Logits:
    """Return ``logits``, less their maximum, over ``temperature``."""
    with np.errstate(over="ignore"):  # a quotient below float32 rightly becomes −inf
        shifted = (logits - logits.max()).astype(np.float64)
        divided: Logits = (shifted / temperature).astype(np.float32)
    return divided


def _draw(weights: NDArray[np.float64], uniform: float) -> int:
    """Return the index where the running sum of ``weights`` passes ``uniform`` of the total."""
    reached = np.cumsum(weights)
    index = int(np.searchsorted(reached, uniform * reached[-1], side="right"))
    # Rounding may raise the product to the total; the last possible token is right then.
    return min(index, int(np.flatnonzero(weights)[-1]))


def _descending(logits: Logits) -> NDArray[np.intp]:
    """Return the ids from the highest logit to the lowest; of equals, the lower id first."""
    return np.argsort(-logits, kind="stable")


def _check(temperature: float, top_k: int, top_p: float, seed: int) -> None:
    """Raise EngineError if a sampling setting is outside its range."""
    if not 0.0 <= temperature < float("inf"):
        raise EngineError(f"temperature {temperature} is not a number ≥ 0; 0 is greedy")
    if top_k < 0:
        raise EngineError(f"top_k {top_k} is below 0; 0 means no limit")
    if not 0.0 < top_p <= 1.0:
        raise EngineError(f"top_p {top_p} is outside (0, 1]; 1 means no limit")
    if seed < 0:
        raise EngineError(f"seed {seed} is below 0; give a whole number ≥ 0")
