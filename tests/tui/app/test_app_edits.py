"""Edits by instruction in the app: asked for, streamed, decided, applied, stopped and refused."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual import events
from textual.pilot import Pilot

from engine import EngineDown
from engine.protocol.editing import EditTurn
from engine.protocol.messages import Cancel, Failed, PartialText, Rewrite, Rewritten
from tests.tui.app.conftest import GREETING as TEXT
from tests.tui.app.fakes import FakeClient, demo_edit, until
from tui.app import SparkApp
from tui.settings import EditSettings, Settings
from tui.widgets.edit_review import EditReview

MakeApp = Callable[..., SparkApp]
SIZE = (110, 26)
GREETING = "package/greeting.py"
BODY = ['    """Return a greeting."""', '    return f"Hello, {name}!"']
"""Lines 5 and 6."""


class Desk:
    """The app with a file open, and what is said to it."""

    def __init__(self, app: SparkApp, client: FakeClient, pilot: Pilot[Any]) -> None:
        self.app, self.client, self.pilot = app, client, pilot

    @property
    def asked(self) -> list[Rewrite]:
        return [message for message in self.client.sent if isinstance(message, Rewrite)]

    @property
    def review(self) -> EditReview | None:
        found = self.app.query(EditReview)
        return found.first() if found else None

    @property
    def text(self) -> str:
        assert self.app.editor is not None
        return self.app.editor.text

    def said(self) -> str:
        """The line about the edit."""
        assert self.review is not None
        return str(self.review._words.render())

    def rows(self) -> list[str]:
        """What is drawn of the file, with signs."""
        assert self.review is not None
        view = self.review.view
        return [view.render_line(y).text.rstrip() for y in range(len(view.document.lines))]

    async def ask(self, instruction: str) -> None:
        await self.pilot.press("alt+e")
        await until(self.pilot, lambda: self.review and self.review.line.has_focus)
        assert self.review is not None
        self.review.line.value = instruction
        count = len(self.asked)
        await self.pilot.press("enter")
        await until(self.pilot, lambda: len(self.asked) > count)

    async def say(self, *texts: str) -> None:
        for text in texts:
            self.client.on_event(PartialText(self.asked[-1].request_id, text))
            await self.pilot.pause()

    async def finish(self, text: str, refused: str | None = None) -> None:
        self.client.on_event(Rewritten(self.asked[-1].request_id, demo_edit(text, refused)))
        await self.pilot.pause()

    async def gone(self) -> None:
        await until(self.pilot, lambda: self.review is None)


@pytest.fixture
def desk(make_app: MakeApp, client: FakeClient) -> Any:
    @asynccontextmanager
    async def open_desk(
        line: int = 6, *, path: str = GREETING, able: bool = True, **options: Any
    ) -> AsyncIterator[Desk]:
        app = make_app(path, line=line, **options)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.editor and client.started.is_set())
            await until(pilot, lambda: app.status.view.line == line)
            client.ready(follows_instructions=able)
            await pilot.pause()
            yield Desk(app, client, pilot)

    return open_desk


async def test_an_edit_is_asked_for_streams_is_accepted_and_taken_back(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Say goodbye.")
        request = d.asked[0].request
        assert (request.path, request.text, request.first, request.last) == (GREETING, TEXT, 6, 6)
        assert request.instruction == "Say goodbye."
        await d.say('    return f"Good')
        assert d.text == TEXT  # nothing is changed before it is accepted
        assert any("Good" in row for row in d.rows())
        assert "Esc stops" in d.said()
        await d.finish('    return f"Goodbye, {name}!"')
        assert [row.strip() for row in d.rows()[5:7]] == [
            '-▌    return f"Hello, {name}!"', '6+▌    return f"Goodbye, {name}!"'
        ]  # fmt: skip
        assert "1 change" in d.said()
        await d.pilot.press("tab")
        await d.gone()
        assert d.text == TEXT.replace("Hello", "Goodbye")
        assert d.app.editor.has_focus
        await d.pilot.press("ctrl+z")
        assert d.text == TEXT
        await d.pilot.press("ctrl+y")
        assert d.text == TEXT.replace("Hello", "Goodbye")


async def test_what_is_edited_is_the_selection_the_statement_or_the_file(desk: Any) -> None:
    async with desk(5) as d:
        for place, lines in (((5, 0), (6, 6)), ((3, 0), (4, 6)), ((1, 0), (1, 11))):
            d.app.editor.move_cursor(place)
            await d.ask("Do it.")
            assert (d.asked[-1].request.first, d.asked[-1].request.last) == lines
            await d.pilot.press("escape")
            await d.gone()
        d.app.editor.move_cursor((4, 2))
        d.app.editor.move_cursor((6, 0), select=True)
        await d.ask("Do it.")
        assert (d.asked[-1].request.first, d.asked[-1].request.last) == (5, 6)


async def test_each_change_is_accepted_or_rejected(desk: Any) -> None:
    async with desk(9) as d:
        await d.ask("Rename.")
        body = ["def main() -> int:", *TEXT.split("\n")[9:10], "        print(greet(name.title()))"]
        await d.finish("\n".join(body))
        assert "2 changes" in d.said()
        await d.pilot.press("n")
        assert "2 changes, 1 open" in d.said()
        await d.pilot.press("y")
        await d.gone()
        assert d.text == TEXT.replace("print(greet(name))", "print(greet(name.title()))")


async def test_all_that_is_open_is_accepted_at_once_and_an_accepted_change_survives_esc(
    desk: Any,
) -> None:
    async with desk(9) as d:
        new = "def main() -> int:\n" + TEXT.split("\n")[9] + "\n        print(name)"
        half = TEXT.replace("main() -> None", "main() -> int")
        for key, expected in (
            ("enter", half.replace("greet(name))", "name)")),
            ("escape", half),
        ):
            await d.ask("Change both.")
            await d.finish(new)
            if key == "escape":
                await d.pilot.press("tab")
            await d.pilot.press(key)
            await d.gone()
            assert d.text == expected
            await d.pilot.press("ctrl+z")
            assert d.text == TEXT


async def test_one_goes_from_change_to_change(desk: Any) -> None:
    async with desk(9) as d:
        await d.ask("Change both.")
        await d.finish("def main() -> int:\n" + TEXT.split("\n")[9] + "\n        print(name)")
        view = d.review.view
        assert view.hunk == 0
        await d.pilot.press("alt+down")
        assert view.hunk == 1
        await d.pilot.press("alt+down")
        assert view.hunk == 0
        await d.pilot.press("alt+up")
        assert view.hunk == 1


async def test_esc_stops_what_is_written_and_keeps_nothing(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        await d.say("    x", "    x = 1\n    y")
        number = d.asked[0].request_id
        await d.pilot.press("escape")
        await d.gone()
        assert Cancel(number) in d.client.sent
        d.client.on_event(PartialText(number, "late"))
        d.client.on_event(Rewritten(number, demo_edit("late")))
        await d.pilot.pause()
        assert d.text == TEXT
        assert d.review is None
        assert not d.app.editor.modified


async def test_a_second_instruction_steers_what_is_being_written(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Say goodbye.")
        await d.say("    return 1")
        await d.ask("No, in French.")
        first, second = d.asked
        assert Cancel(first.request_id) in d.client.sent
        assert second.request.earlier == (EditTurn("Say goodbye.", "    return 1"),)
        assert second.request.instruction == "No, in French."
        d.client.on_event(Rewritten(first.request_id, demo_edit("of the first")))
        await d.finish("    return 2")
        await d.pilot.press("enter")
        await d.gone()
        assert "    return 2\n" in d.text


async def test_esc_in_a_second_instruction_goes_back_to_the_edit(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        await d.pilot.press("alt+e", "x", "escape")
        assert d.review is not None
        assert d.review.view.has_focus
        await d.finish("    return 2")
        await d.pilot.press("tab")
        await d.gone()
        assert "    return 2\n" in d.text


async def test_earlier_instructions_come_back(desk: Any) -> None:
    async with desk() as d:
        for instruction in ("First.", "Second."):
            await d.ask(instruction)
            await d.pilot.press("escape")
            await d.gone()
        await d.pilot.press("alt+e")
        await until(d.pilot, lambda: d.review and d.review.line.has_focus)
        seen = []
        for key in ("up", "up", "up", "down", "down"):
            await d.pilot.press(key)
            seen.append(d.review.line.value)
        assert seen == ["Second.", "First.", "First.", "Second.", ""]


async def test_a_refusal_shows_its_reason_and_can_be_asked_again(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Break it.")
        await d.finish("    return (", "the file would no longer parse: '(' was never closed")
        assert "no edit: the file would no longer parse" in d.said()
        await d.pilot.press("tab", "enter")  # there is nothing to accept
        assert d.text == TEXT
        await d.ask("Close the bracket.")
        assert d.asked[-1].request.earlier[0].answer == "    return ("
        d.client.on_event(Failed(d.asked[-1].request_id, "12 lines are too many; select fewer"))
        await d.pilot.pause()
        assert "12 lines are too many" in d.said()
        await d.pilot.press("escape")
        await d.gone()


async def test_an_engine_that_dies_ends_the_writing_with_the_reason(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        d.client.on_event(EngineDown("the engine process was killed", retrying=True))
        await d.pilot.pause()
        assert "killed" in d.said()
        await d.pilot.press("escape")
        await d.gone()
        await d.pilot.press("alt+e")
        await until(d.pilot, lambda: "still starting" in notices(d.app))


def notices(app: SparkApp) -> str:
    return " ".join(str(notice.message) for notice in app._notifications)


async def test_a_model_that_only_completes_is_said_with_those_that_can(desk: Any) -> None:
    async with desk(able=False) as d:
        await d.pilot.press("alt+e")
        await until(d.pilot, lambda: "only completes" in notices(d.app))
        assert "qwen2.5-coder-0.5b" in notices(d.app)
        assert d.review is None


async def test_a_private_file_and_no_file_are_refused_in_words(
    desk: Any, make_app: MakeApp, client: FakeClient
) -> None:
    async with desk(1, path=".env") as d:
        await d.pilot.press("alt+e")
        await until(d.pilot, lambda: "private" in notices(d.app))
        await d.pilot.press("f6")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("alt+e")
        await until(pilot, lambda: "open a file first" in notices(app))


async def test_an_edit_ends_when_another_file_is_shown(desk: Any, repository: Path) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        await d.say("    return 1")
        d.app.open_path(repository / "notes.md")
        await d.gone()
        assert "nothing was changed" in notices(d.app)
        assert d.app.editor.text.startswith("# Notes")
        await until(d.pilot, lambda: d.app.editor.has_focus)


async def test_a_text_that_changed_meanwhile_is_left_alone(desk: Any, repository: Path) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        await d.finish("    return 1")
        d.app.editor.load("other = 1\n", path=GREETING)
        await d.pilot.press("enter")
        await d.gone()
        assert d.text == "other = 1\n"
        assert "changed meanwhile" in notices(d.app)


async def test_keys_that_would_type_change_nothing_while_an_edit_is_shown(desk: Any) -> None:
    async with desk() as d:
        await d.ask("Do it.")
        await d.finish("    return 1")
        shown = d.review.view.text
        await d.pilot.press("x", "backspace", "ctrl+z", "ctrl+y", "ctrl+x", "ctrl+k")
        assert d.review.view.text == shown
        assert d.text == TEXT


ANSWERS = st.text(st.sampled_from("ab \t\n\"'()=\x1b[é字"), max_size=60)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nothing_outside_the_lines_ever_changes(data: st.DataObject, make_app: MakeApp) -> None:
    """Whatever the engine says, in pieces, late or never, and whatever keys are pressed."""
    pieces = data.draw(st.lists(ANSWERS, max_size=4))
    last = data.draw(st.one_of(st.none(), ANSWERS))
    refused = data.draw(st.one_of(st.none(), st.just("no")))
    some_keys = st.sampled_from(["tab", "n", "y", "enter", "alt+down", "down"])
    keys = data.draw(st.lists(some_keys, max_size=6))
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory() as folder:
        patched.setenv("SPARK_STATE_DIR", folder)  # what an example leaves is not offered to others
        asyncio.run(_any_edit(make_app, pieces, last, refused, keys))


async def _any_edit(
    make_app: MakeApp,
    pieces: Sequence[str],
    last: str | None,
    refused: str | None,
    keys: Sequence[str],
) -> None:
    client = FakeClient()
    app = make_app(GREETING, line=5, make_client=client.listen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.started.is_set())
        await until(pilot, lambda: app.status.view.line == 5)
        client.ready(follows_instructions=True)
        await pilot.pause()
        assert app.editor is not None
        app.editor.move_cursor((4, 0))
        app.editor.move_cursor((5, 3), select=True)
        d = Desk(app, client, pilot)
        await d.ask("Do it.")
        await d.say(*pieces)
        if last is not None:
            await d.finish(last, refused)
        for key in [*keys, "escape"]:
            if d.review is not None:  # else they are the editor's
                await pilot.press(key)
        await d.gone()
        before, after = TEXT.split("\n"), d.text.split("\n")
        assert after[:4] == before[:4]
        assert after[-6:] == before[-6:]
        if last is None or refused is not None:
            assert d.text == TEXT
        if app.editor.modified:
            await pilot.press("ctrl+z")
            assert d.text == TEXT


# ── prepared instructions and comments ──────────────────────────────────────────────────────


async def test_prepared_instructions_are_in_the_palette_with_the_persons_own(desk: Any) -> None:
    own = Settings(edits=EditSettings(instructions={"Simplify": "Make it shorter."}))
    async with desk(settings=own) as d:
        commands = {name: run for name, _, run in d.app.edit_commands()}
        assert {"Edit: Write a docstring", "Edit: Write a test", "Edit: Simplify"} <= set(commands)
        commands["Edit: Simplify"]()
        await until(d.pilot, lambda: d.asked)
        assert d.asked[0].request.instruction == "Make it shorter."
        commands["Edit: Write a docstring"]()  # steers, as any further instruction
        await until(d.pilot, lambda: len(d.asked) == 2)
        assert "docstring" in d.asked[1].request.instruction


async def test_a_traceback_is_pasted_whole(desk: Any) -> None:
    async with desk() as d:
        commands = {name: run for name, _, run in d.app.edit_commands()}
        commands["Edit: Fix this error"]()
        await until(d.pilot, lambda: d.review and d.review.line.has_focus)
        assert d.review.line.value == "Fix this error: "
        d.review.line.post_message(events.Paste('File "a.py", line 2\n  1/0\n\nZeroDivision\x1b'))
        await until(d.pilot, lambda: "ZeroDivision" in d.review.line.value)
        assert "\x1b" not in d.review.line.value
        await d.pilot.press("enter")
        await until(d.pilot, lambda: d.asked)
        assert d.asked[0].request.instruction == (
            'Fix this error: File "a.py", line 2\n  1/0\nZeroDivision␛'
        )
        await d.pilot.press("escape")
        await d.gone()
        d.app.edits.fix("NameError: x\n")
        await until(d.pilot, lambda: len(d.asked) == 2)
        assert d.asked[1].request.instruction == "Fix this error:\nNameError: x"


async def test_the_key_asks_about_more_lines_while_nothing_is_asked(desk: Any) -> None:
    async with desk(6) as d:
        said = ["edit line 6", "edit lines 4–6", "edit lines 1–11", "edit lines 1–11"]
        await d.pilot.press("alt+e")
        for words in said:
            await until(d.pilot, lambda: d.review and d.review.line.has_focus)
            assert words in d.said()
            await d.pilot.press("x", "alt+e")
            await d.pilot.pause()
        assert d.review.line.value == "xxxx"
        await d.pilot.press("enter")
        await until(d.pilot, lambda: d.asked)
        assert (d.asked[0].request.first, d.asked[0].request.last) == (1, 11)


async def test_a_traceback_is_mended_where_it_points(desk: Any) -> None:
    error = 'Fix this error: File "package/greeting.py", line 6, in greet ⏎ TypeError'
    async with desk(1) as d:
        await d.ask(error)  # at the head of the file
        request = d.asked[0].request
        assert (request.first, request.last) == (4, 6)
        assert request.instruction == error.replace(" ⏎ ", "\n")
        await d.pilot.press("escape")
        await d.gone()
        assert d.app.editor.cursor_location == (3, 0)
        d.app.editor.move_cursor((8, 0))
        d.app.editor.move_cursor((9, 0), select=True)
        await d.ask(error)  # what a person selected stays
        assert (d.asked[1].request.first, d.asked[1].request.last) == (9, 9)


async def test_a_long_instruction_stays_readable(desk: Any) -> None:
    async with desk() as d:
        await d.pilot.press("alt+e")
        await until(d.pilot, lambda: d.review and d.review.line.has_focus)
        d.review.line.value = "word " * 60
        await d.pilot.press("end")
        await d.pilot.pause()
        x, y, _, _ = d.review.line.region
        row = d.app.screen._compositor.render_strips()[y].crop(x).text
        assert "word word" in row


async def test_a_comment_that_ends_in_ai_is_offered_on_enter_once(desk: Any) -> None:
    async with desk(9) as d:
        d.app.editor.move_cursor((8, 27))
        await d.pilot.press(*"  # sort them AI!")
        assert not d.asked
        await d.pilot.press("enter")
        await until(d.pilot, lambda: d.asked)
        request = d.asked[0].request
        assert request.instruction == "sort them"
        assert "AI!" not in request.text
        await d.finish("def main() -> None:\n    print('sorted')")
        await d.pilot.press("enter")
        await d.gone()
        assert "AI!" not in d.text
        assert "    print('sorted')\n" in d.text
        await d.pilot.press("ctrl+z")
        assert "# sort them AI!" in d.text
        d.app.editor.move_cursor(d.app.editor.document.end)
        await d.pilot.press("ctrl+s")
        await d.pilot.pause()
        assert len(d.asked) == 1


async def test_a_comment_that_ends_in_ai_is_offered_on_save(desk: Any) -> None:
    async with desk(5) as d:
        d.app.editor.load(TEXT.replace("def main", "# take names AI!\ndef main"), path=GREETING)
        await d.pilot.press("ctrl+s")
        await until(d.pilot, lambda: d.asked)
        request = d.asked[0].request
        assert (request.instruction, request.first, request.text) == ("take names", 9, TEXT)
        await d.pilot.press("escape")
        await d.gone()
        assert "# take names AI!" in d.text
