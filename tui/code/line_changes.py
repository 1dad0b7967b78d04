"""What differs between two texts, line by line: changes, signs of the margin, rows of a diff."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from tui.code.line_marks import MarkLayer, Sign

__all__ = ["ChangeRow", "LineChange", "change_marks", "change_rows", "changes_of"]

_MOST_COMPARED = 400_000
"""Lines times lines that are compared line by line."""
_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class LineChange:
    """Lines of an old text, and those that stand in their place; rows from 0, ends excluded."""

    old_start: int
    old_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One row of a diff."""

    kind: Literal["head", "same", "added", "removed"]
    text: str
    row: int
    """The row of the new text that it is about."""


def changes_of(old: Sequence[str], new: Sequence[str]) -> list[LineChange]:
    """Return where two texts differ, in time that grows little faster than their length.

    Lines that stand once in either text are anchors; what lies between them is compared line by
    line if it is short.
    """
    return list(_changes(old, new, 0, 0))


def _changes(
    old: Sequence[str], new: Sequence[str], old_row: int, row: int
) -> Iterator[LineChange]:
    """Yield where two parts of texts differ, which begin at these rows."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    old_row, row = old_row + head, row + head
    if not old and not new:
        return
    pairs: Sequence[tuple[int, int]] = ()
    if len(old) * len(new) > _MOST_COMPARED:
        pairs = _anchors(old, new)
    elif old and new:
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        for kind, old_start, old_end, start, end in matcher.get_opcodes():
            if kind != "equal":
                places = old_row + old_start, old_row + old_end, row + start, row + end
                yield LineChange(*places)
        return
    if not pairs:
        yield LineChange(old_row, old_row + len(old), row, row + len(new))
        return
    at_old = at = 0
    for old_anchor, anchor in (*pairs, (len(old), len(new))):
        parts = old[at_old:old_anchor], new[at:anchor]
        yield from _changes(*parts, old_row + at_old, row + at)
        at_old, at = old_anchor + 1, anchor + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the rows of lines that stand once in both texts: the most that keep their order."""
    once = _single_rows(old), _single_rows(new)
    pairs = [(at, once[1][line]) for line, at in once[0].items() if line in once[1]]
    ends: list[int] = []  # the least last row of a run, by its length
    runs: list[tuple[int, int]] = []  # for each pair: its place in a run, and the pair before it
    tops: list[int] = []
    for number, (_, row) in enumerate(pairs):
        length = bisect_left(ends, row)
        runs.append((length, tops[length - 1] if length else -1))
        ends[length : length + 1] = [row]
        tops[length : length + 1] = [number]
    kept, number = [], tops[-1] if tops else -1
    while number >= 0:
        kept.append(pairs[number])
        number = runs[number][1]
    return kept[::-1]


def _single_rows(lines: Sequence[str]) -> dict[str, int]:
    """Return the rows of the lines that stand once, in their order."""
    counts = Counter(lines)
    return {line: row for row, line in enumerate(lines) if counts[line] == 1}


def change_marks(found: Sequence[LineChange], line_count: int) -> MarkLayer:
    """Return signs for the margin: a bar beside new and changed lines, a mark where some went."""
    signs: dict[int, Sign] = {}
    for change in found:
        style = "added" if change.old_start == change.old_end else "changed"
        signs |= {row: Sign(1, "▎", style) for row in range(change.start, change.end)}
        if change.start == change.end:
            row = min(change.start, line_count - 1)
            signs.setdefault(row, Sign(1, "▔", "removed"))
    return MarkLayer(signs=signs)


def change_rows(
    old: Sequence[str], new: Sequence[str], found: Sequence[LineChange]
) -> list[ChangeRow]:
    """Return the rows of a diff with a few lines around each change."""
    return list(_change_rows(old, new, found))


def _change_rows(
    old: Sequence[str], new: Sequence[str], found: Sequence[LineChange]
) -> Iterator[ChangeRow]:
    shown = 0  # rows of the new text before this one are in the diff, or left out for good
    for number, change in enumerate(found):
        start = max(shown, change.start - _CONTEXT)
        if number == 0 or start > shown:
            yield ChangeRow("head", f"line {change.start + 1:,}", change.start)
        yield from (ChangeRow("same", new[row], row) for row in range(start, change.start))
        for row in range(change.old_start, change.old_end):
            yield ChangeRow("removed", old[row], min(change.start, len(new) - 1))
        yield from (ChangeRow("added", new[row], row) for row in range(change.start, change.end))
        following = found[number + 1].start if number + 1 < len(found) else len(new)
        shown = min(change.end + _CONTEXT, following)
        yield from (ChangeRow("same", new[row], row) for row in range(change.end, shown))
