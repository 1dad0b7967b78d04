"""A small box with what a name means, and what is wrong with its line.

Any key but those that scroll takes it away.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.visible_text import visible
from tui.widgets.theme_inks import inks_of

__all__ = ["HoverScreen", "Meaning"]

_WIDTH = 72
_HEIGHT = 14


class Meaning(NamedTuple):
    """What a name means."""

    title: str
    """Its full name and kind."""
    head: str
    """Its signatures."""
    text: str
    """Its documentation; empty if it has none."""


class HoverScreen(ModalScreen[None]):
    """Shows a few lines near the cursor.

    Args:
        meaning: What the name at the cursor means.
        problems: What is wrong in the cursor's line, stated first.
        near: The cell of the screen beside which to show it.
    """

    DEFAULT_CSS = f"""
    HoverScreen > VerticalScroll {{
        width: {_WIDTH};
        max-width: 96%;
        height: auto;
        max-height: {_HEIGHT};
        border: round $primary;
        background: $panel;
        padding: 0 1;
    }}
    HoverScreen Static {{ height: auto; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "up", id="hover.up"),
        Binding("down", "scroll(1)", "down", id="hover.down"),
        Binding("pageup", "scroll(-10)", "a page up", id="hover.page_up"),
        Binding("pagedown", "scroll(10)", "a page down", id="hover.page_down"),
        Binding("escape,enter", "dismiss", "close", id="hover.close"),
    ]

    def __init__(self, meaning: Meaning, problems: Sequence[str], near: Offset) -> None:
        super().__init__()
        self._meaning = meaning
        self._problems = problems
        self._near = near

    def compose(self) -> ComposeResult:
        """Lay out problems, signature and documentation."""
        with VerticalScroll(can_focus=False) as box:  # the keys of this screen scroll it
            box.border_title = Content(visible(self._meaning.title))
            box.border_subtitle = "↑ ↓ scroll  Esc closes"
            if self._problems:
                said = "\n".join(f"● {visible(each)}" for each in self._problems)
                yield Static(Text(said, style=inks_of(self).caution))
            text = Text(visible(self._meaning.head, kept="\n"), style="bold")
            if self._meaning.text.strip():
                documented = visible(self._meaning.text.strip(), kept="\n")
                text.append("\n\n" + documented, style="not bold")
            if text and self._problems:
                yield Static()
            if text:
                yield Static(text)

    def on_resize(self) -> None:
        """Stand below the cursor, or above it where there is no room."""
        box = self.query_one(VerticalScroll)
        _, head, text = self._meaning
        lines = head.count("\n") + text.count("\n") + len(self._problems) + 6
        lines = min(_HEIGHT, lines)
        below = self._near.y + 1
        room = self.size.height - below
        y = below if room >= lines else max(0, self._near.y - lines)
        x = max(0, min(self._near.x, self.size.width - _WIDTH - 1))
        box.styles.offset = (x, y)

    def on_key(self, event: events.Key) -> None:
        """Close at any other key."""
        if event.key not in {"up", "down", "pageup", "pagedown", "escape", "enter"}:
            event.stop()
            self.dismiss()

    def on_click(self) -> None:
        """Close at a click."""
        self.dismiss()

    def action_scroll(self, rows: int) -> None:
        """Scroll by some rows."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)
