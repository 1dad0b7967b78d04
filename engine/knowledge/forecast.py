"""What an expert says of the next token: a few tokens with their probabilities.

An n-gram expert's forecast blends the continuations of every context length, the longest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Forecast", "blend"]

DISCOUNT = 0.5
"""Taken off every count and given to the shorter contexts, in the order of the field's habit
(Ney, Essen and Kneser, 1994, absolute discounting)."""

MAX_LENGTHS = 6
"""Context lengths that are blended: the longest ones whose continuations differ."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Probabilities of the next token; they sum to 1."""

    tokens: NDArray[np.int64]
    """Ids, without repetition, shape (n,), n ≥ 1."""
    shares: NDArray[np.float64]
    """Their probabilities, shape (n,)."""
    length: int = 0
    """Tokens of the longest context that was found."""
    count: int = 1
    """How often that context was seen."""
    kinds: int = 1
    """How many different tokens followed it."""
    purity: float = 1.0
    """Share of the most frequent one among them."""

    @property
    def top(self) -> int:
        """The likeliest token; among equals the lowest id."""
        return int(self.tokens[int(self.shares.argmax())])


def blend(continuations: Sequence[tuple[int, NDArray[np.int32]]]) -> Forecast | None:
    """Return the forecast of contexts of falling length; None where there is none.

    Args:
        continuations: (tokens of the context, the tokens that followed it), longest first.

    Source:
        Interpolated absolute discounting: p_d(t) = max(c(t) − δ, 0) / n + (what was taken off) ·
        p_{d−1}(t).  Differs: below the shortest context stands nothing; its discounted counts
        are scaled to sum to 1.
    """
    used = continuations[:MAX_LENGTHS]
    if not used:
        return None
    tokens = np.unique(np.concatenate([followers for _, followers in used]))
    shares = np.zeros(len(tokens))
    for _, followers in reversed(used):
        kinds, counts = np.unique(followers, return_counts=True)
        own = np.zeros(len(tokens))
        own[np.searchsorted(tokens, kinds)] = (counts - DISCOUNT) / counts.sum()
        left = 1.0 - own.sum()
        shares = own + left * (shares if shares.any() else own / own.sum())
    length, followers = used[0]
    kinds, counts = np.unique(followers, return_counts=True)
    return Forecast(
        tokens=tokens.astype(np.int64),
        shares=shares / shares.sum(),
        length=length,
        count=int(counts.sum()),
        kinds=len(kinds),
        purity=float(counts.max() / counts.sum()),
    )
