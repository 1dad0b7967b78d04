"""What counts come to: shares and percentiles, for the screen and ``spark-tui numbers``."""

from typing import Any

from tui.assist.numbers.counts import CHECKS, PARTS, OutcomeCounts
from tui.assist.numbers.times import Histogram, percentile

__all__ = ["ACCEPT_KEYS", "TIMES", "figures", "share"]

ACCEPT_KEYS = ("all", "line", "word", "part")
"""What a key accepts of a suggestion."""

TIMES = ("first_text", "whole", *PARTS)
"""Host times that are counted: to the first text, to the whole suggestion, and its parts."""


def figures(counts: OutcomeCounts) -> dict[str, Any]:
    """Return the fields of the command's JSON; shares are 0 to 1, None where nothing was counted.

    Args:
        counts: Sums over days.
    """
    return {
        "shown": counts.shown,
        "accepted": counts.accepted,
        "accepted_share": share(counts.accepted, counts.shown),
        "dismissed": counts.dismissed,
        "refused": counts.refused,
        "held_back": counts.held_back,
        "accept_keys": {key: counts.accept_keys.get(key, 0) for key in ACCEPT_KEYS},
        "characters_accepted": counts.characters_accepted,
        "characters_typed": counts.characters_typed,
        "keys_saved": counts.keys_saved,
        "keys_saved_share": counts.keys_saved_share,
        "still_there": [_still_there(counts, seconds) for seconds in CHECKS],
        "host_ms": {name: _times(counts.times.get(name, {})) for name in TIMES},
    }


def share(part: int, whole: int) -> float | None:
    """Return a part of a whole, 0 to 1; None of nothing."""
    return part / whole if whole else None


def _still_there(counts: OutcomeCounts, seconds: int) -> dict[str, Any]:
    looked, found = counts.looked.get(seconds, 0), counts.still_there.get(seconds, 0)
    return {"after_s": seconds, "looked": looked, "found": found, "share": share(found, looked)}


def _times(histogram: Histogram) -> dict[str, Any]:
    return {
        "n": sum(histogram.values()),
        "p50": percentile(histogram, 0.5),
        "p95": percentile(histogram, 0.95),
    }
