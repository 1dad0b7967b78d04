"""The list of what a search through files found: one row of the screen for each file and match."""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from tui.search.found_rows import FoundRows
from tui.search.in_files import FoundMatch
from tui.visuals.found_text import found_row_text
from tui.widgets.row_list import RowList
from tui.widgets.theme_inks import inks_of

__all__ = ["FoundList"]


class FoundList(RowList):
    """Rows of files and matches; matches can be ticked where they are to be replaced."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *RowList.keys("found"),
        Binding("space", "tick", "replace it, or leave it", id="found.tick"),
        Binding("left", "move_file(-1)", "file above", id="found.file_up"),
        Binding("right", "move_file(1)", "file below", id="found.file_down"),
    ]

    def __init__(self) -> None:
        super().__init__(id="found")
        self.found = FoundRows()
        self.replacement_of: Callable[[FoundMatch], str] | None = None
        """What would stand in place of a match; None while nothing is to be replaced."""

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return len(self.found)

    def row_text(self, row: int, width: int) -> Text:
        """Return a row in exactly ``width`` cells."""
        found, new = self.found[row], None
        if self.replacement_of is not None:
            new = self.replacement_of(found.match) if found.match is not None else ""
        return found_row_text(found, new, width, inks_of(self))

    def show(self, found: FoundRows) -> None:
        """Show another search's rows from the top."""
        self.found, self.cursor = found, 0
        self.scroll_to(0, 0, animate=False)
        self.grown()

    def grown(self) -> None:
        """Show rows that came."""
        if self.cursor == 0:
            self.cursor = 1  # the first match, not its file
        self.rows_changed()

    def action_move_file(self, files: int) -> None:
        """Move the cursor to the next file, or to the one before."""
        self.move_to(self.found.next_file(self.cursor, files))

    def action_tick(self) -> None:
        """Tick the cursor's row, or take the tick away, where something is to be replaced."""
        if self.replacement_of is not None and self.row_count:
            self.found.toggle(self.cursor)
            self.refresh()
