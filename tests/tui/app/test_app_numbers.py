"""Numbers in the running app: counted as keys are pressed, looked at, cleared."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.assist.numbers.counts import OutcomeCounts, total
from tui.screens.numbers import NumbersScreen
from tui.settings import Settings, SuggestionSettings

MakeApp = Callable[..., SparkApp]
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
GREETING = "package/greeting.py"
SIZE = (80, 24)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(answer="value = compute(1)\n    return value")


async def at_work(pilot: Pilot[Any], app: SparkApp, client: FakeClient) -> None:
    """Wait until the file is open and the engine ready, and put the cursor into its function."""
    await until(pilot, lambda: app.editor is not None and client.started.is_set())
    client.ready()
    app.editor.focus()
    # At once: a rest in between would bring a suggestion of its own.
    app.editor.go_to(6, len(app.editor.document[5]) + 1)
    app.editor.insert("\n    ")
    await until(pilot, lambda: app.editor.ghost)


async def counted(app: SparkApp) -> OutcomeCounts:
    return total((await app.numbers.all()).kinds())


async def test_an_accepted_suggestion_is_counted_with_its_key(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
        client.answer = None
        await pilot.press("ctrl+right", "tab")
        await settled(pilot)
        counts = await counted(app)
        kinds = (await app.numbers.all()).kinds()
    assert (counts.shown, counts.accepted, counts.dismissed) == (1, 1, 0)
    assert counts.accept_keys == {"word": 1, "all": 1}
    assert counts.characters_accepted == len("value = compute(1)\nreturn value")
    assert counts.times["paint"]
    assert [(each.model, each.file_type) for each in kinds] == [("spark-demo", "py")]


async def test_typing_counts_characters_and_pasting_does_not(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
        client.answer = None
        before = (await counted(app)).characters_typed
        await pilot.press("v", "a", "enter", "backspace")
        app.editor.insert("pasted text")
        await settled(pilot)
        counts = await counted(app)
    assert counts.characters_typed - before == 3


async def test_a_refused_suggestion_is_counted(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
        await pilot.press("escape")
        await settled(pilot)
        counts = await counted(app)
    assert (counts.shown, counts.dismissed, counts.refused) == (1, 1, 1)


@pytest.mark.parametrize(("undone", "found"), [(False, 1), (True, 0)])
async def test_accepted_text_is_looked_for_later(
    make_app: MakeApp, client: FakeClient, undone: bool, found: int
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    timers: list[tuple[float, Callable[[], None]]] = []
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
        client.answer = None
        app.numbers._set_timer = lambda seconds, callback: timers.append((seconds, callback))
        await pilot.press("tab")
        if undone:
            await pilot.press("ctrl+z")
        await settled(pilot)
        looks = [(seconds, look) for seconds, look in timers if seconds in (30, 120, 600)]
        looks[0][1]()
        counts = await counted(app)
    assert [seconds for seconds, _ in looks] == [30, 120, 600]
    assert (counts.looked, counts.still_there.get(30, 0)) == ({30: 1}, found)


async def test_the_screen_shows_kinds_and_periods_and_clears_after_a_question(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
        await pilot.press("tab")
        await app.run_action("numbers")
        await until(pilot, lambda: isinstance(app.screen, NumbersScreen))
        figures = app.screen.query_one("#numbers-figures", Static)
        assert "accepted 1" in str(figures.render())
        assert all(len(line) <= figures.size.width for line in str(figures.render()).split("\n"))
        await pilot.press("down", "t")
        assert "all, today" in str(app.screen.query_one("#numbers-kinds").render())
        await pilot.press("c")
        await until(pilot, lambda: not isinstance(app.screen, NumbersScreen))
        await pilot.press("f")
        await until(pilot, lambda: "anew" in str([n.message for n in app._notifications]))
        assert (await counted(app)).shown == 0


async def test_what_was_counted_is_kept_when_the_app_ends(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await at_work(pilot, app, client)
    assert total(app.numbers._store.read().kinds()).shown == 1
