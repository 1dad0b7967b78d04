"""Pictures of the wafer map and of the core inspector, by size, look and colours."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.screens.core import CoreScreen
from tui.settings import Settings
from tui.widgets.wafer_map import WaferMap

MakeApp = Callable[..., SparkApp]
SIZES = [(80, 24), (120, 40), (200, 60)]


def by_size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def on_the_map(pilot: Pilot[Any], client: FakeClient, *keys: str) -> None:
    """Show the map, alone in its column where there is room, and press keys on it."""
    app = pilot.app
    assert isinstance(app, SparkApp)
    await until(pilot, client.started.is_set)
    client.ready()
    if app.size.width < 120:
        await pilot.press("f2")
    await pilot.press("f3")
    client.work(3)
    wafer = app.query_one(WaferMap)
    await until(pilot, lambda: wafer.states is not None)
    wafer.focus()
    await until(pilot, lambda: wafer.has_focus)
    await pilot.press(*keys)
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_the_map_zoomed_in(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, size: Any
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await on_the_map(pilot, client, "right", "plus")

    assert snap_compare(make_app(), terminal_size=size, run_before=act)


LOOKS = [("spark", kind) for kind in range(1, 7)]
LOOKS += [(theme, kind) for theme in ("textual-light", "ansi-dark") for kind in (4, 6)]


@pytest.mark.parametrize(("theme", "kind"), LOOKS)
def test_every_colour_of_the_map(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, kind: int, theme: str
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        keys = ["m"] if kind == 6 else ["c"] * kind
        await on_the_map(pilot, client, *keys)

    app = make_app(settings=Settings(theme=theme))
    assert snap_compare(app, terminal_size=(120, 40), run_before=act)


@pytest.mark.parametrize(
    ("size", "theme"),
    [*((size, "spark") for size in SIZES), ((120, 40), "textual-light")],
    ids=lambda value: value if isinstance(value, str) else by_size(value),
)
def test_a_core(
    snap_compare: Any, make_app: MakeApp, client: FakeClient, size: Any, theme: str
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await on_the_map(pilot, client, "enter")
        app = pilot.app
        await until(pilot, lambda: isinstance(app.screen, CoreScreen))
        await until(pilot, lambda: "Memory" in str(app.screen.query_one("#core-facts").render()))
        await pilot.press("n")
        await settled(pilot)

    app = make_app(settings=Settings(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=act)
