"""Lays out the line at the cursor with ghost text in it: the rows that it takes on the screen.

Ghost text is never cut: what is wider than the view goes on in the next row, which moves the lines
below down.  Pure; when ghost text comes and goes, and its style, are for the editor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tui.code.cells import cell_of_column, column_of_cell
from tui.code.wrapping import row_starts

__all__ = ["BlockRow", "GhostBlock"]


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One row of the screen: a stretch of a line with ghost text in it."""

    text: str
    """The line of the text with the ghost's first line in it, or another line of the ghost."""
    in_text: bool
    """Whether it is a line of the text."""
    start: int
    """The first column of ``text`` that it shows."""
    left: int
    """The cell of ``text`` at the left edge of the view."""
    cells: int | None
    """Cells up to where the next row begins; None: to the edge of the view."""
    ghost_start: int = 0
    """Characters of the ghost before those in ``text``."""


@dataclass(frozen=True)
class GhostBlock:
    """The rows of one line of the text with ghost text, or with the room that it had."""

    line: int
    """Index of the line."""
    text: str
    column: int
    """The cursor, where the ghost begins."""
    ghost: str
    top: int
    """Row of the view, from the start of the text, in which the line begins."""
    natural: int
    """Rows that the line takes without ghost text."""
    width: int
    """Cells of a row."""
    left: int
    """First cell in view, where lines are not wrapped."""
    tab_width: int
    wrapped: bool
    """Whether lines of the text are wrapped as well."""
    room: int = 0
    """Empty rows below, where ghost text was a moment ago."""

    @cached_property
    def rows(self) -> tuple[BlockRow, ...]:
        """The rows from top to bottom."""
        first, *others = self.ghost.split("\n")
        shown = f"{self.text[: self.column]}{first}{self.text[self.column :]}"
        rows = list(self._rows_of(shown, True, self._first_starts(shown, len(first))))
        before = len(first) + 1
        for other in others:
            rows += self._rows_of(other, False, self._starts(other, 0, len(other)), before)
            before += len(other) + 1
        empty = BlockRow("", False, 0, 0, None)
        return (*rows, *[empty] * self.room)

    @property
    def extra(self) -> int:
        """Rows that the block takes beyond those of its line."""
        return len(self.rows) - self.natural

    def row_at(self, screen_row: int) -> BlockRow | None:
        """Return the block's row that is drawn ``screen_row`` rows down; None if it is outside."""
        index = screen_row - self.top
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def row_of_view(self, screen_row: int) -> int:
        """Return the row of the text that is drawn outside of the block, ``screen_row`` down."""
        return screen_row if screen_row < self.top else screen_row - self.extra

    def column_at(self, row: BlockRow, cell: int) -> int:
        """Return the column of the line that is drawn at ``cell`` of ``row``; its end on a ghost.

        A cell of the ghost's first line is the cursor's.
        """
        if not row.in_text:
            return len(self.text)
        within = max(0, cell) if row.cells is None else min(max(0, cell), row.cells - 1)
        shown = column_of_cell(row.text, row.left + within, self.tab_width)
        ghost = len(self.ghost.split("\n", 1)[0])
        return shown if shown <= self.column else max(self.column, shown - ghost)

    def ghost_at(self, row: BlockRow, cell: int) -> int | None:
        """Return the number of the ghost's character at ``cell`` of ``row``; None if none is."""
        place = column_of_cell(row.text, row.left + max(0, cell), self.tab_width)
        if place >= len(row.text):
            return None
        if not row.in_text:
            return row.ghost_start + place
        first = len(self.ghost.split("\n", 1)[0])
        return place - self.column if self.column <= place < self.column + first else None

    def _first_starts(self, shown: str, ghost: int) -> tuple[int, ...]:
        """Return where the line with the ghost is broken; only for the ghost if nothing wraps."""
        if self.wrapped:
            return row_starts(shown, self.width, self.tab_width)
        cell = cell_of_column(self.text, self.column, self.tab_width)
        if not ghost or not self.left <= cell < self.left + self.width:
            return ()  # the person scrolled the cursor out of view
        return self._starts(shown, self.column, self.column + ghost)

    def _starts(self, text: str, first: int, until: int) -> tuple[int, ...]:
        left = 0 if self.wrapped else self.left
        return row_starts(text, self.width, self.tab_width, left=left, first=first, until=until)

    def _rows_of(
        self, text: str, in_text: bool, starts: tuple[int, ...], before: int = 0
    ) -> Iterator[BlockRow]:
        """Yield the rows of one line that is broken at ``starts``."""
        left, begin = 0 if self.wrapped else self.left, 0
        for start in starts:
            cell = cell_of_column(text, start, self.tab_width)
            yield BlockRow(text, in_text, begin, left, cell - left, before)
            left, begin = cell, start
        yield BlockRow(text, in_text, begin, left, None, before)
