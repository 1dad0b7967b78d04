"""The legend of the wafer map: what its colours mean; a click on an entry shows that one alone."""

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static

__all__ = ["MapLegend"]

EntryAt = Callable[[int, int], int | None]
"""Returns the number of the entry at a cell (column, row); None between entries."""


class MapLegend(Static):
    """Three lines of text with entries that can be clicked."""

    DEFAULT_CSS = """
    MapLegend { height: 3; }
    """

    class Chosen(Message):
        """An entry was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entry_at: EntryAt = lambda column, row: None

    def show(self, text: Text, entry_at: EntryAt) -> None:
        """Show a text, and say where its entries are."""
        self._entry_at = entry_at
        self.update(text, layout=False)  # its height is given

    def on_click(self, event: events.Click) -> None:
        """Choose the entry under the mouse."""
        number = self._entry_at(event.x, event.y)
        if number is not None:
            event.stop()
            self.post_message(self.Chosen(number))
