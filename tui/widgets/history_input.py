"""A line of text with a history: Up and Down bring earlier entries back.  Keeps nothing itself."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from engine.visible_text import visible
from tui.assist.edit_instructions import LINE_BREAK

__all__ = ["HistoryInput"]


class HistoryInput(Input):
    """An input line that can show what was entered before.

    Args:
        earlier: Earlier entries, the oldest first; read whenever a key asks for one.
        placeholder: Words that stand in the empty line.
        id: As for any widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier", "Earlier entry", show=False),
        Binding("down", "later", "Later entry", show=False),
    ]

    def __init__(
        self, earlier: Sequence[str], *, placeholder: str = "", id: str | None = None
    ) -> None:
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=False, id=id)
        self._earlier = earlier
        self._back = 0  # entries before the line that is being written
        self._begun = ""  # what was typed before the first one was shown

    def start(self, value: str = "") -> None:
        """Begin a new line."""
        self._back, self._begun = 0, ""
        self._put(value)

    def action_earlier(self) -> None:
        """Show the entry before."""
        if self._back < len(self._earlier):
            if not self._back:
                self._begun = self.value
            self._back += 1
            self._put(self._earlier[-self._back])

    def action_later(self) -> None:
        """Show the entry after, and last what was being typed."""
        if self._back:
            self._back -= 1
            self._put(self._earlier[-self._back] if self._back else self._begun)

    def _on_paste(self, event: events.Paste) -> None:
        """Insert all lines of what is pasted, with a sign where one ends."""
        event.prevent_default()
        event.stop()
        lines = [line.rstrip() for line in visible(event.text, kept="\n").split("\n")]
        self.replace(LINE_BREAK.join(filter(None, lines)), *self.selection)

    def _put(self, value: str) -> None:
        self.value = value
        self.cursor_position = len(value)
