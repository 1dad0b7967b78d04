"""Breaks a line that is wider than the view into rows.  Pure; knows no other line and no widget.

A row shows a stretch of cells of its line, so tabs stand where they would in an unbroken line.
"""

from functools import lru_cache

from tui.code.cells import cell_of_column, column_of_cell, line_width
from tui.code.long_lines import is_simple

__all__ = ["row_starts"]


@lru_cache(maxsize=512)
def row_starts(
    text: str,
    width: int,
    tab_width: int,
    *,
    left: int = 0,
    first: int = 0,
    until: int | None = None,
) -> tuple[int, ...]:
    """Return the column at which each row of ``text`` after the first begins.

    A row ends after a space where its second half has one, and never inside a character.  The space
    itself may be one cell too many: it goes under the cursor's cell or out of view.

    Args:
        text: The line.
        width: Cells of a row; below 1 there is no second row.
        tab_width: Cells between tab stops.
        left: The first cell that the first row shows.
        first: The first column that may begin a row.
        until: The column from which on the text may run out of view; None: all of it is shown.

    Example:
        >>> row_starts("one two three", 8, 4)
        (8,)
        >>> row_starts("字字字", 3, 4)
        (1, 2)
    """
    stop = len(text) if until is None else min(until, len(text))
    starts: list[int] = []
    begin, limit = column_of_cell(text, left, tab_width) if left else 0, left + width
    while width > 0 and _end_cell(text, stop, tab_width) > limit:
        end = max(_column_at(text, limit, tab_width), begin + 1, first)
        if end >= stop:
            break
        begin = _after_space(text, max(begin + 1, first), begin, end)
        starts.append(begin)
        limit = cell_of_column(text, begin, tab_width) + width
    return tuple(starts)


def _end_cell(text: str, stop: int, tab_width: int) -> int:
    """Return the cell after the column before ``stop``."""
    if stop >= len(text):
        return line_width(text, tab_width)
    return stop if is_simple(text) else cell_of_column(text, stop, tab_width)


def _column_at(text: str, cell: int, tab_width: int) -> int:
    """Return the first column that is not wholly before ``cell``."""
    return min(cell, len(text)) if is_simple(text) else column_of_cell(text, cell, tab_width)


def _after_space(text: str, lowest: int, begin: int, end: int) -> int:
    """Return where the row from ``begin`` ends: after its last space, else at ``end``."""
    if text[end] == " " and end + 1 < len(text):
        return end + 1
    space = text.rfind(" ", max(lowest, begin + (end - begin) // 2), end)
    return end if space < 0 else space + 1
