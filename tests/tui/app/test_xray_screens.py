"""Pictures of the X-ray; a change of one is looked at before it is accepted.

`pytest tests/tui/app/test_xray_screens.py --snapshot-update` takes them anew.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.protocol.messages import AnswerWave, AnswerXray, LookInto
from tests.tui.app.fakes import FakeClient, until
from tests.tui.app.suggested_screens import LookCompare, look_compare
from tui.app import SparkApp
from tui.demo_engine import demo_wave, demo_xray
from tui.widgets.xray_pane import XrayPane

MakeApp = Callable[..., SparkApp]
XRAY = demo_xray(answer=5)


@pytest.fixture
def played(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> LookCompare:
    """Compare the screen while a token's wave stands still in its middle."""
    monkeypatch.setattr("tui.visuals.status_text.milliseconds_text", lambda value: "42 ms")

    def looks() -> list[LookInto]:
        return [each for each in client.sent if isinstance(each, LookInto)]

    async def look(pilot: Pilot[Any], app: SparkApp) -> None:
        await pilot.press("alt+x")
        await until(pilot, lambda: bool(looks()))
        client.on_event(AnswerXray(looks()[-1].request_id, XRAY))
        pane = app.query_one(XrayPane)
        await until(pilot, lambda: pane.shown is not None)
        await pilot.press("right", "right", "right", "full_stop")
        await until(pilot, lambda: looks()[-1].token == 3)
        client.on_event(AnswerWave(looks()[-1].request_id, 5, 3, demo_wave(3)))
        await until(pilot, lambda: pane._wave is not None)
        pane._go(21_300.0)

    return look_compare(snap_compare, make_app, client, XRAY.text, look)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_a_wave_in_its_middle(played: Any, size: tuple[int, int]) -> None:
    assert played(size)


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark"])
def test_it_can_be_read_in_every_look(played: Any, theme: str) -> None:
    assert played((120, 40), theme=theme)


def test_without_colours(played: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert played((120, 40))
