"""What differs in a file from the last commit, as a diff of which the person chooses a place."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from engine.visible_text import visible
from tui.code.line_changes import ChangeRow
from tui.visuals.inks import Inks
from tui.widgets.row_list import RowList
from tui.widgets.theme_inks import inks_of

__all__ = ["ChangeList", "ChangesScreen"]

_SIGNS = {"head": "", "same": "  ", "added": "+ ", "removed": "- "}


class ChangeList(RowList):
    """The rows of a diff."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *RowList.keys("diff"),
        Binding("right,n", "move_hunk(1)", "next change", id="diff.next"),
        Binding("left,p", "move_hunk(-1)", "change before", id="diff.previous"),
    ]

    def __init__(self, rows: Sequence[ChangeRow]) -> None:
        super().__init__()
        self.rows = rows

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def row_text(self, row: int, width: int) -> Text:
        """Return a row in exactly ``width`` cells."""
        each = self.rows[row]
        shown = visible(each.text, kept="\t").expandtabs(4)
        text = Text(f"{_SIGNS[each.kind]}{shown}", style=_ink(each, inks_of(self)), end="")
        text.truncate(width, overflow="ellipsis", pad=True)
        return text

    def action_move_hunk(self, step: int) -> None:
        """Move the cursor to the next change, or to the one before."""
        heads = [number for number, each in enumerate(self.rows) if each.kind == "head"]
        if step > 0:
            self.move_to(next((each for each in heads if each > self.cursor), self.cursor))
        else:
            self.move_to(next((each for each in reversed(heads) if each < self.cursor), 0))


class ChangesScreen(ModalScreen[int | None]):
    """Shows a diff; is dismissed with the row of the file that is chosen.

    Args:
        title: The file, and what it is compared with.
        rows: The diff.
    """

    DEFAULT_CSS = """
    ChangesScreen > Vertical {
        width: 96%;
        height: 90%;
        border: round $primary;
        background: $panel;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back to the editor", id="changes.close"),
    ]

    def __init__(self, title: str, rows: Sequence[ChangeRow]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Lay out the diff."""
        with Vertical() as box:
            box.border_title = Content(visible(self._title))
            box.border_subtitle = "Enter goes there  ← → change  Esc closes"
            yield ChangeList(self._rows)

    def on_mount(self) -> None:
        """Show the rows."""
        rows = self.query_one(ChangeList)
        rows.rows_changed()
        rows.focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Return the row of the file."""
        event.stop()
        self.dismiss(self._rows[event.row].row)


def _ink(row: ChangeRow, inks: Inks) -> str:
    return {"head": inks.muted, "same": inks.text, "added": inks.good, "removed": inks.bad}[
        row.kind
    ]
