"""Questions about the code in the app, with an engine that says what a test wants."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine import EngineDown
from engine.protocol.asking import AskReply, Reading, ReadPart
from engine.protocol.messages import Answered, AnswerReading, Ask, Cancel, Failed, PartialText
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_completion
from tui.widgets.ask_answer import AnswerCode, AnswerText, AnswerView
from tui.widgets.ask_pane import AskPane
from tui.widgets.edit_review import EditReview
from tui.widgets.editor import Editor

MakeApp = Callable[..., SparkApp]
GREETING = "package/greeting.py"
PART = ReadPart("package/greeting.py", 1, 12, "open")
ANSWER = """\
It greets **you**, see [this](http://a.b):

```python
def greet(name: str) -> str:
    return "Hi, " + name
```

- one
- two
"""


class Talk:
    """The app and its engine in a conversation."""

    def __init__(self, app: SparkApp, pilot: Pilot[Any], client: FakeClient) -> None:
        self.app, self.pilot, self.client = app, pilot, client

    @property
    def asks(self) -> list[Ask]:
        return [message for message in self.client.sent if isinstance(message, Ask)]

    @property
    def views(self) -> list[AnswerView]:
        return list(self.app.query(AnswerView))

    async def ask(self, question: str = "Why?") -> Ask:
        await self.pilot.press("alt+a")
        if not self.app.query_one(AskPane).has_focus_within:
            await self.pilot.press("alt+a")
        count = len(self.asks)
        await self.pilot.press(*(" " if key == " " else key for key in question), "enter")
        await until(self.pilot, lambda: len(self.asks) > count)
        return self.asks[-1]

    async def say(self, *events: Any) -> None:
        for event in events:
            self.client.on_event(event)
        await settled(self.pilot)

    async def answer(self, ask: Ask, text: str = ANSWER, **changes: Any) -> None:
        await self.say(Answered(ask.request_id, replace(reply(text), **changes)))

    def shown(self, view: int = -1) -> str:
        """What stands around an answer, as text."""
        parts = ("#ask-question", "#ask-sources", "#ask-foot")
        return "\n".join(str(self.views[view].query_one(part).render()) for part in parts)  # type: ignore


def reply(text: str = ANSWER) -> AskReply:
    cost, left_out = demo_completion("x"), ("b.key is private",)
    return AskReply(
        text, "stop", "shown", 0, (PART,), left_out, "m", 9, 0, 9, cost.host, cost.wafer
    )


@pytest.fixture
def talk(make_app: MakeApp, client: FakeClient) -> Callable[..., Any]:
    @asynccontextmanager
    async def begin(
        *, able: bool = True, file: str | None = GREETING, size: tuple[int, int] = (120, 40)
    ) -> AsyncIterator[Talk]:
        app = make_app(file)
        async with app.run_test(size=size) as pilot:
            await until(pilot, client.started.is_set)
            await until(pilot, lambda: file is None or app.editor is not None)
            client.ready(follows_instructions=able)
            await settled(pilot)
            yield Talk(app, pilot, client)

    return begin


async def test_a_question_goes_with_the_file_and_the_cursor(talk: Any, repository: Path) -> None:
    async with talk() as one:
        one.app.editor.go_to(9, 1)
        request = (await one.ask("What is greet?")).request
        assert (request.question, request.path, request.line) == ("What is greet?", GREETING, 9)
        assert request.text.startswith('"""Say hello."""')
        assert (request.first, request.earlier) == (0, ())
        assert request.repository == str(repository)


async def test_the_selection_goes_along(talk: Any) -> None:
    async with talk() as one:
        one.app.editor.go_to(9, 1)
        await one.pilot.press("shift+down", "shift+down")
        request = (await one.ask()).request
        assert (request.first, request.last) == (9, 10)


async def test_an_answer_grows_and_says_what_was_read_and_what_it_took(talk: Any) -> None:
    async with talk() as one:
        ask = await one.ask("What is it?")
        assert "looking through the repository" in one.shown()
        reading = Reading((PART,), ("b.key is private",), 1071)
        await one.say(AnswerReading(ask.request_id, reading))
        assert "package/greeting.py:1-12 (open)" in one.shown()
        assert "left out: b.key is private" in one.shown()
        assert "reading 1 071 tokens" in one.shown()
        for end in range(1, len(ANSWER), 9):
            one.client.on_event(PartialText(ask.request_id, ANSWER[:end]))
            await one.pilot.pause(0.001)
        await until(one.pilot, lambda: len(one.app.query(AnswerCode)) == 1)
        await one.answer(ask)
        assert one.app.query_one(AnswerText).source == ANSWER
        assert one.app.query_one(AnswerCode).code.endswith('return "Hi, " + name')
        assert "host " in one.shown()
        assert "cycles/token" in one.shown()
        assert "0.85 GHz" in one.shown()


async def test_blocks_that_stay_are_not_made_again(talk: Any) -> None:
    async with talk() as one:
        ask = await one.ask()
        await one.say(PartialText(ask.request_id, "First.\n\nSecond."))
        first = one.app.query_one(AnswerText).children[0]
        await one.say(PartialText(ask.request_id, "First.\n\nSecond. Third.\n\nFourth."))
        assert one.app.query_one(AnswerText).children[0] is first
        assert len(one.app.query_one(AnswerText).children) == 3


async def test_a_follow_up_sends_what_was_said(talk: Any) -> None:
    async with talk() as one:
        await one.answer(await one.ask("Who?"))
        (turn,) = (await one.ask("Why?")).request.earlier
        assert (turn.question, turn.answer, turn.asked) == ("Who?", ANSWER, "shown")


async def test_escape_stops_the_answer_and_then_leaves(talk: Any) -> None:
    async with talk() as one:
        ask = await one.ask()
        await one.say(PartialText(ask.request_id, "It is"))
        await one.pilot.press("escape")
        await settled(one.pilot)
        assert Cancel(ask.request_id) in one.client.sent
        assert "stopped" in one.shown()
        assert one.app.query_one(AskPane).has_focus_within
        await one.answer(ask, "It is", finish_reason="cancelled")
        assert "cycles/token" in one.shown()
        await one.pilot.press("escape")
        assert isinstance(one.app.focused, Editor)


async def test_an_answer_that_never_comes_can_be_stopped_and_asked_again(talk: Any) -> None:
    async with talk() as one:
        first = await one.ask("Who?")
        second = await one.ask("Why?")
        assert Cancel(first.request_id) in one.client.sent
        await one.answer(first, "late")  # of a question that nobody waits for any more
        await one.answer(second, "Because.")
        assert [view.turn.answer for view in one.views] == ["", "Because."]


@pytest.mark.parametrize("gone", [True, False], ids=["process", "request"])
async def test_an_error_is_the_answer(talk: Any, gone: bool) -> None:
    async with talk() as one:
        ask = await one.ask()
        failure = EngineDown("killed", True) if gone else Failed(ask.request_id, "too long: killed")
        await one.say(failure)
        assert "killed" in one.shown()
        await one.pilot.press("up")
        assert one.app.focused.value == "Why?"


async def test_a_model_that_only_completes_names_those_that_can(talk: Any) -> None:
    async with talk(able=False) as one:
        await one.pilot.press("alt+a", "W", "enter")
        await until(one.pilot, lambda: one.views and one.views[0].turn.ended)
        await settled(one.pilot)
        assert not one.asks
        assert "only completes" in one.shown()
        assert "qwen2.5-coder-0.5b" in one.shown()


async def test_a_private_file_is_not_sent(talk: Any) -> None:
    async with talk(file=".env") as one:
        request = (await one.ask()).request
        assert (request.path, request.text) == (".env", "")


async def test_a_question_without_a_file(talk: Any) -> None:
    async with talk(file=None) as one:
        assert (await one.ask()).request.path == ""


async def test_code_is_inserted_at_the_cursor_in_one_step(talk: Any) -> None:
    async with talk() as one:
        await one.answer(await one.ask())
        before = one.app.editor.text
        one.app.editor.go_to(8, 1)
        await one.pilot.press("tab")
        assert isinstance(one.app.focused, AnswerCode)
        await one.pilot.press("i")
        assert isinstance(one.app.focused, Editor)
        assert 'def greet(name: str) -> str:\n    return "Hi, " + name' in one.app.editor.text
        await one.pilot.press("ctrl+z")
        assert one.app.editor.text == before


async def test_the_way_to_code_is_told_where_there_is_code(talk: Any) -> None:
    async with talk() as one:
        hint = one.app.query_one(AskPane).query_one("#ask-hint")
        await one.answer(await one.ask(), "No code.")
        assert "Tab" not in str(hint.render())
        await one.answer(await one.ask())
        await until(one.pilot, lambda: "Tab code" in str(hint.render()))


async def test_code_is_applied_as_a_change_of_what_it_names(talk: Any) -> None:
    async with talk() as one:
        await one.answer(await one.ask())
        before = one.app.editor.text
        await one.pilot.press("tab", "a")
        await until(one.pilot, lambda: one.app.query(EditReview))
        assert one.app.editor.text == before
        await one.pilot.press("enter")
        await settled(one.pilot)
        expected = 'def greet(name: str) -> str:\n    return "Hi, " + name\n\n\ndef main()'
        assert expected in one.app.editor.text
        await one.pilot.press("ctrl+z")
        assert one.app.editor.text == before


async def test_code_of_no_place_says_so_and_changes_nothing(talk: Any) -> None:
    async with talk() as one:
        await one.answer(await one.ask(), "```\nnothing = like_it\n```")
        before = one.app.editor.text
        await one.pilot.press("tab", "a")
        await settled(one.pilot)
        assert one.app.editor.text == before
        assert not one.app.query(EditReview)
        assert any("i inserts the code" in note.message for note in one.app._notifications)


async def test_code_is_copied(talk: Any) -> None:
    async with talk() as one:
        await one.answer(await one.ask())
        await one.pilot.press("tab", "c")
        assert one.app.clipboard.endswith('return "Hi, " + name')
        await one.pilot.press("escape")
        assert one.app.focused.id == "ask-input"


async def test_the_conversation_survives_the_app_and_is_forgotten_on_request(
    talk: Any, make_app: MakeApp
) -> None:
    async with talk() as one:
        await one.answer(await one.ask("Who?"))
        cost = one.views[0].turn.reply
        assert cost is not None
    async with talk() as two:
        await two.pilot.press("alt+a")
        await until(two.pilot, lambda: two.views)
        await settled(two.pilot)
        assert "Who?" in two.shown()
        assert "cycles/token" in two.shown()
        assert two.app.query_one(AnswerText).source == ANSWER
        (turn,) = (await two.ask("Why?")).request.earlier
        assert (turn.question, turn.asked) == ("Who?", "")
        two.app.action_clear_conversation()
        await until(two.pilot, lambda: not two.views)
        await settled(two.pilot)
    async with talk() as three:
        await three.pilot.press("alt+a")
        await settled(three.pilot)
        assert not three.views


async def test_an_app_that_ends_during_an_answer_keeps_the_question(talk: Any) -> None:
    async with talk() as one:
        await one.ask("Who?")
        await settled(one.pilot)
    async with talk() as two:
        await two.pilot.press("alt+a")
        await until(two.pilot, lambda: two.views)
        assert "the app ended before" in two.views[0].turn.note


HOSTILE = "[bold]x[/bold] \x1b]0;title\x07 [link=http://a.b]y[/link] \u202e[@click=app.quit]z[/]\n"


async def test_nothing_of_an_answer_drives_the_app(talk: Any) -> None:
    async with talk() as one:
        ask = await one.ask("[@click=app.quit]q[/]")
        part = ReadPart("[red]\x1b[2Ja.py", 1, 1, "similar")
        text = f"{HOSTILE}\n# {HOSTILE}\n- {HOSTILE}\n```{HOSTILE}\n{HOSTILE}```\n> {HOSTILE}"
        await one.answer(ask, text, parts=(part,), left_out=(HOSTILE,), model=HOSTILE)
        picture = one.app.export_screenshot()
        assert "\x1b" not in picture
        assert "\x07" not in picture
        plain = picture.replace("&#160;", " ")
        assert "[bold]x[/bold]" in plain
        assert "[@click=app.quit]z[/]" in plain
        for block in one.app.query(AnswerText).first().walk_children():
            styles = [span.style for span in getattr(block.render(), "spans", ())]
            assert not any(getattr(style, "meta", None) for style in styles)


async def test_a_small_terminal_shows_one_part_at_a_time(talk: Any) -> None:
    async with talk(size=(60, 20)) as one:
        await one.pilot.press("alt+a")
        assert not one.app.deck.display
        await one.pilot.press("escape")
        assert one.app.deck.display
        assert isinstance(one.app.focused, Editor)


async def test_f3_shows_the_conversation_among_the_panes(talk: Any) -> None:
    async with talk() as one:
        pane = one.app.query_one(AskPane)
        assert not pane.display
        for _ in one.app.pane_modes:
            if pane.display:
                break
            await one.pilot.press("f3")
        assert pane.display
        await one.pilot.press("f3")
        assert not pane.display


async def test_a_statement_is_explained(talk: Any) -> None:
    async with talk() as one:
        one.app.editor.go_to(6, 8)
        one.app.action_explain()
        await until(one.pilot, lambda: one.asks)
        request = one.asks[0].request
        assert request.question.startswith("Explain this code")
        assert (request.first, request.last) == (6, 6)
        assert one.app.query_one(AskPane).display
