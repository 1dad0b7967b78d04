"""Times as a histogram: sums of several are exact, percentiles right to a twentieth.  Pure."""

import math

__all__ = ["Histogram", "add_time", "percentile"]

Histogram = dict[int, int]
"""How many times fell into each step; step k reaches from ``_STEP ** (k - 1)`` to ``_STEP ** k``
milliseconds, and step 0 is all below one."""

_STEP = 1.1
_LAST = 150
"""The step of all that is longer: a day and a half."""


def add_time(histogram: Histogram, milliseconds: float) -> None:
    """Count one time; what is no time (negative, not finite) is left out."""
    if not math.isfinite(milliseconds) or milliseconds < 0:
        return
    step = 0 if milliseconds < 1 else min(_LAST, 1 + int(math.log(milliseconds, _STEP)))
    histogram[step] = histogram.get(step, 0) + 1


def percentile(histogram: Histogram, share: float) -> float | None:
    """Return the time in milliseconds that ``share`` of the counted ones do not exceed.

    It is the middle of its step, so at most 5 % from the true one; None if nothing was counted.
    """
    wanted = share * sum(histogram.values())
    seen = 0
    for step in sorted(histogram):
        seen += histogram[step]
        if seen >= wanted:
            return 0.5 if step == 0 else _STEP ** (step - 0.5)
    return None
