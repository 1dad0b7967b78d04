"""The app and its engine: suggestions, numbers, an engine that is late, lost or impossible."""

from collections.abc import Callable

import pytest

from engine import EngineDown, EngineSilent, EngineStarting
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import Complete, Unwatch, Watch, WatchedCores
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_ready, demo_telemetry
from tui.settings import PrivacySettings, Settings, SuggestionSettings
from tui.widgets.wafer_map import WaferMap

MakeApp = Callable[..., SparkApp]
SIZE = (160, 26)
GREETING = "package/greeting.py"
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))


def ghost(app: SparkApp) -> str:
    return "" if app.editor is None else app.editor.ghost


def requests(client: FakeClient) -> list[CompletionRequest]:
    return [message.request for message in client.sent if isinstance(message, Complete)]


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(answer="suggested = 1")


async def test_a_suggestion_comes_is_accepted_and_taken_back(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: ghost(app))
        assert app.status.view.report is not None
        assert app.status.view.report.shown
        await pilot.press("tab")
        assert app.editor is not None
        assert app.editor.document.get_line(2) == "xsuggested = 1"
        await pilot.press("ctrl+z")
        assert app.editor.document.get_line(2) == "x"
        # The move to the first line may have asked before the key did.
        request = next(each for each in requests(client) if each.prefix.endswith("x"))
        assert request.path == GREETING
        assert request.prefix.endswith("\n\nx")


async def test_what_the_panes_ask_for_follows_what_is_seen(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await until(pilot, lambda: client.watched is not None)
        cores = app.query_one(WaferMap).watched
        assert cores is not None
        assert client.sent[-1] == Watch(1, 200, cores)
        await pilot.press("f2")
        assert client.sent[-1] == Unwatch(1)
        await pilot.press("f2")
        assert client.sent[-1] == Watch(1, 200, cores)
        app.change_setting("panes.interval_ms", 500)
        assert client.sent[-1] == Watch(1, 500, cores)
        await pilot.press("f3")
        await until(pilot, lambda: client.watched != cores)
        assert client.sent[-1] == Watch(1, 500, app.query_one(WaferMap).watched)


async def test_the_engine_counts_what_is_drawn_and_nothing_else_is_drawn(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(1)
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.states is not None)
        small, shown = wafer.watched, wafer.states
        await pilot.press("f3")
        await until(pilot, lambda: wafer.watched != small and wafer.states is not None)
        assert wafer.states is not None
        assert wafer.states.sum() == shown.sum()
        before = wafer.states
        client.on_event(demo_telemetry(demo_ready(), 5, cores=small))  # was under way
        await settled(pilot)
        assert wafer.states is before


async def test_many_counters_at_once_are_one_picture(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    seen = []
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await pilot.pause()
        app.panes.show_telemetry = seen.append  # type: ignore[method-assign, assignment]
        client.work(20)
        await until(pilot, lambda: seen)
        assert len(seen) == 1
        assert len(seen[0].history) == 20


async def test_editing_works_while_kernels_compile(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.started.is_set())
        client.compile(3, 17, "compiling matmul")
        await pilot.press("x")
        await until(pilot, lambda: "compiling matmul, 3 of 17" in str(app.status.render()))
        assert requests(client) == []
        assert "starting" in str(app.status.render())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
        client.ready()
        await until(pilot, lambda: ghost(app))  # what was wanted while it started


async def test_a_lost_engine_costs_no_key_and_comes_back(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.pause()
        client.answer = None
        await pilot.press("x")
        await until(pilot, lambda: requests(client))
        client.on_event(EngineDown("the engine process was killed (SIGKILL)", retrying=True))
        client.on_event(EngineStarting("the engine process was killed (SIGKILL)"))
        await pilot.press("y")
        await until(pilot, lambda: "restarting" in str(app.status.render()))
        assert "SIGKILL" in str(app.status.render())
        assert app.editor is not None
        assert app.editor.document.get_line(2) == "xy"
        client.answer = "z"
        client.ready()
        await until(pilot, lambda: ghost(app) == "z")


async def test_a_silent_engine_is_said_and_not_asked_until_it_answers(
    make_app: MakeApp, client: FakeClient
) -> None:
    client.answer = None
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: requests(client))
        client.on_event(EngineSilent("no answer for 5 s; after 30 s a fresh one starts"))
        line = "engine silent: no answer for 5 s; after 30 s a fresh one starts"
        await until(pilot, lambda: line in str(app.status.render()))
        asked = len(requests(client))
        await pilot.press("y", "ctrl+l")
        await pilot.pause()
        assert len(requests(client)) == asked
        assert line in str(app.status.render())
        client.answer = "z"
        client.ready()
        await until(pilot, lambda: ghost(app) == "z")
        assert "silent" not in str(app.status.render())


async def test_an_engine_that_cannot_start_is_said(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.on_event(EngineDown("no model 'x'; bundled: spark-nano", retrying=False))
        await until(pilot, lambda: "no model 'x'" in str(app.status.render()))


async def test_it_connects_again_when_asked(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.on_event(EngineDown("no model 'x'", retrying=False))
        client.started.clear()
        client.closed.set()
        await pilot.pause()
        client.closed.clear()
        app.action_connect_again()
        await until(pilot, client.started.is_set)


async def test_a_client_that_breaks_costs_no_text(make_app: MakeApp) -> None:
    class Broken(FakeClient):
        async def run(self) -> None:
            raise RuntimeError("no such protocol")

    app = make_app(GREETING, make_client=Broken().listen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await until(pilot, lambda: "no such protocol" in str(app.status.render()))
        await pilot.press("x")
        assert app.status.view.unsaved


async def test_one_key_pauses_and_resumes(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.press("f4", "x")
        await pilot.pause()
        assert requests(client) == []
        assert "paused" in str(app.status.render())
        await pilot.press("ctrl+l")  # asking still works
        await until(pilot, lambda: ghost(app))
        await pilot.press("ctrl+t", "y")
        await until(pilot, lambda: len(requests(client)) > 1)


@pytest.mark.parametrize(
    ("name", "reason"), [(".env", "secret file"), ("notes.md", "knows only python")]
)
async def test_why_there_is_no_suggestion(
    make_app: MakeApp, client: FakeClient, name: str, reason: str
) -> None:
    app = make_app(name, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: reason in str(app.status.render()))
        assert requests(client) == []


async def test_a_repository_in_a_private_folder_gets_no_suggestions(
    make_app: MakeApp, client: FakeClient
) -> None:
    privacy = PrivacySettings(extra_patterns=("demo/",))
    app = make_app(GREETING, settings=Settings(privacy=privacy, suggestions=AT_ONCE.suggestions))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: "secret file" in str(app.status.render()))
        assert requests(client) == []


async def test_the_suggestion_is_copied(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: ghost(app))
        app.action_copy_suggestion()
        assert app.clipboard == "suggested = 1"


async def test_settings_change_while_it_runs(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        app.change_setting("suggestions.max_tokens", 16)
        await pilot.press("x")
        await until(pilot, lambda: requests(client))
        assert requests(client)[-1].max_tokens == 16


async def test_the_engine_is_left_when_quitting(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert client.closed.is_set()


# ── the wafer ───────────────────────────────────────────────────────────────────────────────


async def test_one_core_is_read_with_the_arrow_keys(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(1)
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.core_count)
        await pilot.press("f6")
        await until(pilot, lambda: wafer.has_focus)
        await pilot.press("right")
        place = wafer.pointed_core
        assert place is not None
        await pilot.press("right", "down")
        moved = wafer.pointed_core
        assert moved is not None
        assert moved[0] > place[0]
        assert moved[1] > place[1]
        region, cycles = wafer.core_facts(moved)
        assert region is not None
        assert cycles is not None
        assert sum(cycles) == wafer.block**2 * demo_telemetry(demo_ready(), 0).elapsed_cycles
        caption = str(app.query_one("#wafer-caption").render())
        assert str(moved[0]) in caption
        assert str(moved[1]) in caption
        assert region.label in caption


async def test_the_core_under_the_mouse_is_read(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.core_count)
        await pilot.hover(WaferMap, offset=(wafer.size.width // 2, wafer.size.height // 2))
        await until(pilot, lambda: wafer.pointed_core is not None)
        await pilot.hover("#status")
        await until(pilot, lambda: wafer.pointed_core is None)


async def test_a_core_between_the_regions_belongs_to_none(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.core_count)
        assert wafer.core_facts((0, 0)) == (None, None)
        first = demo_ready().machine.regions[0]
        assert wafer.core_facts((first.x, first.y)) == (first, None)


async def test_the_last_picture_dims_when_nothing_runs(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(1)
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.states is not None)
        await pilot.pause()
        bright = [strip.text for strip in wafer._strips], wafer._strips[0]
        client.on_event(demo_telemetry(demo_ready(), 1, busy=False))
        await until(pilot, lambda: wafer._dimmed)
        assert [strip.text for strip in wafer._strips] == bright[0]
        assert wafer._strips[0] != bright[1]
        client.work(1)
        await until(pilot, lambda: not wafer._dimmed)


async def test_counters_of_another_placement_do_no_harm(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        wafer = app.query_one(WaferMap)
        await until(pilot, lambda: wafer.core_count)
        client.work(1)
        await until(pilot, lambda: wafer.states is not None)
        before = wafer.states
        wafer.show_states(WatchedCores(0, 0, 5, 1, 5, 1), b"\1\0\0\0\0\0\0\0" * 6 * 5)
        await pilot.hover(WaferMap, offset=(wafer.size.width // 2, wafer.size.height // 2))
        await pilot.pause()
        assert wafer.states is before


async def test_an_engine_that_does_not_answer_is_waited_for_in_words(
    make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.flows.suggestions.ghost_writer._PATIENCE", 0.05)
    client.answer = None
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        await pilot.press("x")
        await until(pilot, lambda: "suggestion on its way" in str(app.status.render()))
        await pilot.press("up")
        await until(pilot, lambda: "suggestion on its way" not in str(app.status.render()))
