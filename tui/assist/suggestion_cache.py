"""Remembers the latest suggestions and finds them again.

A suggestion is found at its own place, and at every place that typing its beginning leads to.
Whether to ask for a new one is decided in `tui.assist.policy`.
"""

from collections import OrderedDict
from dataclasses import dataclass

from tui.assist.cursor_place import LOOK_BACK, NEAR_BEFORE, CursorPlace
from tui.assist.scored_text import ScoredText

__all__ = ["SuggestionCache"]

_NEAR_AFTER = 128
"""Characters after the cursor by which a place is known again."""


@dataclass(frozen=True, slots=True)
class _Known:
    scored: ScoredText
    multi_line: bool
    sure: bool
    whole: bool


class SuggestionCache:
    """The latest suggestions by place.

    Args:
        size: Suggestions kept; the least recently used one goes first.
    """

    def __init__(self, size: int = 250) -> None:
        self._size = size
        self._entries: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self,
        place: CursorPlace,
        text: ScoredText,
        *,
        multi_line: bool,
        sure: bool = True,
        whole: bool = True,
    ) -> None:
        """Remember the suggestion for ``place``; an empty text means there is none.

        One that is not ``sure`` is only found by a person who asks; one that is not ``whole``,
        because it is the sure beginning of a text, only by one who does not.
        """
        key = _key(place.prefix, place.suffix)
        self._entries[key] = _Known(text, multi_line, sure, whole)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def get(
        self, place: CursorPlace, *, multi_line: bool, asked: bool = False
    ) -> ScoredText | None:
        """Return the suggestion for ``place``, or what is left of an earlier one after typing.

        Args:
            place: The cursor and its text.
            multi_line: Whether several lines are wanted; a known single line is not enough then.
            asked: Whether the person asks; an unsure suggestion will do then.

        Returns:
            The text, empty if there is known to be none; None if nothing is known.
        """
        prefix = place.prefix
        for typed in range(min(LOOK_BACK, len(prefix)) + 1):
            start = len(prefix) - typed
            key = _key(prefix, place.suffix, start)
            known = self._entries.get(key)
            if known is None or (asked and not known.whole):
                continue
            if not known.sure and not asked:
                # Offer nothing here; about a place further on nothing is known yet.
                if not typed:
                    return ScoredText("")
                continue
            rest = _rest(known, prefix[start:], multi_line=multi_line)
            if rest is not None:
                self._entries.move_to_end(key)
                return rest
        return None


def _key(prefix: str, suffix: str, end: int | None = None) -> tuple[str, str]:
    """Return the key of a place: the text around it, with the prefix cut at ``end``."""
    end = len(prefix) if end is None else end
    return prefix[max(0, end - NEAR_BEFORE) : end], suffix[:_NEAR_AFTER]


def _rest(known: _Known, typed: str, *, multi_line: bool) -> ScoredText | None:
    """Return what is left of ``known`` after ``typed``; None if it does not fit."""
    scored = known.scored
    if not typed:
        if multi_line and not known.multi_line:
            return None
        shown = scored if multi_line else scored.first_line()
        return shown if shown.text or not scored.text else None
    if scored.text.startswith(typed) and len(scored.text) > len(typed):
        return scored.after(len(typed))
    return None
