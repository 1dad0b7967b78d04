"""Pictures of the screens; a change of one is looked at before it is accepted.

`pytest tests/tui/app/test_screens.py --snapshot-update` takes them anew.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine import host_memory, model_store
from engine.protocol.messages import Answered, Ask
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.app_messages import BackgroundWork
from tui.assist.numbers.counts import DailyCounts, OutcomeCounts, SuggestionKind
from tui.assist.numbers.figures import TIMES
from tui.demo_engine import demo_ready, demo_reply, demo_telemetry
from tui.screens.help import HelpScreen
from tui.screens.numbers import NumbersScreen
from tui.screens.question import QuestionScreen
from tui.settings import Settings, SuggestionSettings

MakeApp = Callable[..., SparkApp]
Act = Callable[[Pilot[Any]], Awaitable[None]]
GREETING = "package/greeting.py"


def columns_by_rows(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(
        answer='for name in sorted(names):\n        yield greet(name)\n    print("done")'
    )


@pytest.fixture
def snap(snap_compare: Any) -> Any:
    """Compare the screen once it rests after what a test does."""

    def compare(app: SparkApp, size: tuple[int, int], act: Act) -> bool:
        async def run_before(pilot: Pilot[Any]) -> None:
            await act(pilot)
            await settled(pilot)

        result: bool = snap_compare(app, terminal_size=size, run_before=run_before)
        return result

    return compare


@pytest.fixture
def started(client: FakeClient) -> Act:
    """Wait until tree and file are there, then let the engine be ready."""

    async def act(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, SparkApp)
        await until(pilot, lambda: app.repo_tree.root.children and client.started.is_set())
        await until(pilot, lambda: app._first_file is None or app.status.view.line == 9)
        client.ready()
        await pilot.pause()

    return act


@pytest.fixture
def make_app(make_app: MakeApp) -> MakeApp:
    """No suggestion comes by itself: whether one has come yet would be on the picture."""
    calm = SuggestionSettings(delay_ms=10_000, adaptive_delay=False, ahead=False)

    def make(*arguments: Any, **options: Any) -> SparkApp:
        return make_app(*arguments, **{"settings": Settings(suggestions=calm), **options})

    return make


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)], ids=columns_by_rows)
def test_first_screen(
    snap: Any, make_app: MakeApp, client: FakeClient, size: tuple[int, int]
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, SparkApp)
        await until(pilot, lambda: app.repo_tree.root.children and client.started.is_set())

    assert snap(make_app(), size, act)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)], ids=columns_by_rows)
def test_compiling(snap: Any, make_app: MakeApp, client: FakeClient, size: tuple[int, int]) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, SparkApp)
        await until(pilot, lambda: app.repo_tree.root.children and app.status.view.line == 9)
        await until(pilot, client.started.is_set)
        client.compile(7, 17, "compiling attention")
        await pilot.pause()

    assert snap(make_app(GREETING, line=9), size, act)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60)], ids=columns_by_rows)
def test_the_wafer_at_work(
    snap: Any, make_app: MakeApp, client: FakeClient, started: Act, size: tuple[int, int]
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        client.work(48)
        if size[0] < 120:
            await pilot.press("f2")
        await pilot.pause()

    assert snap(make_app(GREETING, line=9), size, act)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=columns_by_rows)
def test_a_question_and_its_answer(
    snap: Any, make_app: MakeApp, client: FakeClient, started: Act, size: tuple[int, int]
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        client.ready(follows_instructions=True)
        await pilot.press("alt+a", *"What is greet?", "enter")
        await until(pilot, lambda: any(isinstance(each, Ask) for each in client.sent))
        (ask,) = (each for each in client.sent if isinstance(each, Ask))
        client.on_event(Answered(ask.request_id, demo_reply()))
        await settled(pilot)
        await pilot.press("tab")

    assert snap(make_app(GREETING, line=9), size, act)


def test_a_suggestion(
    snap: Any,
    make_app: MakeApp,
    client: FakeClient,
    started: Act,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.visuals.status_text.milliseconds_text", lambda value: "42 ms")

    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        app = pilot.app
        assert isinstance(app, SparkApp)
        client.work(12)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.editor is not None and app.editor.ghost)

    settings = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
    app = make_app(GREETING, line=9, settings=settings)
    assert snap(app, (120, 40), act)


@pytest.mark.parametrize("look", ["textual-light", "ansi-dark", "no colours"])
def test_every_look(
    snap: Any,
    make_app: MakeApp,
    client: FakeClient,
    started: Act,
    monkeypatch: pytest.MonkeyPatch,
    look: str,
) -> None:
    monkeypatch.setattr("tui.visuals.status_text.milliseconds_text", lambda value: "42 ms")

    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        app = pilot.app
        assert isinstance(app, SparkApp)
        client.work(12)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.editor is not None and app.editor.ghost)
        await pilot.press("shift+up")
        await until(pilot, lambda: app.editor is not None and not app.editor.ghost)

    settings = Settings(suggestions=SuggestionSettings(delay_ms=0))
    if look == "no colours":
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        settings = replace(settings, theme=look)
    assert snap(make_app(GREETING, line=9, settings=settings), (120, 40), act)


def test_nothing_runs_any_more(
    snap: Any, make_app: MakeApp, client: FakeClient, started: Act
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        client.work(12)
        await pilot.pause()
        client.on_event(demo_telemetry(demo_ready(), 12, busy=False))
        await pilot.pause()

    assert snap(make_app(GREETING, line=9), (120, 40), act)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=columns_by_rows)
def test_a_model_is_offered(
    snap: Any,
    make_app: MakeApp,
    started: Act,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("SPARK_MODELS_DIR", str(tmp_path))
    for place in (host_memory, model_store.choice):
        monkeypatch.setattr(place, "available_bytes", lambda: 16_000_000_000)

    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))
        await started(pilot)

    assert snap(make_app(GREETING, line=9, offer_model=True), size, act)


def test_a_model_is_fetched(snap: Any, make_app: MakeApp, started: Act) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        app = pilot.app
        assert isinstance(app, SparkApp)
        work = BackgroundWork("qwen2.5-coder-0.5b", "fetching", 0.34, 5.1e6, 63.0)
        app.status.show(background=work)

    assert snap(make_app(GREETING, line=9), (80, 24), act)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_one_pane(
    snap: Any, make_app: MakeApp, client: FakeClient, started: Act, times: int
) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        client.work(48)
        await pilot.pause()
        await pilot.press(*["f3"] * times)
        if times == 1:
            await pilot.press("f6", "right")

    assert snap(make_app(GREETING, line=9), (120, 40), act)


def test_help(snap: Any, make_app: MakeApp, started: Act) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.pause()

    assert snap(make_app(GREETING, line=9), (120, 60), act)


@pytest.mark.parametrize("size", [(120, 40), (40, 12)], ids=columns_by_rows)
def test_quit_dialog(snap: Any, make_app: MakeApp, started: Act, size: tuple[int, int]) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        await pilot.press("f4", "x", "ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionScreen))
        await pilot.pause()

    assert snap(make_app(GREETING, line=9), size, act)


def test_the_numbers(snap: Any, make_app: MakeApp, started: Act) -> None:
    """At the least size that all fits."""
    counts, today = DailyCounts(), dt.date(2026, 11, 30)
    for file_type, shown in (("py", 1_204), ("go", 96), ("md", 3)):
        counts.of(today.isoformat(), SuggestionKind("spark-demo", file_type)).add(
            OutcomeCounts(
                shown=shown,
                accepted=shown // 3,
                dismissed=shown // 2,
                held_back=shown // 5,
                accept_keys={"all": shown // 4, "word": shown // 9},
                characters_accepted=9 * shown,
                characters_typed=20 * shown,
                looked={30: shown // 3, 120: shown // 4},
                still_there={30: shown // 4, 120: shown // 5},
                times={name: {40 + step: shown} for step, name in enumerate(TIMES)},
            )
        )

    async def act(pilot: Pilot[Any]) -> None:
        await started(pilot)
        pilot.app.push_screen(NumbersScreen(counts, today))
        await until(pilot, lambda: isinstance(pilot.app.screen, NumbersScreen))
        await pilot.press("down")

    assert snap(make_app(GREETING, line=9), (80, 24), act)


def test_every_picture_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    """The plugin says so too, but not where workers share the files."""
    items = [item for item in request.session.items if item.path == request.path]
    if {item.originalname for item in items} < {name for name in globals() if name[:5] == "test_"}:
        pytest.skip("some tests of this file were left out")
    pictures = {
        path.stem for path in (request.path.parent / "__snapshots__/test_screens").iterdir()
    }

    assert pictures <= {item.name for item in items}
