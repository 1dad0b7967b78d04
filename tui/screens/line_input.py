"""Asks for one line of text; Enter returns it, Escape returns None."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.visible_text import visible

__all__ = ["LineInputScreen"]


class LineInputScreen(ModalScreen[str | None]):
    """Asks for a path or a number.

    Args:
        title: A few words for the border.
        value: What stands in the line at first.
        check: Returns what is wrong with a text, for a person; empty if nothing is.
        hint: What may be typed, while the line is empty.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
    ]

    def __init__(self, title: str, value: str, check: Callable[[str], str], hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._check = check
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Lay out the line above the complaint about it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "Enter goes on  Esc closes"
            yield Input(self._value, placeholder=self._hint, compact=True, select_on_focus=False)
            yield Static(classes="dialog-problem")

    def on_input_changed(self) -> None:
        """Forget an old complaint."""
        self.query_one(".dialog-problem", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the text, or say what is wrong with it."""
        problem = self._check(event.value)
        if problem:
            self.query_one(".dialog-problem", Static).update(Content(visible(problem)))
        else:
            self.dismiss(event.value)
