"""Where a question is asked, as the engine takes it: the file's text near the cursor.  Pure."""

from collections.abc import Sequence

from engine.protocol.asking import TEXT_CHARACTERS
from tui.assist.conversation import AskedFrom

__all__ = ["asked_from", "selected_lines"]

Location = tuple[int, int]
"""Row and column, from 0."""


def selected_lines(start: Location, end: Location) -> tuple[int, int]:
    """Return the first and last selected line, from 1; (0, 0) where nothing is selected.

    A line of which only the beginning belongs to the selection, before its first character, is
    none of them.
    """
    (first, _), (last, column) = first_and_last = sorted((start, end))
    if first_and_last[0] == first_and_last[1]:
        return 0, 0
    return first + 1, last if column == 0 and last > first else last + 1


def asked_from(
    path: str, lines: Sequence[str], cursor: Location, selected: tuple[int, int]
) -> AskedFrom:
    """Return where a question is asked; of a long text with the lines near the cursor alone.

    Args:
        path: The file, as the model reads it.
        lines: All of its lines.
        cursor: Where the cursor stands.
        selected: The selected lines, as `selected_lines` gives them.
    """
    row = cursor[0]
    top, bottom = (selected[0] - 1, selected[1] - 1) if selected[0] else (row, row)
    first, last = _near(lines, top, bottom)
    text = "\n".join(lines[first : last + 1])
    return AskedFrom(path, text, first + 1, row + 1, *selected)


def _near(lines: Sequence[str], top: int, bottom: int) -> tuple[int, int]:
    """Return the first and last row around some rows that fit into what may be sent."""
    room = TEXT_CHARACTERS - sum(len(lines[row]) + 1 for row in range(top, bottom + 1))
    first, last = top, bottom
    grows = True
    while grows:
        grows = False
        if first > 0 and (size := len(lines[first - 1]) + 1) <= room:
            first, room, grows = first - 1, room - size, True
        if last + 1 < len(lines) and (size := len(lines[last + 1]) + 1) <= room:
            last, room, grows = last + 1, room - size, True
    return first, last
