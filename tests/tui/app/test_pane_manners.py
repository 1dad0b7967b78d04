"""What a person can do with a pane: pause, gauges, copies, pictures, words, choices that stay."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine import STATES
from engine.protocol.messages import Completed, Unwatch, Watch
from tests.tui.app.fakes import FakeClient, settled, until
from tests.tui.app.file_looks import notices
from tui.app import SparkApp
from tui.demo_engine import demo_completion
from tui.screens.reading import ReadingScreen
from tui.settings import load_settings
from tui.widgets.throughput_pane import ThroughputPane
from tui.widgets.wafer_map import WaferMap
from tui.widgets.wafer_pane import WaferPane

MakeApp = Callable[..., SparkApp]
SIZE = (120, 48)


async def at_work(pilot: Pilot[Any], client: FakeClient, pane: str) -> None:
    """Let the engine work, and give a pane the keyboard."""
    app = pilot.app
    assert isinstance(app, SparkApp)
    await until(pilot, client.started.is_set)
    client.ready()
    await settled(pilot)
    client.work(12)
    wafer = app.query_one(WaferPane)
    await until(pilot, lambda: wafer.values())
    target = app.query_one(f"#{pane}", WaferPane | ThroughputPane).key_target  # type: ignore[type-var]
    assert target is not None

    def focused() -> bool:
        target.focus()  # again where the app, still starting, gave the keyboard to the tree
        return target.has_focus

    await until(pilot, focused)


async def test_all_panes_stand_still_until_they_go_on(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "wafer")
        wafer, throughput = app.query_one(WaferPane), app.query_one(ThroughputPane)
        await pilot.press("p")
        assert isinstance(client.sent[-1], Unwatch)
        assert {str(wafer.border_title), str(throughput.border_title)} == {
            "wafer · paused",
            "throughput · paused",
        }
        before = wafer.values(), throughput.values()
        client.work(30)
        client.on_event(Completed(1, demo_completion("x")))
        await settled(pilot)
        assert (wafer.values(), throughput.values()) == before

        await pilot.press("p")
        assert isinstance(client.sent[-1], Watch)
        client.work(30)
        await until(pilot, lambda: throughput.values() != before[1])
        assert throughput.values()["completion"]["text"] == "x"
        assert str(wafer.border_title) == "wafer"


async def test_gauges_take_the_place_of_map_and_histories_and_stay(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(settings=None)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "throughput")
        throughput = app.query_one(ThroughputPane)
        assert "host decode, measured" in str(throughput.render())
        await pilot.press("v")
        drawn = [line.split() for line in str(throughput.render()).split("\n")]
        assert ["tokens/s", "now"] in drawn
        app.query_one(WaferMap).focus()
        await pilot.press("v")
        wafer = app.query_one(WaferPane)
        await until(pilot, lambda: wafer.has_focus)
        assert not app.query_one(WaferMap).is_on_screen
        bars = str(wafer.query_one("#wafer-bars").render())
        assert "layer 0" in bars
        await pilot.press("v")
        await until(pilot, lambda: app.query_one(WaferMap).has_focus)
        await settled(pilot)
    assert load_settings().settings.panes.gauges == ("throughput",)


async def test_colours_and_outlines_of_the_map_stay(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(settings=None)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "wafer")
        await pilot.press("c", "c", "o")
        await until(pilot, lambda: not load_settings().settings.panes.outlines)
        await settled(pilot)
    again = FakeClient()
    app = make_app(settings=None, make_client=again.listen)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, again, "wafer")
        wafer = app.query_one(WaferMap)
        assert (wafer.kind.name, wafer.outlines) == ("links", False)


async def test_a_pane_is_copied_in_words_and_as_json(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "wafer")
        await pilot.press("y")
        assert "all cores together spent their cycles so" in app.clipboard
        await pilot.press("Y")
        copied = json.loads(app.clipboard)
        assert sum(copied["state_shares"].values()) == pytest.approx(1)
        assert list(next(iter(copied["states_by_region"].values()))) == list(STATES)


async def test_a_picture_is_saved_and_never_over_another(
    make_app: MakeApp, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.flows.wafer.pane_manners._stem", lambda pane: pane.NAME)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "wafer")
        folder = tmp_path / "spark_state_dir" / "pictures"
        for _ in range(2):
            await pilot.press("S")
            await settled(pilot)
        assert sorted(path.name for path in folder.iterdir()) == ["wafer-2.svg", "wafer.svg"]
        svg = (folder / "wafer.svg").read_text()
        assert "state" in svg or "cores" in svg
        assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace(
            "https://www.textualize.io", ""
        )
        assert str(folder) in notices(app)


async def test_a_pane_can_be_read(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, client, "throughput")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert isinstance(app.screen, ReadingScreen)
        assert "Host: measured on this computer" in app.screen._text
        assert "host decode, tokens/s" in app.screen._text


async def test_the_keys_of_panes_are_letters_in_a_question(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready(follows_instructions=True)
        await pilot.press("alt+a", *"pvyt")
        assert app.query_one("#ask-input").value == "pvyt"  # type: ignore[attr-defined]
        assert not app.panes.paused
