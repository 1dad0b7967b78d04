"""A screen to read: a text, or a table of facts, that scrolls; changes nothing."""

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.visible_text import visible
from tui.widgets.theme_inks import inks_of

__all__ = ["ReadingScreen"]


class ReadingScreen(ModalScreen[None]):
    """Shows text that may be anybody's; nothing in it steers the terminal or is markup.

    Args:
        title: A few words for the border.
        text: The text; empty if there are only facts.
        facts: Rows of a label and what is said of it, above the text.
        note: A line below the border's end, beside “Esc closes”.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", show=False),
    ]

    DEFAULT_CSS = """
    ReadingScreen { align: center middle; background: $background 60%; }
    """

    def __init__(
        self, title: str, text: str = "", *, facts: Sequence[tuple[str, str]] = (), note: str = ""
    ) -> None:
        super().__init__()
        self._title = title
        self._facts = facts
        self._text = text
        self._note = note

    def compose(self) -> ComposeResult:
        """Lay out the facts above the text, scrollable by keys."""
        with VerticalScroll(classes="dialog reading") as box:
            box.border_title = self._title
            box.border_subtitle = " · ".join(filter(None, (self._note, "Esc closes")))
            yield Static(self._content())

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def _content(self) -> Group:
        inks = inks_of(self)
        table = Table.grid("label", "said", padding=(0, 2, 0, 0))
        for label, said in self._facts:
            table.add_row(Text(label, style=inks.muted), Text(visible(said), style=inks.text))
        text = Text(visible(self._text, kept="\n\t"), style=inks.text)
        return Group(*([table] if self._facts else []), *([text] if self._text else []))
