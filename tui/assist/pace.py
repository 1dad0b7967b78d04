"""How fast a person types and how fast answers come, and what rest of the keys fits both.

Measures nothing itself: `tui.assist.suggestions` tells the times.
"""

from collections import deque
from dataclasses import dataclass
from statistics import mean, median

from tui.assist.cursor_place import CursorPlace

__all__ = ["NO_PACE", "Pace", "PaceMeter", "fitting_rest_ms"]

_GAPS = 50
_LEAST_GAPS = 10
"""Fewer keys tell no rhythm."""
_PAUSE_SECONDS = 1.0
"""A longer gap is a pause, and no part of the rhythm."""
_GAP_MS = (100.0, 400.0)
_ANSWERS = 20
_MOST_MS = 1000
_SLOWEST, _QUICKEST = 2.0, 1.0
"""Times of a gap that are waited for: inside a word, and where a word, a line and the file end."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of the keys and the answers."""

    gap_ms: float | None = None
    """Mean time from one key to the next, pauses left out; None before enough keys."""
    answer_ms: float | None = None
    """Median time from a request to the first text of its answer; None before the first."""


NO_PACE = Pace()


class PaceMeter:
    """Remembers the latest keys and answers."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._answers: deque[float] = deque(maxlen=_ANSWERS)
        self._last: float | None = None

    def key(self, now: float) -> None:
        """Note a key that typed something, at a time in seconds."""
        if self._last is not None and 0 < now - self._last < _PAUSE_SECONDS:
            self._gaps.append(now - self._last)
        self._last = now

    def answer(self, seconds: float) -> None:
        """Note how long the first text of an answer took."""
        self._answers.append(seconds)

    @property
    def pace(self) -> Pace:
        """What is known now."""
        gap = mean(self._gaps) * 1e3 if len(self._gaps) >= _LEAST_GAPS else None
        answer = median(self._answers) * 1e3 if self._answers else None
        return Pace(gap, answer)


def fitting_rest_ms(base_ms: int, pace: Pace, place: CursorPlace) -> int:
    """Return for how long the keys must rest before it is worth asking.

    Where an answer fits between two keys, or nothing is known, that is ``base_ms``.  Else the
    person is waited for: until the gap is longer than theirs are, and longer inside a word.

    Source:
        The formula of Tabby's agent (`clients/tabby-agent/src/codeCompletion/debouncer.ts`): mean
        gap, held between 100 and 400 ms, × a factor that falls where a word, a line and the text
        end (0.5, 0.4, 0.1), less the time of an answer, at most a second.
        Differs: the factor is 1 to 2, not 1.5 to 3, because an answer that comes late is kept.

    Example:
        >>> fitting_rest_ms(100, Pace(gap_ms=150, answer_ms=80), CursorPlace("a", None, "ab", "c"))
        220
    """
    if pace.gap_ms is None or pace.answer_ms is None or pace.gap_ms >= base_ms + pace.answer_ms:
        return base_ms
    gap = min(max(pace.gap_ms, _GAP_MS[0]), _GAP_MS[1])
    factor = _SLOWEST - (_SLOWEST - _QUICKEST) * _ripeness(place)
    return round(min(max(gap * factor - pace.answer_ms, base_ms), max(base_ms, _MOST_MS)))


def _ripeness(place: CursorPlace) -> float:
    """Return how likely a person waits for a suggestion here, 0–1."""
    last = place.prefix[-1:]
    word_ends = not (last.isalnum() or last == "_")
    line_ends = place.suffix[:1] in ("", "\n", "\r")
    return 0.5 * word_ends + 0.4 * line_ends + 0.1 * (not place.suffix.strip())
