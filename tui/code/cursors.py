"""Moves places in a text along with an edit elsewhere in it, and merges what meets.  Pure."""

from collections.abc import Iterable, Sequence

from textual.document._document import Location, Selection

__all__ = ["merged", "next_match", "shifted"]


def shifted(place: Location, top: Location, bottom: Location, end: Location) -> Location:
    """Return ``place`` after the text from ``top`` to ``bottom`` gave way to one up to ``end``.

    Example:
        >>> shifted((0, 5), (0, 1), (0, 2), (0, 4)), shifted((2, 3), (0, 0), (1, 0), (0, 0))
        ((0, 7), (1, 3))
    """
    if place <= top:
        return place
    if place < bottom:
        return end
    row, column = place
    if row == bottom[0]:
        column += end[1] - bottom[1]
    return row + end[0] - bottom[0], column


def merged(selections: Iterable[Selection]) -> list[Selection]:
    """Return selections in order, those that overlap or coincide as one."""
    found: list[Selection] = []
    for each in sorted(selections, key=sorted):
        if found and _meet(found[-1], each):
            (top, bottom), (_, last) = sorted(found[-1]), sorted(each)
            backwards = each.end < each.start
            low, high = top, max(bottom, last)
            found[-1] = Selection(high, low) if backwards else Selection(low, high)
        else:
            found.append(each)
    return found


def _meet(before: Selection, after: Selection) -> bool:
    last, first = max(before), min(after)
    return first < last or (first == last and (before.is_empty or after.is_empty))


def next_match(lines: Sequence[str], text: str, after: Location) -> Selection | None:
    """Return where ``text``, which has no newline, stands next, from the start again at the end."""
    row, column = after
    count = len(lines)
    for step in range(count + 1):
        here = (row + step) % count
        found = lines[here].find(text, column if step == 0 else 0)
        if found >= 0:
            return Selection((here, found), (here, found + len(text)))
    return None
