"""What-ifs in the app: asked for while the pane is seen, walked through, applied."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.protocol.messages import (
    AskWhatIf,
    Cancel,
    Complete,
    Completed,
    Failed,
    SessionFailed,
    WhatIfTold,
)
from engine.wafer_changes import WaferChanges
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_completion, demo_xray
from tui.demo_what_if import DEMO_SETUP, demo_curve
from tui.flows.wafer import what_if_flow
from tui.settings import Settings, SuggestionSettings
from tui.widgets.what_if_pane import WhatIfPane

MakeApp = Callable[..., SparkApp]
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
TEXT = demo_xray().text


class Pricing:
    """The app, its engine, and what is priced."""

    def __init__(self, app: SparkApp, pilot: Pilot[Any], client: FakeClient) -> None:
        self.app, self.pilot, self.client = app, pilot, client

    @property
    def pane(self) -> WhatIfPane:
        return self.app.query_one(WhatIfPane)

    @property
    def asked(self) -> list[AskWhatIf]:
        return [message for message in self.client.sent if isinstance(message, AskWhatIf)]

    @property
    def drawn(self) -> str:
        return self.pane.render().plain

    async def suggest(self, answer: int = 5) -> None:
        before = len(self._completes)
        await self.pilot.press("ctrl+l")
        await until(self.pilot, lambda: len(self._completes) > before)
        completion = replace(demo_completion(TEXT), answer=answer)
        await self.say(Completed(self._completes[-1].request_id, completion))

    @property
    def _completes(self) -> list[Complete]:
        return [message for message in self.client.sent if isinstance(message, Complete)]

    async def say(self, event: Any) -> None:
        self.client.on_event(event)
        await settled(self.pilot)

    async def tell(self, priced: int | None = None) -> None:
        """Answer the newest question."""
        asked = self.asked[-1]
        curve = demo_curve(asked.over, asked.setup, priced)
        await self.say(WhatIfTold(asked.request_id, curve))

    async def opened(self) -> None:
        """Look at the suggestion by the key, priced."""
        await self.pilot.press("alt+q")
        await until(self.pilot, lambda: bool(self.asked) and self.pane.has_focus)
        await self.tell()


@pytest.fixture
def pricing(make_app: MakeApp, client: FakeClient) -> Callable[..., Any]:
    @asynccontextmanager
    async def begin(size: tuple[int, int] = (140, 44)) -> AsyncIterator[Pricing]:
        app = make_app("package/greeting.py", settings=AT_ONCE)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.editor is not None and client.started.is_set())
            client.ready()
            await settled(pilot)
            app.editor.go_to(8, 1)
            yield Pricing(app, pilot, client)

    return begin


async def test_a_key_prices_the_suggestion_and_leads_back(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        assert not one.asked  # nobody looks
        await one.opened()
        assert (one.asked[-1].answer, one.asked[-1].over, one.asked[-1].setup) == (5, "sram", None)
        assert "now     2.70 ms" in one.drawn
        await one.pilot.press("alt+q")
        assert one.app.editor.has_focus


async def test_arrows_walk_through_values_and_parameters(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("right")
        assert "what if 2.67 ms −1.1%" in one.drawn
        await one.pilot.press("right", "right", "right")  # the last one stays
        assert "what if 4.37 ms +61.8%" in one.drawn
        await one.pilot.press("b")
        assert "what if 2.67 ms" in one.drawn
        await one.pilot.press("down")
        await until(one.pilot, lambda: len(one.asked) == 2)
        assert one.asked[-1].over == "link"
        assert one.asked[-1].setup.changes == WaferChanges(sram_bytes=64 * 1024)
        assert "time over link: pricing" in one.drawn
        await one.tell()
        assert one.pane.shown.setup.changes.sram_bytes == 64 * 1024
        await one.pilot.press("0")
        await until(one.pilot, lambda: len(one.asked) == 3)
        assert one.asked[-1].setup == DEMO_SETUP


async def test_a_curve_grows_and_the_value_that_is_looked_at_stays(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        await one.pilot.press("alt+q")
        await until(one.pilot, lambda: bool(one.asked))
        await one.tell(priced=1)
        assert "1 of 4 priced" in one.drawn
        assert "▸ 48 KiB" in one.drawn
        await one.tell(priced=3)
        assert "▸ 48 KiB" in one.drawn
        assert "does not fit" in one.drawn
        await one.pilot.press("right")
        await one.tell()
        assert "▸ 64 KiB" in one.drawn


async def test_enter_opens_a_session_so_and_the_suggestion_is_made_and_priced_there(
    pricing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if_flow, "_REST_SECONDS", 0.001)
    async with pricing() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("enter")
        assert one.client.opened == []  # it is what runs
        await one.pilot.press("right", "enter")
        await until(one.pilot, lambda: bool(one.client.opened))
        assert one.client.opened == ["weights/spark-demo"]
        assert one.client.setups[0].changes.sram_bytes == 64 * 1024
        assert one.app.link.session == 1
        assert one.client.dropped == []
        assert "is being opened" in one.drawn
        one.client.ready(session=2)
        await until(one.pilot, lambda: one.app.link.session == 2)
        assert one.client.dropped == [1]
        await until(one.pilot, lambda: one._completes[-1].session == 2)  # made anew there
        completion = replace(demo_completion(TEXT), answer=9)
        await one.say(Completed(one._completes[-1].request_id, completion))
        assert one.app.editor.ghost == TEXT
        assert one.pane.has_focus
        await until(one.pilot, lambda: one.asked[-1].answer == 9)


async def test_a_session_that_fails_leaves_the_old_one(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("right", "enter")
        await until(one.pilot, lambda: bool(one.client.opened))
        await one.say(SessionFailed(2, "no room"))
        assert "what ran before goes on" in one.drawn
        assert one.app.link.session == 1
        assert one.client.dropped == []
        await one.pilot.press("escape")
        one.app.editor.go_to(3, 1)
        await one.suggest(answer=6)
        assert one._completes[-1].session == 1


async def test_what_does_not_fit_or_is_only_priced_is_not_applied(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("left", "enter")
        await one.pilot.press("up", "up", "up")  # wafers
        await until(one.pilot, lambda: one.asked[-1].over == "wafers")
        await one.tell()
        await one.pilot.press("0")
        await until(one.pilot, lambda: one.asked[-1].setup == DEMO_SETUP)
        await one.tell()
        await one.pilot.press("right", "enter")
        await settled(one.pilot)
        assert one.client.opened == []


async def test_nothing_is_asked_or_priced_while_the_pane_is_hidden(
    pricing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if_flow, "_REST_SECONDS", 0.001)
    async with pricing() as one:
        await one.suggest()
        await one.pilot.press("alt+q")
        await until(one.pilot, lambda: bool(one.asked))
        pricing_now = one.asked[-1].request_id
        await one.pilot.press("f2")
        await until(one.pilot, lambda: Cancel(pricing_now) in one.client.sent)
        one.app.editor.go_to(3, 1)
        await one.suggest(answer=7)
        assert len(one.asked) == 1


async def test_a_newer_suggestion_is_priced_once_the_person_rests(
    pricing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if_flow, "_REST_SECONDS", 0.001)
    async with pricing() as one:
        await one.suggest()
        await one.opened()
        await one.pilot.press("escape")
        one.app.editor.go_to(3, 1)
        await one.suggest(answer=8)
        await until(one.pilot, lambda: one.asked[-1].answer == 8)


async def test_what_the_engine_refuses_is_said_and_old_curves_are_not_shown(pricing: Any) -> None:
    async with pricing() as one:
        await one.pilot.press("alt+q")
        await settled(one.pilot)
        assert "there is none yet" in " ".join(one.drawn.split())
        await one.pilot.press("escape")
        await one.suggest()
        await one.pilot.press("alt+q")
        await until(one.pilot, lambda: bool(one.asked))
        number = one.asked[-1].request_id
        await one.say(WhatIfTold(number - 1, demo_curve()))
        assert one.pane.shown.base is None
        await one.say(Failed(number, "answer 5 is forgotten"))
        assert one.drawn == "answer 5 is forgotten"


async def test_numbers_that_cannot_be_are_a_failure(pricing: Any) -> None:
    async with pricing() as one:
        await one.suggest()
        await one.pilot.press("alt+q")
        await until(one.pilot, lambda: bool(one.asked))
        bad = replace(demo_curve(), chosen=9)
        await one.say(WhatIfTold(one.asked[-1].request_id, bad))
        assert "numbers that cannot be" in one.drawn
