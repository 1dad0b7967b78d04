"""The X-ray in the app: by key and by click, played on the map, asked for only while it is seen."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Static

from engine.protocol.messages import (
    AnswerWave,
    AnswerXray,
    Cancel,
    Complete,
    Completed,
    CoreAsked,
    Failed,
    LookInto,
    Simulating,
)
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_completion, demo_ready, demo_wave, demo_xray
from tui.screens.core import CoreScreen
from tui.settings import Settings, SuggestionSettings
from tui.widgets.wafer_map import WaferMap
from tui.widgets.xray_pane import XrayPane

MakeApp = Callable[..., SparkApp]
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
XRAY = demo_xray(answer=5)


class Looking:
    """The app, its engine, and what is looked into."""

    def __init__(self, app: SparkApp, pilot: Pilot[Any], client: FakeClient) -> None:
        self.app, self.pilot, self.client = app, pilot, client

    @property
    def pane(self) -> XrayPane:
        return self.app.query_one(XrayPane)

    @property
    def asked(self) -> list[LookInto]:
        return [message for message in self.client.sent if isinstance(message, LookInto)]

    @property
    def drawn(self) -> str:
        return self.pane.render().plain

    async def suggest(self, text: str = XRAY.text, answer: int = 5) -> None:
        """Have a suggestion come, as the person asks for one."""
        before = len(self._completes)
        await self.pilot.press("ctrl+l")
        await until(self.pilot, lambda: len(self._completes) > before)
        completion = replace(demo_completion(text), answer=answer)
        self.client.on_event(Completed(self._completes[-1].request_id, completion))
        await settled(self.pilot)

    @property
    def _completes(self) -> list[Complete]:
        return [message for message in self.client.sent if isinstance(message, Complete)]

    async def say(self, event: Any) -> None:
        self.client.on_event(event)
        await settled(self.pilot)

    async def opened(self) -> None:
        """Look into the suggestion by its key."""
        await self.pilot.press("alt+x")
        await until(self.pilot, lambda: bool(self.asked))
        await self.say(AnswerXray(self.asked[-1].request_id, XRAY))


@pytest.fixture
def looking(make_app: MakeApp, client: FakeClient) -> Callable[..., Any]:
    @asynccontextmanager
    async def begin(size: tuple[int, int] = (160, 44)) -> AsyncIterator[Looking]:
        app = make_app("package/greeting.py", settings=AT_ONCE)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.editor is not None and client.started.is_set())
            client.ready()
            await settled(pilot)
            app.editor.go_to(8, 1)
            yield Looking(app, pilot, client)

    return begin


async def test_a_key_looks_into_the_suggestion_and_leads_back(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        assert not one.asked  # nobody looks
        await one.opened()
        assert (one.asked[-1].answer, one.asked[-1].token) == (5, None)
        assert one.pane.has_focus
        assert "token 1 of 11  “return”" in one.drawn
        await one.pilot.press("right", "right", "right")
        assert "token 4 of 11  “ len”" in one.drawn
        await one.pilot.press("end", "left")
        assert "token 10 of 11  “ x”" in one.drawn
        assert one.app.editor.ghost == XRAY.text  # beside what made it
        await one.pilot.press("escape")
        assert one.app.editor.has_focus
        await one.pilot.press("tab")
        assert XRAY.text in one.app.editor.text


async def test_f3_shows_the_pane_with_the_keyboard_first_and_leads_back_to_it(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("f3")
        await settled(one.pilot)
        assert one.pane.has_focus
        assert not one.app.deck.display
        await one.pilot.press("escape")
        await settled(one.pilot)
        assert one.pane.display
        assert one.app.deck.display
        assert one.app.editor.ghost == XRAY.text


async def test_a_click_on_the_ghost_looks_at_its_token_and_the_ghost_stays(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        editor = one.app.editor
        assert editor.ghost == XRAY.text
        at = (editor.gutter_width + len("return total / l"), 7)
        await one.pilot.click(editor, offset=at)
        await until(one.pilot, lambda: bool(one.asked))
        await one.say(AnswerXray(one.asked[-1].request_id, XRAY))
        assert "“ len”" in one.drawn
        assert editor.ghost == XRAY.text
        assert editor.has_focus
        await one.pilot.click(editor, offset=(editor.gutter_width + 1, 7))
        await settled(one.pilot)
        assert len(one.asked) == 1  # it is here already
        assert "“return”" in one.drawn


async def test_what_was_typed_of_a_suggestion_does_not_move_its_tokens(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.pilot.press(*"ret")
        assert one.app.editor.ghost == XRAY.text[3:]
        at = (one.app.editor.gutter_width + len("return tot"), 7)
        await one.pilot.click(one.app.editor, offset=at)
        await until(one.pilot, lambda: bool(one.asked))
        assert one.asked[-1].answer == 5
        await one.say(AnswerXray(one.asked[-1].request_id, XRAY))
        assert "“ total”" in one.drawn


async def test_a_wave_plays_on_the_map_both_ways_and_gives_it_back(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.opened()
        assert one.app.query_one(WaferMap).is_on_screen
        await one.pilot.press("right", "space")
        await until(one.pilot, lambda: len(one.asked) == 2)
        wanted = one.asked[-1]
        assert (wanted.answer, wanted.token) == (5, 1)
        wafer = one.app.query_one(WaferMap)
        one.client.on_event(AnswerWave(wanted.request_id, 5, 1, demo_wave(1)))
        await until(one.pilot, lambda: bool(wafer.activity))
        assert "by formulas" in one.drawn
        first = one.pane._at
        await until(one.pilot, lambda: one.pane._at > first)
        await one.pilot.press("r")
        here = one.pane._at
        await until(one.pilot, lambda: one.pane._at < here)
        await one.pilot.press("r")
        await one.pilot.press("full_stop")  # a step ends the play
        one.pane._go(demo_wave().cycles / 2)
        await one.pilot.press("full_stop", "full_stop", "comma")
        assert one.pane._at == pytest.approx(demo_wave().cycles * (1 / 2 + 1 / 100))
        await one.pilot.press("0")
        await settled(one.pilot)
        assert wafer.activity is None


async def test_a_token_is_simulated_with_its_progress_and_can_be_given_up(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("s")
        await until(one.pilot, lambda: len(one.asked) == 2)
        wanted = one.asked[-1]
        assert (wanted.token, wanted.simulate) == (0, True)
        await one.say(Simulating(wanted.request_id, 30, 60, "simulating token 40"))
        assert "━━━━━━━━──────── simulating token 40, s gives it up" in one.drawn
        await one.pilot.press("s")
        await until(one.pilot, lambda: Cancel(wanted.request_id) in one.client.sent)
        assert "Space plays" in one.drawn
        await one.pilot.press("s")
        await until(one.pilot, lambda: len(one.asked) == 3)
        wave = replace(demo_wave(), source="cycle tier")
        one.client.on_event(AnswerWave(one.asked[-1].request_id, 5, 0, wave))
        await until(one.pilot, lambda: "by cycle tier" in one.drawn)
        await one.pilot.press("0", "s")
        await until(one.pilot, lambda: len(one.asked) == 4)
        await one.say(Failed(one.asked[-1].request_id, "the model is too large"))
        assert "the model is too large" in one.drawn
        assert "token 1 of 11" in one.drawn


async def test_it_follows_the_newest_answer_only_while_it_is_seen(looking: Any) -> None:
    async with looking() as one:
        await one.pilot.press("alt+x")
        assert "Alt+X looks into a suggestion" in one.drawn
        await one.pilot.press("escape")
        await one.suggest(answer=8)
        await until(one.pilot, lambda: bool(one.asked))
        assert one.asked[-1].answer == 8
        await one.pilot.press("f2")
        await settled(one.pilot)
        count = len(one.asked)
        one.app.editor.go_to(3, 1)
        await one.suggest("pass", answer=9)
        assert len(one.asked) == count


async def test_what_the_engine_forgot_is_said(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.pilot.press("alt+x")
        await until(one.pilot, lambda: bool(one.asked))
        await one.say(Failed(one.asked[-1].request_id, "answer 5 is forgotten"))
        assert one.drawn == "answer 5 is forgotten"


async def test_another_model_takes_the_xray_away(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.opened()
        one.app.xrays.takes(replace(demo_ready(), session=2))
        assert "Alt+X looks into a suggestion" in one.drawn


async def test_an_inspected_core_follows_the_scrubber_and_moves_it(looking: Any) -> None:
    async with looking() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("full_stop")
        await until(one.pilot, lambda: len(one.asked) == 2)
        wave = demo_wave(0)
        one.client.on_event(AnswerWave(one.asked[-1].request_id, 5, 0, wave))
        await until(one.pilot, lambda: one.pane.moment is not None)
        one.pane._go(600.0)
        wafer = one.app.wafer
        wafer.inspect(3, 4, demo_ready().machine)
        await until(one.pilot, lambda: isinstance(one.app.screen, CoreScreen))
        await settled(one.pilot)
        asked = [each for each in one.client.sent if isinstance(each, CoreAsked)][-1]
        assert asked.position == wave.position

        def program() -> str:
            return str(one.app.screen.query_one("#core-program", Static).render())

        assert "▶      214 – 402" in program()  # cycle 600 there, 300 of the program
        assert "follows the X-ray" in program()
        one.pane._go(1000.0)
        await until(one.pilot, lambda: "▶      402 – 890" in program())
        one.pane._go(0.0)
        await until(one.pilot, lambda: "▶        0 – 96" in program())
        before = one.pane._at
        await one.pilot.press("full_stop")
        assert one.pane._at > before
        await one.pilot.press("space")
        here = one.pane._at
        await until(one.pilot, lambda: one.pane._at > here)  # it plays below the inspector
