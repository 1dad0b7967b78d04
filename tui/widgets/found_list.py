"""The list of what a search through files found: one row of the screen for each file and match.

Draws the rows in view only; moves its cursor and says when a row is chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.search.found_rows import FoundRows
from tui.search.in_files import FoundMatch
from tui.visuals.found_text import found_row_text
from tui.widgets.theme_inks import inks_of

__all__ = ["FoundList"]


class FoundList(ScrollView, can_focus=True):
    """Rows of files and matches, with a cursor."""

    DEFAULT_CSS = """
    FoundList {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        & > .found--cursor { background: $block-cursor-background; }
        & > .found--cursor-blurred { background: $block-cursor-blurred-background; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"found--cursor", "found--cursor-blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open the file there", id="found.open"),
        Binding("space", "tick", "replace it, or leave it", id="found.tick"),
        Binding("up", "move(-1)", "row above", id="found.up"),
        Binding("down", "move(1)", "row below", id="found.down"),
        Binding("left", "move_file(-1)", "file above", id="found.file_up"),
        Binding("right", "move_file(1)", "file below", id="found.file_down"),
        Binding("pageup", "move_page(-1)", "a page up", id="found.page_up"),
        Binding("pagedown", "move_page(1)", "a page down", id="found.page_down"),
        Binding("home", "move(-1000000)", "first row", id="found.first"),
        Binding("end", "move(1000000)", "last row", id="found.last"),
    ]

    @dataclass
    class Chosen(Message):
        """The person wants to see a row's place in its file."""

        row: int

    def __init__(self) -> None:
        super().__init__(id="found")
        self.found = FoundRows()
        self.cursor = 0
        self.replacement_of: Callable[[FoundMatch], str] | None = None
        """What would stand in place of a match; None while nothing is to be replaced."""

    def show(self, found: FoundRows) -> None:
        """Show another search's rows from the top."""
        self.found, self.cursor = found, min(1, max(0, len(found) - 1))
        self.scroll_to(0, 0, animate=False)
        self.grown()

    def grown(self) -> None:
        """Show rows that came."""
        if self.cursor == 0 and len(self.found) > 1:
            self.cursor = 1  # the first match, not its file
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.found))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view."""
        width, number = self.scrollable_content_region.width, y + self.scroll_offset.y
        if number >= len(self.found):
            return Strip.blank(self.size.width, self.rich_style)
        row = self.found[number]
        new = None
        if self.replacement_of is not None:
            new = self.replacement_of(row.match) if row.match is not None else ""
        text = found_row_text(row, new, width, inks_of(self))
        base = self._base_style(number)
        segments = [
            Segment(each.text, base + (each.style or Style()))
            for each in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _base_style(self, number: int) -> Style:
        if number != self.cursor:
            return self.rich_style
        name = "found--cursor" if self.has_focus else "found--cursor-blurred"
        return self.rich_style + self.get_component_rich_style(name, partial=True)

    # ── the cursor ──────────────────────────────────────────────────────────────────────────

    def action_move(self, rows: int) -> None:
        """Move the cursor down by so many rows, or up."""
        self._move_to(self.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by as many rows as are in view."""
        self._move_to(self.cursor + pages * max(1, self.scrollable_content_region.height - 1))

    def action_move_file(self, files: int) -> None:
        """Move the cursor to the next file, or to the one before."""
        self._move_to(self.found.next_file(self.cursor, files))

    def action_choose(self) -> None:
        """Say that the cursor's row is chosen."""
        if len(self.found):
            self.post_message(self.Chosen(self.cursor))

    def action_tick(self) -> None:
        """Tick the cursor's row, or take the tick away, where something is to be replaced."""
        if self.replacement_of is not None and len(self.found):
            self.found.toggle(self.cursor)
            self.refresh()

    async def _on_click(self, event: events.Click) -> None:
        """Choose the row under the pointer."""
        row = event.y + self.scroll_offset.y
        if row < len(self.found):
            self._move_to(row)
            self.action_choose()

    def _move_to(self, row: int) -> None:
        self.cursor = max(0, min(row, len(self.found) - 1))
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if not top <= self.cursor < top + height:
            wanted = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=wanted, animate=False)
        self.refresh()
