"""A question with a few choices; returns the one that is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from engine.visible_text import visible

__all__ = ["Choice", "QuestionScreen"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the choices: its value, its words, and the key that takes it."""

    value: str
    label: str
    key: str


class QuestionScreen(ModalScreen[str]):
    """Asks; is dismissed with the value of the choice.

    Args:
        title: A few words for the border.
        text: What happened, or what the choices lead to.
        choices: From left to right; the first has the focus.
        escape: Value of the choice that Escape takes: one that loses nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "the choice that loses nothing", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, choices: Sequence[Choice], escape: str) -> None:
        super().__init__()
        self._escape = escape
        self._title = title
        self._text = text
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """Lay out the text above the buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Text(visible(self._text, kept="\n")), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                for choice in self._choices:
                    label = Text.assemble((choice.key, "underline"), " ", choice.label)
                    yield Button(label, id=f"choice-{choice.value}", compact=True)

    def on_mount(self) -> None:
        """Let each choice's key take it."""
        for choice in self._choices:
            self._bindings.bind(choice.key, f"choose('{choice.value}')", show=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Return the button's choice."""
        self.dismiss((event.button.id or "").removeprefix("choice-"))

    def action_choose(self, value: str) -> None:
        """Return the choice whose key was pressed."""
        self.dismiss(value)

    def action_cancel(self) -> None:
        """Return the choice that loses nothing."""
        self.dismiss(self._escape)
