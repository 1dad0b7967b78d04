"""A table in plain text: columns that line up, two spaces between them, nothing drawn."""

from collections.abc import Sequence

from rich.cells import cell_len

__all__ = ["word_table"]

Row = Sequence[str]


def word_table(head: Row, rows: Sequence[Row]) -> str:
    """Return lines for a heading and its rows: the first column to the left, others to the right.

    Example:
        >>> print(word_table(("state", "share"), [("idle", "61.9%"), ("vector", "2.0%")]))
        state   share
        idle    61.9%
        vector   2.0%
    """
    every = [head, *rows]
    widths = [max(cell_len(row[column]) for row in every) for column in range(len(head))]
    return "\n".join(_line(row, widths) for row in every)


def _line(row: Row, widths: Sequence[int]) -> str:
    gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
    cells = [row[0] + gaps[0], *(gap + cell for gap, cell in zip(gaps[1:], row[1:], strict=True))]
    return "  ".join(cells).rstrip()
