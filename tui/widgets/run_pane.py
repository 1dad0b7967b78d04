"""The pane below the editor with what a program says; lines that name a place lead there."""

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from engine.visible_text import visible
from tui.running.output import Output
from tui.widgets.row_list import RowList
from tui.widgets.theme_inks import inks_of

__all__ = ["OutputList", "RunPane"]


class OutputList(RowList):
    """The lines of a program's output."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *RowList.keys("output"),
        Binding("escape", "close", "close the pane; stops the program", id="output.close"),
        Binding("f", "fix", "hand the last error to an edit", id="output.fix"),
    ]

    class Closed(Message):
        """The person is done with the output."""

    class FixAsked(Message):
        """The person wants the last error mended."""

    def __init__(self) -> None:
        super().__init__()
        self.output = Output()

    @property
    def row_count(self) -> int:
        """The number of lines."""
        return len(self.output.lines)

    def row_text(self, row: int, width: int) -> Text:
        """Return a line in exactly ``width`` cells."""
        line, inks = self.output.lines[row], inks_of(self)
        text = Text(visible(line, kept="\t").expandtabs(4), style=Style(color=inks.text), end="")
        if line.lstrip().startswith('File "'):
            text.stylize(Style(underline=True))
        text.truncate(width, overflow="ellipsis", pad=True)
        return text

    def action_close(self) -> None:
        """Say that the person is done."""
        self.post_message(self.Closed())

    def action_fix(self) -> None:
        """Ask for the last error to be mended."""
        self.post_message(self.FixAsked())


class RunPane(Vertical):
    """A title and the output below it."""

    DEFAULT_CSS = """
    RunPane {
        height: 40%;
        min-height: 5;
        max-height: 16;
        border-top: solid $border;
        border-title-color: $foreground 80%;
        &:focus-within { border-top: solid $primary 70%; }
    }
    """

    _said = ("", "", "")

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield OutputList()

    @property
    def rows(self) -> OutputList:
        """The lines."""
        return self.query_one(OutputList)

    def begin(self, output: Output) -> None:
        """Show another program's output."""
        self.rows.output = output
        self.rows.cursor = 0
        self.grown()

    def say(self, title: str, *, here: str, elsewhere: str) -> None:
        """Say what runs, and which keys there are while the keyboard is here, and is not."""
        self._said = title, here, elsewhere
        self._title()

    def on_descendant_focus(self) -> None:
        """Name the keys that work in the lines."""
        self._title()

    def on_descendant_blur(self) -> None:
        """Name the key that leads there."""
        self._title()

    def _title(self) -> None:
        title, here, elsewhere = self._said
        keys = here if self.rows.has_focus else elsewhere
        self.border_title = Content(f"{visible(title)} — {keys}")

    def grown(self) -> None:
        """Show lines that came; the last one stays in view unless the person went up."""
        rows = self.rows
        at_end = rows.scroll_offset.y + rows.size.height + 1 >= rows.virtual_size.height
        rows.rows_changed()
        if at_end:
            rows.cursor = max(0, rows.row_count - 1)
            rows.scroll_end(animate=False)
