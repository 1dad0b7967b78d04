"""`spark-tui watch`: the panes alone; what they ask for, what is kept, and what is waited for."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.client import EngineDown
from engine.protocol.messages import AnswerXray, Compare, LookInto, Watch
from tests.tui.app.fakes import FakeClient, settled, until
from tui.demo_engine import demo_xray
from tui.screens.core import CoreScreen
from tui.screens.help import HelpScreen
from tui.settings import Settings, load_settings
from tui.watch_app import WATCHED_PANES, WatchApp
from tui.widgets.wafer_map import WaferMap
from tui.widgets.wafer_pane import WaferPane
from tui.widgets.xray_pane import XrayPane

MakeWatch = Callable[..., WatchApp]
SIZE = (120, 40)


@pytest.fixture
def make_watch(client: FakeClient) -> MakeWatch:
    def make(**options: Any) -> WatchApp:
        options.setdefault("settings", Settings())
        return WatchApp(make_client=client.listen, **options)

    return make


async def test_it_waits_for_an_engine_and_follows_the_one_that_comes(
    make_watch: MakeWatch, client: FakeClient
) -> None:
    app = make_watch()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.on_event(EngineDown("no engine is running; waiting", retrying=True))
        await until(pilot, lambda: "no engine is running; waiting" in str(app.line.render()))
        client.ready(session=3)
        await until(pilot, lambda: "watching spark-demo on wse3" in str(app.line.render()))
        assert isinstance(client.sent[-1], Watch)
        assert client.sent[-1].session == 3
        client.work(12, session=3)
        await until(pilot, lambda: app.query_one(WaferPane).values())
        client.on_event(EngineDown("no engine is running; waiting", retrying=True))
        await until(pilot, lambda: "no engine is running; waiting" in str(app.line.render()))


async def test_each_pane_fills_the_screen_in_turn_and_the_last_choice_stays(
    make_watch: MakeWatch, client: FakeClient
) -> None:
    app = make_watch(settings=None)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        for pane in WATCHED_PANES:
            await pilot.press("f3")
            assert pane.NAME in [each.NAME for each in app.panes if each.display]
            if pane.NAME == "memory":
                break
        await settled(pilot)
    assert load_settings().settings.panes.alone == "memory"
    again = make_watch(settings=None)
    async with again.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert [each.NAME for each in again.panes if each.display] == ["memory"]


async def test_what_somebody_was_suggested_is_looked_into(
    make_watch: MakeWatch, client: FakeClient
) -> None:
    app = make_watch()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await settled(pilot)
        await pilot.press("alt+x")
        await until(pilot, lambda: any(isinstance(each, LookInto) for each in client.sent))
        asked = next(each for each in client.sent if isinstance(each, LookInto))
        assert (asked.answer, asked.token) == (0, None)
        client.on_event(AnswerXray(asked.request_id, demo_xray()))
        await until(pilot, lambda: app.query_one(XrayPane).shown is not None)
        await pilot.press("right")
        assert app.query_one(XrayPane).token == 1
        await pilot.press("escape")
        assert len([each for each in app.panes if each.display]) > 2


async def test_the_map_and_other_machines_ask_as_in_the_app(
    make_watch: MakeWatch, client: FakeClient
) -> None:
    app = make_watch()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(3)
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.has_focus and wafer.states is not None)
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, CoreScreen))
        await pilot.press("escape", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await app.run_action("peers")
        await until(pilot, lambda: any(isinstance(each, Compare) for each in client.sent))
