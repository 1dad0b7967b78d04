"""One line of text: what is wrong with it is said below it until it changes."""

from textual.app import App
from textual.widgets import Input, Static

from tui.screens.line_input import LineInputScreen


class Asking(App[None]):
    """Asks for a word without an x at once, and keeps the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str | None] = []

    def on_mount(self) -> None:
        screen = LineInputScreen("new file", "src/", lambda text: "no x" if "x" in text else "")
        self.push_screen(screen, self.answers.append)

    def problem(self) -> str:
        return str(self.screen.query_one(".dialog-problem", Static).render())


async def test_an_empty_line_says_what_may_be_typed_and_which_keys_there_are() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        app.push_screen(LineInputScreen("go to line", "", str, "line, or line:column"))
        await pilot.pause()
        assert app.screen.query_one(Input).placeholder == "line, or line:column"
        assert app.screen.query_one(".dialog").border_subtitle == "Enter goes on  Esc closes"


async def test_typing_goes_on_behind_what_stands_there() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press("a", "b", "enter")
        await pilot.pause()
        assert app.answers == ["src/ab"]


async def test_a_wrong_text_stays_with_a_complaint_that_goes_with_the_next_key() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press("x", "enter")
        assert app.problem() == "no x"
        assert app.screen.query_one(Input).value == "src/x"
        assert app.answers == []
        await pilot.press("backspace")
        assert app.problem() == ""
        await pilot.press("y", "enter")
        await pilot.pause()
        assert app.answers == ["src/y"]


async def test_escape_is_no_answer() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press("x", "escape")
        await pilot.pause()
        assert app.answers == [None]
