"""The wafer map in the app: zoom, pan, colours, comparison, inspector; by keys and mouse."""

from collections.abc import Callable

from textual.pilot import Pilot

from engine.protocol.messages import CoreAsked, Failed, MarkInterval, StillAsked
from tests.tui.app.fakes import FakeClient, until
from tui.app import SparkApp
from tui.screens.core import CoreScreen
from tui.screens.line_input import LineInputScreen
from tui.widgets.map_legend import MapLegend
from tui.widgets.wafer_map import WaferMap

MakeApp = Callable[..., SparkApp]
SIZE = (120, 40)


async def at_work(app: SparkApp, client: FakeClient, pilot: Pilot[None]) -> WaferMap:
    """Wait for a picture and give it the keyboard."""
    await until(pilot, client.started.is_set)
    client.ready()
    client.work(1)
    wafer = app.query_one(WaferMap)
    await until(pilot, lambda: wafer.states is not None)
    wafer.focus()
    await until(pilot, lambda: wafer.has_focus)
    return wafer


def caption(app: SparkApp) -> str:
    return str(app.query_one("#wafer-caption").render())


def legend(app: SparkApp) -> str:
    return str(app.query_one(MapLegend).render())


def problem(app: SparkApp) -> str:
    return str(app.screen.query_one(".dialog-problem").render())


def asked(client: FakeClient) -> list[tuple[str, str]]:
    return [(m.what, m.machine) for m in client.sent if isinstance(m, StillAsked)]


async def test_zoom_and_pan_by_keys_ask_for_the_cores_that_are_drawn(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        fitted, block = wafer.watched, wafer.block
        await pilot.press("plus")
        await until(pilot, lambda: wafer.block < block)
        await until(pilot, lambda: client.watched == wafer.watched)
        near = wafer.watched
        assert near is not None
        await pilot.press("shift+right")
        await until(pilot, lambda: wafer.watched is not None and wafer.watched.x > near.x)
        await until(pilot, lambda: client.watched == wafer.watched and wafer.states is not None)
        await pilot.press("minus", "w")
        await until(pilot, lambda: wafer.watched is not None and wafer.watched.x == 0)
        await pilot.press("0")
        await until(pilot, lambda: wafer.watched == fitted)


async def test_the_wheel_zooms_and_a_drag_pans(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        block, middle = wafer.block, (wafer.size.width // 2, wafer.size.height // 2)
        await pilot._post_mouse_events([_wheel_up()], WaferMap, offset=middle)
        await until(pilot, lambda: wafer.block < block)
        before = wafer.watched
        assert before is not None
        await pilot.mouse_down(WaferMap, offset=middle)
        await pilot.hover(WaferMap, offset=(middle[0] - 4, middle[1]))
        await pilot.mouse_up(WaferMap, offset=(middle[0] - 4, middle[1]))
        await until(pilot, lambda: wafer.watched is not None and wafer.watched.x > before.x)
        assert not isinstance(app.screen, CoreScreen)


def _wheel_up():
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_colours_ask_only_for_what_they_need(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        assert asked(client) == []
        names = ["state"]
        for _ in range(6):
            await pilot.press("c")
            await until(pilot, lambda: wafer.kind.name != names[-1])
            names.append(wafer.kind.name)
            await until(pilot, lambda: not (wafer.picture and wafer.picture.wanted))
        assert names == ["state", "work", "links", "SRAM", "owner", "age", "change"]
        assert asked(client) == [("links", ""), ("sram", ""), ("age", ""), ("marked", "")]
        await pilot.press("C")
        await until(pilot, lambda: wafer.kind.name == "age")
        assert "oldest" in legend(app)
        await pilot.press("right")
        await until(pilot, lambda: "cycles ago" in caption(app))


async def test_hidden_panes_ask_for_nothing(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.press("c", "c")
        await until(pilot, lambda: asked(client) == [("links", "")])
        await pilot.press("f2")
        await until(pilot, lambda: not app.panes.display)
        wafer.numbers_changed("links")
        await pilot.pause()
        assert asked(client) == [("links", "")]
        await pilot.press("f2")
        await until(pilot, lambda: asked(client) == [("links", "")] * 2)


async def test_a_click_on_the_legend_shows_one_state_alone(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.click(MapLegend, offset=(1, 1))
        await until(pilot, lambda: wafer.alone == 1)
        await pilot.click(MapLegend, offset=(1, 1))
        await until(pilot, lambda: wafer.alone is None)
        await pilot.press("4")
        await until(pilot, lambda: wafer.alone == 3)
        await pilot.press("a")
        await until(pilot, lambda: wafer.alone is None)


async def test_a_marked_moment_is_what_changes_are_against(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.press("m")
        await until(pilot, lambda: wafer.kind.name == "change")
        marked = [type(m) for m in client.sent if isinstance(m, MarkInterval | StillAsked)]
        assert marked == [MarkInterval, StillAsked]
        await until(pilot, lambda: "then" in legend(app) and "now" in legend(app))


async def test_another_machine_is_compared_with_by_its_name(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press(*"nonsense", "enter")
        await until(pilot, lambda: "machines are" in problem(app))
        await pilot.press(*["backspace"] * 8, *"wse2", "enter")
        await until(pilot, lambda: asked(client) == [("states", ""), ("states", "wse2")])
        await until(pilot, lambda: "against wse2" in caption(app))
        assert wafer.picture is not None
        assert wafer.picture.change_of_all() is not None


async def test_a_click_inspects_a_core_and_keys_walk_on_from_it(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.click(WaferMap, offset=(wafer.size.width // 3, wafer.size.height // 2))
        await until(pilot, lambda: isinstance(app.screen, CoreScreen))
        facts = app.screen.query_one("#core-facts")
        await until(pilot, lambda: "layers.0.attention.q.weight" in str(facts.render()))
        program = app.screen.query_one("#core-program")
        assert "▶        0 – 96" in str(program.render())
        await pilot.press("n", "n")
        await until(pilot, lambda: "▶      214 – 402" in str(program.render()))
        (first,) = [m for m in client.sent if isinstance(m, CoreAsked)]
        await pilot.press("right")
        await until(pilot, lambda: len([m for m in client.sent if isinstance(m, CoreAsked)]) == 2)
        second = [m for m in client.sent if isinstance(m, CoreAsked)][-1]
        assert (second.x, second.y) == (first.x + 1, first.y)
        assert "▶      214 – 402" in str(program.render())  # the same cycle
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CoreScreen))


async def test_why_a_core_cannot_be_inspected_is_said_there(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await at_work(app, client, pilot)
        client.silent = True
        await pilot.press("enter")
        await until(pilot, lambda: any(isinstance(m, CoreAsked) for m in client.sent))
        number = client.sent[-1].request_id
        facts = app.screen.query_one("#core-facts")
        await app.push_screen(
            LineInputScreen("Go to a core", "", lambda text: "")
        )  # keys typed ahead open it
        client.on_event(Failed(number, "the engine failed"))
        await until(pilot, lambda: "the engine failed" in str(facts.render()))


async def test_a_core_is_gone_to_by_its_coordinates(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press(*"9999, 1", "enter")
        await until(
            pilot,
            lambda: (
                "columns go from 0 to 899" in str(app.screen.query_one(".dialog-problem").render())
            ),
        )
        await pilot.press(*["backspace"] * 7, *"40, 30", "enter")
        await until(pilot, lambda: wafer.pointed_core == (40, 30))
        assert wafer.block == 1


async def test_the_palette_has_every_key_of_the_map(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        wafer = await at_work(app, client, pilot)
        commands = {name: run for name, _, run in app.wafer_commands()}
        bound = [binding.description for binding in wafer.BINDINGS if binding.id != "map.leave"]
        assert [name.partition(": ")[2] for name in commands] == bound
        block = wafer.block
        await commands["Wafer map: zoom in"]()
        await until(pilot, lambda: wafer.block < block)
