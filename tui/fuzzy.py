"""Finds names by some of their letters, in order.

The time grows with the length of the name, whatever the letters: where they fit in more than one
way, one good way is taken, and not the best of all.  Knows nothing of what the names are for.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from textual.content import Content
from textual.style import Style

__all__ = ["FuzzyMatch", "fuzzy_match", "highlighted"]

_MARKED = Style(reverse=True)

_WORD = re.compile(r"[^\W_]+")


class FuzzyMatch(NamedTuple):
    """How well some letters fit a name."""

    score: float
    """More is better; above 0."""
    offsets: Sequence[int]
    """Where in the name the letters are."""


def fuzzy_match(letters: str, name: str) -> FuzzyMatch | None:
    """Return how ``letters`` fit a name; None if it lacks them, in this order.

    Case is ignored.  Letters that stand together, begin a word or are in the last part of a path
    count more, and those of the whole name most.

    Example:
        >>> fuzzy_match("cpl", "tui/command_palette.py").offsets
        [4, 12, 14]
    """
    if not letters:
        return None
    letters, lower = letters.lower(), name.lower()
    if len(lower) != len(name):  # a letter that is two in lower case: offsets would be wrong
        lower = name
    last_part = lower.rfind("/") + 1
    offsets = _offsets(letters, lower, last_part) or _offsets(letters, lower, 0)
    if offsets is None:
        return None
    return FuzzyMatch(_score(offsets, lower, last_part, whole=letters == lower), offsets)


def _offsets(letters: str, name: str, start: int) -> Sequence[int] | None:
    """Return where the letters are from ``start`` on; None if they are not.

    As near together as they are where they first end.
    """
    at = name.find(letters, start)
    if at >= 0:
        return range(at, at + len(letters))
    end = start
    for letter in letters:
        end = name.find(letter, end) + 1
        if end == 0:
            return None
    offsets = []
    for letter in reversed(letters):
        end = name.rfind(letter, start, end)
        offsets.append(end)
    return offsets[::-1]


def _score(offsets: Sequence[int], name: str, last_part: int, *, whole: bool) -> float:
    """Return how much the places of the letters are worth."""
    count = len(offsets)
    firsts = {match.start() for match in _WORD.finditer(name)}
    together = sum(b == a + 1 for a, b in pairwise(offsets)) + 1
    score = (count + len(firsts.intersection(offsets))) * (1 + (together / count) ** 2)
    if offsets[0] >= last_part:
        score *= 1.2
    return score * 2 if whole else score


def highlighted(name: str, offsets: Iterable[int], style: Style | None) -> Content:
    """Return a name with some of its letters marked; brackets in it are no markup.

    Textual's own matcher reads them as such, and a file's name could break the app.  For a name
    with many equal letters it also takes for ever.
    """
    content = Content(name)
    for offset in offsets:
        content = content.stylize(style or _MARKED, offset, offset + 1)
    return content
