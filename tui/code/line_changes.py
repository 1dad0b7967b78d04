"""What differs between two texts, line by line: changes, signs of the margin, rows of a diff."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from tui.code.line_marks import MarkLayer, Sign

__all__ = ["ChangeRow", "LineChange", "change_marks", "change_rows", "changes_of"]

_MOST_COMPARED = 400_000
"""Lines times lines; of more, all between the first and the last difference counts as changed."""
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
    """Return where two texts differ."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_rest, new_rest = old[head : len(old) - tail], new[head : len(new) - tail]
    if not old_rest and not new_rest:
        return []
    if len(old_rest) * len(new_rest) > _MOST_COMPARED:
        return [LineChange(head, len(old) - tail, head, len(new) - tail)]
    matcher = SequenceMatcher(None, old_rest, new_rest, autojunk=False)
    return [
        LineChange(head + old_start, head + old_end, head + start, head + end)
        for kind, old_start, old_end, start, end in matcher.get_opcodes()
        if kind != "equal"
    ]


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
