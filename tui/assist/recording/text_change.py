"""The one replacement that makes a text another, and what a replacement makes of a text.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["TextReplacement", "nearest_place", "offset_of", "replacement_between"]


@dataclass(frozen=True, slots=True)
class TextReplacement:
    """Text between two places (row, column) is replaced."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def replacement_between(old: Sequence[str], new: Sequence[str]) -> TextReplacement | None:
    """Return the least replacement that makes the lines ``old`` the lines ``new``; None if equal.

    Args:
        old: At least one line.
        new: At least one line.
    """
    top = _common(old, new, min(len(old), len(new)))
    if top == len(old) == len(new):
        return None
    # One line of each is left at least: a change lies in lines, not between them.
    top = min(top, len(old) - 1, len(new) - 1)
    most = min(len(old), len(new)) - top - 1
    below = _common(old[::-1], new[::-1], most)
    before = "\n".join(old[top : len(old) - below])
    after = "\n".join(new[top : len(new) - below])
    head = _common(before, after, min(len(before), len(after)))
    tail = _common(before[::-1], after[::-1], min(len(before), len(after)) - head)
    gone = before[head : len(before) - tail]
    start = _moved((top, 0), before[:head])
    return TextReplacement(start, _moved(start, gone), after[head : len(after) - tail])


def nearest_place(lines: Sequence[str], place: tuple[int, int]) -> tuple[int, int]:
    """Return the place in a text that is nearest to one which may lie outside."""
    row = max(0, min(place[0], len(lines) - 1))
    return row, max(0, min(place[1], len(lines[row])))


def offset_of(lines: Sequence[str], place: tuple[int, int]) -> int:
    """Return the characters before a place; one outside the text counts as the nearest in it."""
    row, column = nearest_place(lines, place)
    return sum(len(line) + 1 for line in lines[:row]) + column


def _common(one: Sequence[str], other: Sequence[str], most: int) -> int:
    """Return how many items two sequences begin with in common, ``most`` at most."""
    return next((at for at in range(most) if one[at] != other[at]), most)


def _moved(place: tuple[int, int], text: str) -> tuple[int, int]:
    """Return the place behind ``text`` that begins at ``place``."""
    lines = text.split("\n")
    return (place[0] + len(lines) - 1, len(lines[-1]) + (place[1] if len(lines) == 1 else 0))
