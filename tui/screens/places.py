"""A list of places in files, of which the person chooses one."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from engine.visible_text import visible
from tui.search.found_rows import FoundRow, FoundRows
from tui.search.in_files import FoundFile
from tui.widgets.found_list import FoundList

__all__ = ["PlacesScreen"]


class PlacesScreen(ModalScreen[FoundRow | None]):
    """Shows places by file; is dismissed with the row that is chosen.

    Args:
        title: What they are.
        files: The files and the places in them.
    """

    DEFAULT_CSS = """
    PlacesScreen > Vertical {
        width: 96%;
        max-width: 120;
        max-height: 80%;
        border: round $primary;
        background: $panel;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back to the editor", id="places.close"),
    ]

    def __init__(self, title: str, files: Iterable[FoundFile]) -> None:
        super().__init__()
        self._title = title
        self._found = FoundRows()
        for file in files:
            self._found.add(file)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical() as box:
            box.styles.height = len(self._found) + 2  # and its border
            box.border_title = Content(visible(self._title))
            box.border_subtitle = "Enter opens  Esc closes"
            yield FoundList()

    def on_mount(self) -> None:
        """Show the places."""
        rows = self.query_one(FoundList)
        rows.show(self._found)
        rows.focus()

    def on_row_list_chosen(self, event: FoundList.Chosen) -> None:
        """Return the chosen row."""
        event.stop()
        self.dismiss(self._found[event.row])
