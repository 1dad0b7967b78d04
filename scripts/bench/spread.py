"""Figures of rounds: how they are summed up, and how they read.  Pure functions."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

__all__ = ["Figures", "percentile", "percentiles", "ratios", "rounded", "spread"]

Figures = dict[str, float]


def spread(values: Sequence[float]) -> Figures:
    """Return min, median and max of what rounds gave.

    Example:
        >>> spread([3.0, 1.0, 2.0])
        {'min': 1.0, 'median': 2.0, 'max': 3.0}
    """
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratios(over: Sequence[float], under: Sequence[float]) -> Figures:
    """Return the spread of the rounds' ratios; both were measured in the same rounds.

    Example:
        >>> ratios([2.0, 6.0], [1.0, 2.0])["median"]
        2.5
    """
    return spread([a / b for a, b in zip(over, under, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` per cent of the values do not exceed.

    Example:
        >>> percentile([5, 1, 4, 2, 3], 50), percentile([5, 1, 4, 2, 3], 95)
        (3, 5)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def percentiles(values: Sequence[float]) -> Figures:
    """Return p50, p95, p99 and the largest; nothing for no values."""
    if not values:
        return {}
    return {f"p{share}": percentile(values, share) for share in (50, 95, 99)} | {"max": max(values)}


def rounded(value: Any) -> Any:
    """Return a JSON value with six significant digits in every fraction.

    Example:
        >>> rounded({"a": [1 / 3, 2]})
        {'a': [0.333333, 2]}
    """
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
