"""A pane that only a registry names is in the column, under F3, in the help and in the palette."""

from collections.abc import Callable

from engine.protocol.messages import Completed
from tests.tui.app.fakes import FakeClient, until
from tests.worked_examples.toy_pane import CountPane
from tui.app import SparkApp
from tui.command_palette import AppCommands
from tui.demo_engine import demo_completion
from tui.pane_registry import PANES
from tui.screens.help import HelpScreen

MakeApp = Callable[..., SparkApp]


async def test_a_pane_in_the_registry_is_all_over_the_app(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(panes=(*PANES, CountPane))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, client.started.is_set)
        pane = app.query_one(CountPane)
        assert (pane.region.height, pane.region.bottom) == (3, 39)

        client.on_event(Completed(1, demo_completion("x")))
        client.on_event(Completed(2, demo_completion("y")))
        await until(pilot, lambda: str(pane.render()) == "2 completions")

        words = [text for _, text, _ in AppCommands(app.screen)._commands()]
        modes = ", ".join(["all", *(pane.NAME for pane in PANES), "count"])
        assert f"{modes} (F3)" in words
        await pilot.press(*["f3"] * (len(PANES) + 1))
        assert [shown.NAME for shown in app.panes if shown.display] == ["count"]

        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert isinstance(app.screen, HelpScreen)
        assert "**Completions.**" in app.screen.markdown
        keys = str(app.screen.query_one(".keys").render())
        assert "ask, count" in " ".join(keys.split())


async def test_a_low_terminal_hides_it_first(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(panes=(*PANES, CountPane))
    async with app.run_test(size=(120, 38)) as pilot:
        await until(pilot, client.started.is_set)
        shown = [pane.NAME for pane in app.panes if pane.display]
        assert shown == [pane.NAME for pane in PANES if not pane.ROWS.alone]
