"""Measures text on the screen: converts columns of a line (code points) and cells of a terminal.

Measures `visible` text, which is the text that is drawn.  Knows nothing of styles, other lines or
widgets.  A long line is measured by a `Ruler`, so that a key in it costs the same wherever it ends.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from tui.code.long_lines import LONG, is_simple, measured, ruler_of

__all__ = ["cell_of_column", "cell_offsets", "column_of_cell", "columns_in_view", "line_width"]


def cell_offsets(text: str, tab_width: int) -> Sequence[int]:
    r"""Return the cell at which each column of ``text`` starts, and last the width.

    Columns inside one grapheme (an accent, a joined emoji) start where it ends.

    Example:
        >>> cell_offsets("a\t字b", 4)
        (0, 1, 4, 6, 7)
    """
    return range(len(text) + 1) if is_simple(text) else _measured_offsets(text, tab_width)


@lru_cache(maxsize=256)
def _measured_offsets(text: str, tab_width: int) -> Sequence[int]:
    """Return `cell_offsets` of a text that has tabs, wide or joined characters."""
    return measured(text, 0, tab_width)


def line_width(text: str, tab_width: int) -> int:
    """Return the cells that ``text`` takes from the start of a line."""
    if len(text) > LONG:
        return ruler_of(text, tab_width).width
    return cell_offsets(text, tab_width)[-1]


def cell_of_column(text: str, column: int, tab_width: int) -> int:
    """Return the cell where ``column`` of the line ``text`` starts."""
    column = min(column, len(text))
    if len(text) > LONG:
        return ruler_of(text, tab_width).cell_of_column(column)
    return cell_offsets(text, tab_width)[column]


def column_of_cell(text: str, cell: int, tab_width: int) -> int:
    """Return the column drawn at ``cell``; beyond the end of the line, its length."""
    cell = max(cell, 0)
    if cell >= line_width(text, tab_width):
        return len(text)
    return columns_in_view(text, cell, cell + 1, tab_width)[0]


def columns_in_view(text: str, left: int, right: int, tab_width: int) -> tuple[int, Sequence[int]]:
    r"""Return the columns that draw the cells ``left`` to ``right`` - 1, and where they start.

    Returns:
        The first column, which may start before ``left``, and `cell_offsets` from there on, up to
        the column after the last.  A grapheme is in them whole.  Beyond the end of the line it is
        the line's end alone.

    Example:
        >>> columns_in_view("a\t字b", 2, 5, 4)
        (1, (1, 4, 6))
    """
    if len(text) > LONG:
        start, offsets = ruler_of(text, tab_width).around(left, right)
    else:
        start, offsets = 0, cell_offsets(text, tab_width)
    first = max(0, bisect_right(offsets, left) - 1)
    last = max(first, min(bisect_left(offsets, right), len(offsets) - 1))
    while last + 1 < len(offsets) and offsets[last] == offsets[last + 1]:
        last += 1  # the rest of a grapheme takes no cell of its own
    return start + first, offsets[first : last + 1]
