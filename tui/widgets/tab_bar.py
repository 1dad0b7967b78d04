"""The row of open files above the editor; hidden while there is only one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from tui.visuals.tab_text import Tab, TabRow, tab_row
from tui.widgets.theme_inks import inks_of

__all__ = ["TabBar"]

_MIDDLE = 2
"""Number of the mouse button that closes a tab."""


class TabBar(Widget):
    """Names of the open files; a click shows one, a click with the middle button closes it."""

    DEFAULT_CSS = """
    TabBar { height: 1; background: $panel; }
    """

    @dataclass
    class Chosen(Message):
        """The person wants to see a file."""

        number: int
        """Of the tabs shown."""

    @dataclass
    class CloseWanted(Message):
        """The person wants to close a file."""

        number: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False
        self._tabs: tuple[Tab, ...] = ()
        self._current = -1

    def show_tabs(self, tabs: Sequence[Tab], current: int) -> None:
        """Show these files; ``current`` is the number of the visible one."""
        if (tuple(tabs), current) != (self._tabs, self._current):
            self._tabs, self._current = tuple(tabs), current
            self.display = len(tabs) > 1
            self.refresh()

    def render(self) -> Text:
        """Return the part of the row that fits."""
        return self._row().text

    def _row(self) -> TabRow:
        return tab_row(self._tabs, self._current, self.size.width, inks_of(self))

    def on_click(self, event: events.Click) -> None:
        """Show or close the file that was clicked."""
        number = self._row().at(event.x)
        if number is not None:
            wanted = self.CloseWanted if event.button == _MIDDLE else self.Chosen
            self.post_message(wanted(number))
