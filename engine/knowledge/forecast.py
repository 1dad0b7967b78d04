"""An expert's forecast of the next token: a few tokens and their probabilities.

An n-gram expert blends the continuations of several context lengths, the longest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DISCOUNT", "MAX_LENGTHS", "Forecast", "blend"]

DISCOUNT = 0.5
"""Taken off every count and given to the shorter contexts.  A usual value for absolute discounting
(Ney, Essen and Kneser, 1994)."""

MAX_LENGTHS = 6
"""Context lengths that are blended: the longest of those whose continuations differ."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Probabilities of the next token, which sum to 1."""

    tokens: NDArray[np.int64]
    """Ids, each once, shape (n,), n ≥ 1."""
    shares: NDArray[np.float64]
    """Their probabilities, shape (n,)."""
    length: int = 0
    """Tokens of the longest context found."""
    count: int = 1
    """How often that context occurs."""
    kinds: int = 1
    """How many different tokens follow it."""
    purity: float = 1.0
    """Share of the most frequent of them."""

    @property
    def top(self) -> int:
        """The likeliest token; of equals, the lowest id."""
        return int(self.tokens[int(self.shares.argmax())])


def blend(continuations: Sequence[tuple[int, NDArray[np.int32]]]) -> Forecast | None:
    """Blend the continuations of ever shorter contexts; return None if there are none.

    Args:
        continuations: (length of a context, the tokens that follow it), the longest first.

    Source:
        Interpolated absolute discounting: p_d(t) = max(c(t) − δ, 0) / n + (the share taken off)
        · p_{d−1}(t).  Differs: the shortest context has nothing below it, so its discounted
        counts are scaled to sum to 1.
    """
    used = continuations[:MAX_LENGTHS]
    if not used:
        return None
    tokens, which = np.unique(np.concatenate([each for _, each in used]), return_inverse=True)
    ends = np.cumsum([len(followers) for _, followers in used]).tolist()
    parts = [which[end - len(each) : end] for end, (_, each) in zip(ends, used, strict=True)]
    shares = np.zeros(len(tokens))
    for part in reversed(parts):
        counts = np.bincount(part, minlength=len(tokens))
        own = np.maximum(counts - DISCOUNT, 0.0) / len(part)
        left = 1.0 - own.sum()
        shares = own + left * (shares if shares.any() else own / own.sum())
    counts = np.bincount(parts[0])
    return Forecast(
        tokens=tokens.astype(np.int64),
        shares=shares / shares.sum(),
        length=used[0][0],
        count=len(parts[0]),
        kinds=int(np.count_nonzero(counts)),
        purity=float(counts.max() / len(parts[0])),
    )
