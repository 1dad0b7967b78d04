"""Scores an answer, and tells how sure a mean of scores is.  Pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["edit_similarity", "interval", "mean", "ratio_interval"]

RESAMPLES = 2000
LEVEL = 0.95


def edit_similarity(a: str, b: str) -> float:
    """Return the Levenshtein ratio of two texts: 1 if they are equal, 0 if they share nothing.

    It is 2·L ÷ (len a + len b), where L is the length of the longest common subsequence.  A
    replaced character counts as one removed and one added.

    Source:
        ``Levenshtein.ratio`` of python-Levenshtein, the same as ``fuzz.ratio`` in CodeXGLUE's
        line completion.  RepoEval divides by the longer text and gets other figures.

    Example:
        >>> edit_similarity("return x", "return y")
        0.875
    """
    total = len(a) + len(b)
    return 2 * _common_subsequence(a, b) / total if total else 1.0


def _common_subsequence(a: str, b: str) -> int:
    """Return the length of the longest common subsequence.

    Source:
        Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): one integer holds a column
        of the table of differences, and each character of ``b`` leads to the next column.
    """
    positions: dict[str, int] = {}
    for index, sign in enumerate(a):
        positions[sign] = positions.get(sign, 0) | 1 << index
    full = (1 << len(a)) - 1
    column = full
    for sign in b:
        matches = column & positions.get(sign, 0)
        column = (column + matches | column - matches) & full
    return len(a) - column.bit_count()


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None if there are no values."""
    return sum(values) / len(values) if values else None


def interval(values: Sequence[float], seed: int) -> list[float] | None:
    """Return the bootstrap interval [low, high] of a mean; None if there are no values.

    Args:
        values: One score for each item.
        seed: The same seed and values give the same interval.

    Source:
        Efron, "Bootstrap methods: another look at the jackknife" (1979), percentiles 2.5 and
        97.5 of 2,000 resampled means.
    """
    return ratio_interval(values, [1.0] * len(values), seed)


def ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], seed: int
) -> list[float] | None:
    """Return the bootstrap interval [low, high] of Σ numerators ÷ Σ denominators, or None.

    None without numbers, and where they are so few that a sample has a denominator of 0.

    Args:
        numerators: One number for each group.
        denominators: One number ≥ 0 for each group.
        seed: The same seed and values give the same interval.
    """
    if not numerators:
        return None
    above = np.asarray(numerators, np.float64)  # (N,)
    below = np.asarray(denominators, np.float64)  # (N,)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = _resampled(above, below, np.random.Generator(np.random.PCG64(seed)))
    if not np.isfinite(ratios).all():
        return None
    margin = (1 - LEVEL) / 2
    low, high = np.quantile(ratios, [margin, 1 - margin])
    return [float(low), float(high)]


def _resampled(
    above: NDArray[np.float64], below: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return the ratio of the sums in each of `RESAMPLES` samples, drawn with replacement."""
    ratios = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        chosen = random.integers(0, len(above), len(above))
        ratios[i] = above[chosen].sum() / below[chosen].sum()
    return ratios
