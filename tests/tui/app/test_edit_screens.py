"""Pictures of an edit; a change of one is looked at before it is accepted.

`pytest tests/tui/app/test_edit_screens.py --snapshot-update` takes them anew.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.protocol.messages import PartialText, Rewrite, Rewritten
from tests.tui.app.fakes import FakeClient, demo_edit, settled, until
from tui.app import SparkApp
from tui.settings import Settings
from tui.widgets.edit_review import EditReview

MakeApp = Callable[..., SparkApp]
GREETING = "package/greeting.py"
NEW = """\
def main(names: list[str]) -> None:
    for name in sorted(names):
        print(greet(name))
    print("done")"""


@pytest.mark.parametrize("stage", ["asking", "writing", "deciding", "refused"])
@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_an_edit(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, size: tuple[int, int], stage: str
) -> None:
    async def run_before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, SparkApp)
        await until(pilot, lambda: app.repo_tree.root.children and client.started.is_set())
        await until(pilot, lambda: app.status.view.line == 9)
        client.ready(follows_instructions=True)
        await pilot.press("alt+e")
        await until(pilot, lambda: app.query(EditReview))
        review = app.query_one(EditReview)
        await until(pilot, lambda: review.line.has_focus)
        review.line.cursor_blink = False
        if stage != "asking":
            review.line.value = "Take the names as a parameter, in order."
            await pilot.press("enter")
            await until(pilot, lambda: any(isinstance(each, Rewrite) for each in client.sent))
        number = next((m.request_id for m in client.sent if isinstance(m, Rewrite)), 0)
        if stage == "writing":
            client.on_event(PartialText(number, NEW[:70]))
        elif stage == "deciding":
            client.on_event(Rewritten(number, demo_edit(NEW)))
        elif stage == "refused":
            reason = "the file would no longer parse: '(' was never closed in line 11"
            client.on_event(Rewritten(number, demo_edit(NEW, reason)))
        await settled(pilot)

    app = make_app(GREETING, line=9, settings=Settings())
    assert snap_compare(app, terminal_size=size, run_before=run_before)
