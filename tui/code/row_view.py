"""The rows in which the lines of a text are drawn: one each, or several where lines are wrapped.

`RowView` replaces the view inside Textual's `TextArea`, which walks the whole text for every
change of size.  Knows nothing of ghost text and no widget.
"""

from bisect import bisect_right
from itertools import accumulate

from textual.document._document import Location
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Offset

from tui.code.cells import cell_of_column, column_of_cell
from tui.code.text_buffer import TextBuffer
from tui.code.wrapping import row_starts

__all__ = ["RowView"]


class RowView(WrappedDocument):
    """The view of a buffer; a width of 0 draws every line as one row.

    Args:
        document: The text; tells the view which lines it replaces.
        width: Cells of a row.
        tab_width: Cells of a tab.
    """

    document: TextBuffer

    def __init__(self, document: TextBuffer, width: int = 0, tab_width: int = 4) -> None:
        self._heights: list[int] = []
        self._tops: list[int] | None = None
        super().__init__(document, width, tab_width)
        document.listeners.append(self._replaced)

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        """Lay all lines out again if the width of rows or of tabs is another one."""
        tab_width = tab_width or self._tab_width
        if (width, tab_width) == (self._width, self._tab_width) and (self._heights or not width):
            return
        self._width, self._tab_width = width, tab_width
        self._heights = self._heights_of(0, self.document.line_count) if width else []
        self._tops = None

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Do nothing: the buffer tells what it replaces."""

    def _replaced(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Lay out the lines from ``start`` to ``new_end``, which were those up to ``old_end``."""
        if not self._width:
            return
        top, old_bottom, new_bottom = start[0], old_end[0], new_end[0]
        heights = self._heights_of(top, new_bottom + 1)
        if heights != self._heights[top : old_bottom + 1]:
            self._tops = None
        self._heights[top : old_bottom + 1] = heights

    def _heights_of(self, top: int, bottom: int) -> list[int]:
        """Return the rows of each line from ``top`` to ``bottom`` - 1."""
        width = self._width
        return [
            1 if cells <= width else 1 + len(self.get_offsets(row))
            for row, cells in enumerate(self.document.widths[top:bottom], top)
        ]

    @property
    def wrapped(self) -> bool:
        """Whether a line takes more than one row."""
        return self.height != self.document.line_count

    @property
    def lines(self) -> list[list[str]]:
        """Every line as the list of its rows."""
        return [self.get_sections(row) for row in range(self.document.line_count)]

    @property
    def height(self) -> int:
        """The number of rows."""
        return self._first_rows()[-1] if self._width else self.document.line_count

    def _first_rows(self) -> list[int]:
        """Return the first row of each line, and last the number of rows."""
        if self._tops is None:
            self._tops = list(accumulate(self._heights, initial=0))
        return self._tops

    def first_row(self, line_index: int) -> int:
        """Return the row in which the line begins."""
        return self._first_rows()[line_index] if self._width else line_index

    def place_of_row(self, row: int) -> tuple[int, int]:
        """Return the line that is drawn in ``row``, and which of its rows that is, from 0."""
        if not self._width:
            return row, 0
        tops = self._first_rows()
        line = min(bisect_right(tops, row) - 1, len(tops) - 2)
        return line, row - tops[line]

    def get_offsets(self, line_index: int) -> list[int]:
        """Return the columns at which the rows of a line after its first begin.

        Raises:
            ValueError: There is no such line.
        """
        if not 0 <= line_index < self.document.line_count:
            raise ValueError(f"line {line_index} of {self.document.line_count} does not exist")
        return list(row_starts(self.document[line_index], self._width, self._tab_width))

    def get_sections(self, line_index: int) -> list[str]:
        """Return the text of each row of a line."""
        line, starts = self.document[line_index], self.get_offsets(line_index)
        return [line[a:b] for a, b in zip([0, *starts], [*starts, len(line)], strict=True)]

    def get_tab_widths(self, line_index: int) -> list[int]:
        """Return the cells that each tab of the line takes."""
        line = self.document[line_index]
        columns = [column for column, character in enumerate(line) if character == "\t"]
        cells = [cell_of_column(line, column, self._tab_width) for column in columns]
        return [self._tab_width - cell % self._tab_width for cell in cells]

    def span(self, line_index: int, section: int) -> tuple[int, int | None]:
        """Return the first cell of its line that a row shows, and how many; None: the rest."""
        if not self._width:
            return 0, None
        line, starts = self.document[line_index], self.get_offsets(line_index)
        bounds = [cell_of_column(line, column, self._tab_width) for column in [0, *starts]]
        left = bounds[section]
        return left, bounds[section + 1] - left if section < len(starts) else None

    def location_to_offset(self, location: Location) -> Offset:
        """Return the cell and row at which ``location`` is drawn."""
        row = max(0, min(location[0], self.document.line_count - 1))
        cell = cell_of_column(self.document[row], location[1], self._tab_width)
        if not self._width:
            return Offset(cell, row)
        section = bisect_right(self.get_offsets(row), location[1])
        return Offset(cell - self.span(row, section)[0], self.first_row(row) + section)

    def offset_to_location(self, offset: Offset) -> Location:
        """Return the location drawn at a cell and row, or the nearest one."""
        line, section = self.place_of_row(max(0, min(offset[1], self.height - 1)))
        return line, self.get_target_document_column(line, offset[0], section)

    def get_target_document_column(self, line_index: int, x_offset: int, y_offset: int) -> int:
        """Return the column drawn at a cell of a row of a line; -1 is its last row."""
        line = self.document[line_index]
        if not self._width:
            return column_of_cell(line, x_offset, self._tab_width)
        starts = [0, *self.get_offsets(line_index), len(line) + 1]
        section = y_offset % (len(starts) - 1)
        left, _ = self.span(line_index, section)
        column = column_of_cell(line, left + max(0, x_offset), self._tab_width)
        return min(max(column, starts[section]), starts[section + 1] - 1)
