"""Measures text on the screen: converts columns of a line (code points) and cells of a terminal.

Measures `visible` text, which is the text that is drawn.  Knows nothing of styles, other lines or
widgets.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import split_graphemes

from engine.visible_text import visible

__all__ = ["cell_of_column", "cell_offsets", "column_of_cell", "line_width"]


def _is_simple(text: str) -> bool:
    """Return whether every character of ``text`` is itself, one cell wide."""
    return text.isascii() and text.isprintable()


def cell_offsets(text: str, tab_width: int) -> Sequence[int]:
    r"""Return the cell at which each column of ``text`` starts, and last the width.

    Columns inside one grapheme (an accent, a joined emoji) start where it ends.

    Example:
        >>> cell_offsets("a\t字b", 4)
        (0, 1, 4, 6, 7)
    """
    if _is_simple(text):
        return range(len(text) + 1)
    return _measured_offsets(text, tab_width)


@lru_cache(maxsize=256)
def _measured_offsets(text: str, tab_width: int) -> tuple[int, ...]:
    """Return `cell_offsets` of a text that has tabs, wide or joined characters."""
    offsets: list[int] = []
    cell = 0
    for number, part in enumerate(text.split("\t")):
        if number:
            offsets.append(cell)
            cell += tab_width - cell % tab_width
        for start, end, width in split_graphemes(visible(part))[0]:
            offsets.append(cell)
            cell += width
            offsets.extend([cell] * (end - start - 1))
    offsets.append(cell)
    return tuple(offsets)


def line_width(text: str, tab_width: int) -> int:
    """Return the cells that ``text`` takes from the start of a line."""
    return len(text) if _is_simple(text) else _measured_offsets(text, tab_width)[-1]


def cell_of_column(text: str, column: int, tab_width: int) -> int:
    """Return the cell where ``column`` of the line ``text`` starts."""
    column = min(column, len(text))
    return column if _is_simple(text) else _measured_offsets(text, tab_width)[column]


def column_of_cell(text: str, cell: int, tab_width: int) -> int:
    """Return the column drawn at ``cell``; beyond the end of the line, its length."""
    if _is_simple(text):
        return max(0, min(cell, len(text)))
    offsets = _measured_offsets(text, tab_width)
    if cell >= offsets[-1]:
        return len(text)
    return bisect_right(offsets, max(cell, 0)) - 1
