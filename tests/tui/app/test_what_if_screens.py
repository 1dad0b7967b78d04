"""Pictures of the what-if pane; a change of one is looked at before it is accepted.

`pytest tests/tui/app/test_what_if_screens.py --snapshot-update` takes them anew.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.protocol.messages import AskWhatIf, WhatIfTold
from tests.tui.app.fakes import FakeClient, until
from tests.tui.app.suggested_screens import LookCompare, look_compare
from tui.app import SparkApp
from tui.demo_engine import demo_xray
from tui.demo_what_if import demo_curve
from tui.widgets.what_if_pane import WhatIfPane

MakeApp = Callable[..., SparkApp]
TEXT = demo_xray().text


@pytest.fixture
def priced(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> LookCompare:
    """Compare the screen while more SRAM is looked at, and what does not fit stands beside it."""
    monkeypatch.setattr("tui.visuals.status_text.milliseconds_text", lambda value: "42 ms")

    def questions() -> list[AskWhatIf]:
        return [each for each in client.sent if isinstance(each, AskWhatIf)]

    async def look(pilot: Pilot[Any], app: SparkApp) -> None:
        await pilot.press("alt+q")
        pane = app.query_one(WhatIfPane)
        await until(pilot, lambda: bool(questions()) and pane.has_focus)
        client.on_event(WhatIfTold(questions()[-1].request_id, demo_curve()))
        await until(pilot, lambda: pane.shown.base is not None)
        await pilot.press("right", "right")

    return look_compare(snap_compare, make_app, client, TEXT, look)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_a_suggestion_with_more_memory(priced: Any, size: tuple[int, int]) -> None:
    assert priced(size)


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark"])
def test_it_can_be_read_in_every_look(priced: Any, theme: str) -> None:
    assert priced((120, 40), theme=theme)


def test_without_colours(priced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert priced((120, 40))
