"""A list of rows with a cursor, of which only those in view are drawn."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.visuals.legible import legible
from tui.widgets.theme_inks import inks_of

__all__ = ["ROW_KEYS", "RowList"]

ROW_KEYS = (
    ("up", "move(-1)", "row above", "up"),
    ("down", "move(1)", "row below", "down"),
    ("pageup", "move_page(-1)", "a page up", "page_up"),
    ("pagedown", "move_page(1)", "a page down", "page_down"),
    ("home", "move(-1000000)", "first row", "first"),
    ("end", "move(1000000)", "last row", "last"),
    ("enter", "choose", "open the file there", "open"),
)
"""Key, action, words, and the last part of the action's name; a list gives it its first part."""


class RowList(ScrollView, can_focus=True):
    """Rows of one cell's height; the class built on it says what they are."""

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        & > .row--cursor { background: $block-cursor-background; }
        & > .row--cursor-blurred { background: $block-cursor-blurred-background; }
        &:ansi {
            & > .row--cursor { color: $block-cursor-foreground; }
            & > .row--cursor-blurred { text-style: underline; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row--cursor", "row--cursor-blurred"}

    cursor = 0
    """The row at which keys work."""

    @dataclass
    class Chosen(Message):
        """The person wants to see what a row is about."""

        row_list: "RowList"
        row: int

        @property
        def control(self) -> "RowList":
            """The list."""
            return self.row_list

    @property
    @abstractmethod
    def row_count(self) -> int:
        """The number of rows."""

    @abstractmethod
    def row_text(self, row: int, width: int) -> Text:
        """Return a row in exactly ``width`` cells."""

    @staticmethod
    def keys(part: str) -> list[BindingType]:
        """Return the keys of a list whose actions begin with ``part``."""
        return [
            Binding(key, action, words, id=f"{part}.{name}")
            for key, action, words, name in ROW_KEYS
        ]

    def rows_changed(self) -> None:
        """Draw again after rows came or went."""
        self.cursor = max(0, min(self.cursor, self.row_count - 1))
        self.virtual_size = Size(self.scrollable_content_region.width, self.row_count)
        self.refresh()

    def move_to(self, row: int) -> None:
        """Put the cursor on a row and bring it into view."""
        self.cursor = max(0, min(row, self.row_count - 1))
        height, top = self.scrollable_content_region.height, self.scroll_offset.y
        if not top <= self.cursor < top + height:
            wanted = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=wanted, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view."""
        width, row = self.scrollable_content_region.width, y + self.scroll_offset.y
        if row >= self.row_count:
            return Strip.blank(self.size.width, self.rich_style)
        base = self._base_style(row)
        drawn = self.row_text(row, width).render(self.app.console)
        segments = [
            Segment(each.text, self._laid(each.style or Style(), base, row)) for each in drawn
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _laid(self, style: Style, base: Style, row: int) -> Style:
        """Return a style over the one of its row; text can be read at the cursor, too."""
        if row != self.cursor:
            return base + style
        if style.bgcolor is None and base.color is not None and base.color.triplet is None:
            return base + style + Style(color=base.color)  # the terminal's own, made for each other
        return legible(base + style, inks_of(self).ground)

    def _base_style(self, row: int) -> Style:
        if row != self.cursor:
            return self.rich_style
        name = "row--cursor" if self.has_focus else "row--cursor-blurred"
        return self.rich_style + self.get_component_rich_style(name, partial=True)

    def action_move(self, rows: int) -> None:
        """Move the cursor down by so many rows, or up."""
        self.move_to(self.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by as many rows as are in view."""
        self.move_to(self.cursor + pages * max(1, self.scrollable_content_region.height - 1))

    def action_choose(self) -> None:
        """Say that the cursor's row is chosen."""
        if self.row_count:
            self.post_message(self.Chosen(self, self.cursor))

    async def _on_click(self, event: events.Click) -> None:
        """Choose the row under the pointer."""
        row = event.y + self.scroll_offset.y
        if row < self.row_count:
            self.move_to(row)
            self.action_choose()
