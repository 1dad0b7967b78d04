"""A question is answered by key, by arrow and Enter, by mouse, or by Escape that loses nothing."""

import pytest
from textual.app import App
from textual.widgets import Button

from tui.screens.question import Choice, QuestionScreen

CHOICES = (Choice("save", "Save", "s"), Choice("discard", "Discard", "d"), Choice("no", "No", "n"))


class Asking(App[None]):
    """Asks at once, and keeps the answer."""

    answer: str | None = None

    def __init__(self, text: str = "It was changed.") -> None:
        super().__init__()
        self._text = text

    def on_mount(self) -> None:
        question = QuestionScreen("unsaved changes", self._text, CHOICES, escape="no")
        self.push_screen(question, self.answered)

    def answered(self, answer: str | None) -> None:
        self.answer = answer


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["s"], "save"),
        (["d"], "discard"),
        (["n"], "no"),
        (["escape"], "no"),
        (["enter"], "save"),
        (["right", "enter"], "discard"),
        (["right", "right", "left", "enter"], "discard"),
        (["tab", "tab", "enter"], "no"),
    ],
    ids=" ".join,
)
async def test_keys(keys: list[str], answer: str) -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answer == answer
        assert len(app.screen_stack) == 1


async def test_another_key_answers_nothing() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press("x", "y", "down")
        assert isinstance(app.screen, QuestionScreen)
        assert app.answer is None


async def test_the_mouse_takes_what_it_clicks() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.click("#choice-discard")
        await pilot.pause()
        assert app.answer == "discard"


async def test_names_with_brackets_are_shown_as_they_are() -> None:
    """A file may be called so; markup would hide a part of its name."""
    app = Asking("[bold]odd[/x].py was changed")
    async with app.run_test():
        shown = str(app.screen.query_one(".dialog-text").render())
        assert shown == "[bold]odd[/x].py was changed"
        labels = [str(button.label) for button in app.screen.query(Button)]
        assert labels == ["s Save", "d Discard", "n No"]
