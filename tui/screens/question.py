"""A question with named answers; the answer is returned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

__all__ = ["Answer", "QuestionScreen"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers: its value, its words, and the key that chooses it."""

    value: str
    label: str
    key: str


class QuestionScreen(ModalScreen[str]):
    """Asks; dismissed with the value of the chosen answer.

    Args:
        title: A few words for the border.
        text: What the answers lead to.
        answers: From left to right; the first has the focus.
        escape: Value of the answer that Escape means: one that loses nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "the answer that loses nothing", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, answers: Sequence[Answer], escape: str) -> None:
        super().__init__()
        self._escape = escape
        self._title = title
        self._text = text
        self._answers = tuple(answers)

    def compose(self) -> ComposeResult:
        """Lay out text above buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Text(self._text), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                for answer in self._answers:
                    label = Text.assemble((answer.key, "underline"), " ", answer.label)
                    yield Button(label, id=f"answer-{answer.value}", compact=True)

    def on_mount(self) -> None:
        """Let each answer's key choose it."""
        for answer in self._answers:
            self._bindings.bind(answer.key, f"choose('{answer.value}')", show=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Return the button's answer."""
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def action_choose(self, value: str) -> None:
        """Return the answer whose key was pressed."""
        self.dismiss(value)

    def action_cancel(self) -> None:
        """Return the answer that loses nothing."""
        self.dismiss(self._escape)
