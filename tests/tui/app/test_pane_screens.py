"""Pictures of every pane alone: by size, and in light, sixteen and no colours.

`pytest tests/tui/app/test_pane_screens.py --snapshot-update` takes them anew; look at them first.
"""

from typing import Any

import pytest
from textual.pilot import Pilot

from engine.client import EngineDown
from engine.protocol.messages import Compare, Compared
from tests.tui.app.fakes import FakeClient, settled, until
from tui.demo_engine import demo_comparison, demo_completion, demo_xray
from tui.settings import PaneSettings, Settings
from tui.watch_app import WATCHED_PANES, WatchApp
from tui.widgets.peers_pane import PeersPane
from tui.widgets.wafer_pane import WaferPane
from tui.widgets.xray_pane import XrayPane

NAMES = [pane.NAME for pane in WATCHED_PANES]
SIZES = [(80, 24), (120, 40), (200, 60)]
LOOKS = ["textual-light", "ansi-dark", "no colours"]


def by_size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def filled(pilot: Pilot[Any], client: FakeClient) -> None:
    """Let the engine tell every pane something."""
    app = pilot.app
    assert isinstance(app, WatchApp)
    await until(pilot, client.started.is_set)
    client.ready()
    await settled(pilot)
    client.work(48)
    await until(pilot, lambda: app.query_one(WaferPane).values())
    app.panes.show_completion(demo_completion("x"))
    app.query_one(XrayPane).show_xray(demo_xray(), 3)
    for asked in [each for each in client.sent if isinstance(each, Compare)]:
        client.on_event(Compared(asked.request_id, demo_comparison()))
    app.query_one(PeersPane).show_comparison(demo_comparison())
    await settled(pilot)


@pytest.fixture
def snap(snap_compare: Any, client: FakeClient) -> Any:
    def compare(size: tuple[int, int], **options: Any) -> bool:
        settings = Settings(**{"theme": "spark", **options.pop("settings", {})})
        app = WatchApp(make_client=client.listen, settings=settings, **options)

        async def act(pilot: Pilot[Any]) -> None:
            await filled(pilot, client)

        result: bool = snap_compare(app, terminal_size=size, run_before=act)
        return result

    return compare


@pytest.mark.parametrize("size", SIZES, ids=by_size)
@pytest.mark.parametrize("name", NAMES)
def test_a_pane_by_size(snap: Any, name: str, size: tuple[int, int]) -> None:
    assert snap(size, alone=name)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", NAMES)
def test_a_pane_in_every_look(
    snap: Any, monkeypatch: pytest.MonkeyPatch, name: str, look: str
) -> None:
    if look == "no colours":
        monkeypatch.setenv("NO_COLOR", "1")
        assert snap((120, 40), alone=name)
    else:
        assert snap((120, 40), alone=name, settings={"theme": look})


@pytest.mark.parametrize("name", [pane.NAME for pane in WATCHED_PANES if pane.GAUGES])
def test_gauges(snap: Any, name: str) -> None:
    panes = PaneSettings(gauges=(name,))
    assert snap((120, 40), alone=name, settings={"panes": panes})


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_all_panes_that_have_room(snap: Any, size: tuple[int, int]) -> None:
    assert snap(size)


def test_no_engine_yet(snap_compare: Any, client: FakeClient) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, client.started.is_set)
        client.on_event(EngineDown("no engine is running; waiting for one", retrying=True))
        await settled(pilot)

    app = WatchApp(make_client=client.listen, settings=Settings())
    assert snap_compare(app, terminal_size=(80, 24), run_before=act)
