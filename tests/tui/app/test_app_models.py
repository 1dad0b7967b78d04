"""Models in the running app: changed, offered once, fetched with consent, killed and remembered."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

import engine
from engine import Adapted, AdaptProgress, ModelKilled, model_store
from engine.errors import AdaptCancelledError, AdaptError, PullCancelledError, StoreError
from engine.model_store import FetchedModel, PullProgress
from engine.notes import write_note
from engine.protocol.messages import Complete, Completed, Progress, SessionFailed, Watch
from engine.protocol.training import TrainingScene
from tests.tui.app.fakes import FakeClient, until
from tui.app import SparkApp
from tui.command_palette import ModelCommands
from tui.demo_engine import demo_completion, demo_ready, demo_telemetry
from tui.demo_training import demo_scene
from tui.files.offer_note import OfferNote, read_offer
from tui.flows.models import model_adapt
from tui.screens.line_input import LineInputScreen
from tui.screens.question import QuestionScreen
from tui.settings import Settings, SuggestionSettings
from tui.user_folders import offer_file
from tui.widgets.training_pane import TrainingPane

MakeApp = Callable[..., SparkApp]
SIZE = (180, 40)
GREETING = "package/greeting.py"
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
CODER = "qwen2.5-coder-0.5b"


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(answer="suggested = 1")


def status(app: SparkApp) -> str:
    return str(app.status.render())


def notices(app: SparkApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def asked(client: FakeClient) -> list[int]:
    return [message.session for message in client.sent if isinstance(message, Complete)]


# ── another model ───────────────────────────────────────────────────────────────────────────


async def test_the_old_model_serves_until_the_new_one_is_ready(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        app.models.choose("/models/big.gguf")
        assert client.opened == ["/models/big.gguf"]
        client.on_event(Progress("kernels", 3, 17, "preparing matmul", session=2))
        await until(pilot, lambda: "big: preparing matmul 17" in status(app))
        await pilot.press("x")
        await until(pilot, lambda: asked(client)[-1:] == [1])
        client.ready(session=2, name="big")
        await until(pilot, lambda: "big on wse3" in status(app))
        assert client.dropped == [1]
        assert Watch(2, 200, client.watched) in client.sent
        assert "big serves now" in notices(app)
        await pilot.press("y")
        await until(pilot, lambda: asked(client)[-1] == 2)
        memory = app.panes.query_one("#memory").render()
        assert "big" in str(memory)


async def test_numbers_of_the_new_model_replace_the_old_ones(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(5)
        await until(pilot, lambda: "316" in str(app.panes.query_one("#memory").render()))
        app.models.choose("big")
        client.ready(session=2, name="big")
        client.on_event(demo_telemetry(demo_ready(), 9))  # late, of the old one
        await until(pilot, lambda: " 0/2 048" in str(app.panes.query_one("#memory").render()))
        client.work(2, session=2)
        await until(pilot, lambda: "313" in str(app.panes.query_one("#memory").render()))


async def test_a_model_that_cannot_be_opened_leaves_the_old_one(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
        client.ready()
        app.models.choose("big")
        client.on_event(SessionFailed(2, "big needs about 9.0 GB of memory"))
        await until(pilot, lambda: "needs about 9.0 GB" in notices(app))
        assert "spark-demo" in status(app)
        await pilot.press("x")
        await until(pilot, lambda: asked(client)[-1:] == [1])


async def test_the_newest_choice_counts(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        app.models.choose("one")
        app.models.choose("two")
        assert client.dropped == [2]
        client.ready(session=2, name="one")  # it was ready before it heard
        client.ready(session=3, name="two")
        await until(pilot, lambda: "two on wse3" in status(app))
        assert "one" not in notices(app)


async def test_prefix_only_is_said(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        app.models.choose("smollm2-135m")
        client.ready(session=2, name="smollm2-135m", fill_in_the_middle=False)
        await until(pilot, lambda: "only what stands before the cursor" in notices(app))
        assert "prefix only" in str(app.panes.query_one("#memory").render())


async def test_a_killed_model_is_said_and_remembered(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.on_event(
            ModelKilled(1, f"/m/{CODER}.gguf", "spark-nano", "killed; spark-nano serves instead")
        )
        client.ready(name="spark-nano")
        await until(pilot, lambda: "spark-nano serves instead" in notices(app))
        assert model_store.was_killed(CODER)
        app.models.choose(CODER)
        client.ready(session=2, name=CODER)
        await until(pilot, lambda: not model_store.was_killed(CODER))


# ── a model in another engine ───────────────────────────────────────────────────────────────

ELSEWHERE = "openai:https://models.example.org/v1#coder-32b"


async def test_a_model_elsewhere_is_chosen_after_a_yes_for_its_host(
    make_app: MakeApp, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await choose_elsewhere(app, pilot)
        app.screen.query_one(Input).value = "http://models.example.org"
        await pilot.press("enter")
        assert "no address of a model" in str(app.screen.query_one(".dialog-problem").render())
        app.screen.query_one(Input).value = ELSEWHERE
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        assert client.opened == []
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, QuestionScreen))
        assert client.opened == []
        await choose_elsewhere(app, pilot)
        app.screen.query_one(Input).value = ELSEWHERE
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("y")
        await until(pilot, lambda: client.opened == [ELSEWHERE])
        assert "coder-32b" in status(app)
        await choose_elsewhere(app, pilot)
        assert app.screen.query_one(Input).value == ELSEWHERE
        await pilot.press("enter")  # agreed before: no question
        await until(pilot, lambda: client.opened == [ELSEWHERE, ELSEWHERE])


async def choose_elsewhere(app: SparkApp, pilot: Pilot[None]) -> None:
    provider = ModelCommands(app.screen)
    await provider.startup()
    (hit,) = [hit async for hit in provider.search("another engine")]
    hit.command()
    await until(pilot, lambda: isinstance(app.screen, LineInputScreen))


# ── the palette ─────────────────────────────────────────────────────────────────────────────


async def test_the_palette_lists_models_and_offers(
    make_app: MakeApp, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HF_HOME", "OLLAMA_MODELS", "HOME", "SPARK_MODELS_DIR", "SPARK_CACHE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        provider = ModelCommands(app.screen)
        await provider.startup()
        found = {str(hit.text): hit async for hit in provider.discover()}
        assert "bundled, llama, 14 MB" in str(found["Model: spark-nano"].help)
        assert "serves now" not in str(found["Model: spark-nano"].help)
        assert "478 MB, Apache-2.0" in str(found[f"Model: fetch {CODER}"].help)
        assert "Model: fetch gemma3-270m" not in found  # not offered
        hits = [hit async for hit in provider.search("spark-nano")]
        hits[0].command()
        assert [Path(str(place)).name for place in client.opened] == ["spark-nano"]
        client.ready(session=2, name="spark-nano")
        await until(pilot, lambda: app.models.serving == "spark-nano")
        hits = [hit async for hit in provider.search("spark-nano")]
        assert "serves now" in str(hits[0].help)


async def test_brackets_in_names_are_no_markup_in_the_palette(
    make_app: MakeApp, client: FakeClient, repository: Path
) -> None:
    (repository / "x[").mkdir()
    (repository / "x[/b]@click=quit.py").write_text("a = 1\n")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        await pilot.press("ctrl+p")
        await pilot.press(*"quit.py")
        await until(pilot, lambda: app.screen.query("OptionList").first().option_count == 1)
        (option,) = app.screen.query("OptionList").first().options
        assert "x[/b]@click=quit.py" in str(option.prompt)


# ── the offer ───────────────────────────────────────────────────────────────────────────────


class Store:
    """A store that fetches when it is told to."""

    def __init__(self) -> None:
        self.pulled: list[str] = []
        self.go_on = threading.Event()
        self.problem: StoreError | None = None

    def pull(
        self,
        name: str,
        *,
        on_progress: Callable[[PullProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.pulled.append(name)
        on_progress(PullProgress(name, "fetching", "packages", 167, 491, 5.1e6, 63.0))
        while not self.go_on.wait(0.01):
            if cancelled():
                raise PullCancelledError("stopped")
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    store = Store()
    monkeypatch.setenv("SPARK_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "pull", store.pull)
    monkeypatch.setattr(model_store.choice, "available_bytes", lambda: 16_000_000_000)
    yield store
    store.go_on.set()


async def offered(pilot: Pilot[Any], app: SparkApp) -> QuestionScreen:
    await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
    assert isinstance(app.screen, QuestionScreen)
    return app.screen


async def test_yes_fetches_in_the_background_and_then_serves(
    make_app: MakeApp, client: FakeClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(offer_model=True)
    async with app.run_test(size=SIZE) as pilot:
        question = await offered(pilot, app)
        for words in ("478 MB", "Apache-2.0", "53 of 100", "spark-nano serves meanwhile"):
            assert words in question._text
        assert store.pulled == []
        client.ready(name="spark-nano")
        await pilot.press("y")
        await until(pilot, lambda: f"fetching {CODER} 34.0%, 5.1 MB/s, 1:03 left" in status(app))
        assert store.pulled == [CODER]
        assert client.opened == []
        path = Path("/models") / f"{CODER}.gguf"
        there = (FetchedModel(CODER, path, 1, None),)
        monkeypatch.setattr(model_store, "installed", lambda: there)
        store.go_on.set()
        await until(pilot, lambda: client.opened == [str(path)])
        client.ready(session=2, name=CODER)
        await until(pilot, lambda: f"{CODER} on wse3" in status(app))
        assert read_offer(offer_file()) == OfferNote(answered=True)


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_no_is_the_last_word(
    make_app: MakeApp, client: FakeClient, store: Store, key: str
) -> None:
    app = make_app(offer_model=True)
    async with app.run_test(size=SIZE) as pilot:
        await offered(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: read_offer(offer_file()).answered)
    again = make_app(offer_model=True)
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        await pilot.pause(0.1)
        assert not isinstance(again.screen, QuestionScreen)
    assert store.pulled == []


async def test_nobody_is_asked_without_leave(
    make_app: MakeApp, client: FakeClient, store: Store
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        await pilot.pause(0.1)
        assert not isinstance(app.screen, QuestionScreen)


async def test_the_next_start_goes_on_with_what_was_agreed_to(
    make_app: MakeApp, client: FakeClient, store: Store
) -> None:
    app = make_app(offer_model=True)
    async with app.run_test(size=SIZE) as pilot:
        await offered(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: store.pulled)
        await pilot.press("ctrl+q")
    assert read_offer(offer_file()) == OfferNote(answered=True, fetching=CODER)
    again = make_app(offer_model=True)
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(store.pulled) == 2)
        await until(pilot, lambda: again.models.fetching == CODER)
        again.models.stop_fetching()
        await until(pilot, lambda: again.models.fetching is None)
        assert "no longer fetched" in notices(again)
    assert read_offer(offer_file()) == OfferNote(answered=True)


async def test_what_cannot_be_fetched_is_said_and_spark_nano_goes_on(
    make_app: MakeApp, client: FakeClient, store: Store
) -> None:
    write_note(offer_file(), OfferNote(True, CODER))
    store.problem = StoreError("the disk is full")
    store.go_on.set()
    app = make_app(offer_model=True)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "the disk is full" in notices(app))
        assert client.opened == []
    assert read_offer(offer_file()) == OfferNote(answered=True)


# ── how fast it is ──────────────────────────────────────────────────────────────────────────


async def test_the_speed_of_a_fetched_model_is_measured_once(
    make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (FetchedModel("spark-demo", Path("/m"), 1, None),)
    monkeypatch.setattr(model_store, "installed", lambda: there)
    app = make_app()
    completion = demo_completion("x")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        for number, speed in enumerate((3.0, 18.0, 17.0, 20.0, 2.0, 99.0, 99.0)):
            host = replace(completion.host, tokens_per_second=speed)
            client.on_event(Completed(number, replace(completion, host=host)))
        await until(pilot, lambda: model_store.speed_of("spark-demo") == 17.0)
        assert "99.0 tok/s" in str(app.panes.query_one("#memory").render())


# ── a model that learns the repository ──────────────────────────────────────────────────────


class FakeAdapting:
    """A run that reports once, then ends as it is told to, or when it is stopped."""

    made: "list[FakeAdapting]" = []  # noqa: RUF012

    def __init__(
        self,
        folder: Path,
        *,
        model: str | None = None,
        private_patterns: tuple[str, ...] = (),
        scene: bool = False,
    ) -> None:
        self.folder, self.model, self.private_patterns = folder, model, private_patterns
        assert scene, "the panes show a step of it"
        self.ended, self.closed = threading.Event(), threading.Event()
        self.end: Adapted | Exception | None = None
        self.made.append(self)

    def follow(
        self,
        on_progress: Callable[[AdaptProgress], None],
        on_scene: Callable[[TrainingScene], None],
    ) -> Adapted:
        on_scene(demo_scene())
        on_progress(AdaptProgress("planned", 0.0, "learns about 200 tokens a second"))
        on_progress(AdaptProgress("learning", 0.25, "step 9", 9))
        assert self.ended.wait(10)
        if isinstance(self.end, Adapted):
            return self.end
        raise self.end or AdaptCancelledError("stopped")

    def stop(self) -> None:
        self.ended.set()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def adapting(monkeypatch: pytest.MonkeyPatch) -> list[FakeAdapting]:
    monkeypatch.setattr(engine, "AdaptingProcess", FakeAdapting, raising=False)
    FakeAdapting.made = []
    return FakeAdapting.made


def result(*, kept: bool) -> Adapted:
    path = "/models/spark-nano+shop" if kept else None
    return Adapted(
        "spark-nano+shop", kept, "not kept: no better", path, 0, "/shop", {}, 1, 1, 1, 1.0, [], {}
    )


async def commands(app: SparkApp) -> dict[str, Callable[[], object]]:
    provider = ModelCommands(app.screen)
    await provider.startup()
    return {name: run for name, _, run in provider._commands()}


async def test_the_palette_teaches_the_repository_and_stops(
    make_app: MakeApp, client: FakeClient, adapting: list[FakeAdapting]
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        (await commands(app))["Model: adapt to this repository"]()
        await until(pilot, lambda: "this repository: learning 25" in status(app))
        assert adapting[0].folder == app.rules.root
        assert adapting[0].model is None
        assert "learns about 200 tokens a second" in notices(app)
        pane = app.query_one(TrainingPane)
        assert "spark-demo learns; learning: step 9." in pane.words()
        assert pane.values()["layout"] == "resident"
        assert "Model: adapt to this repository" not in await commands(app)
        app.models.adapt(app.rules.root, ())
        await until(pilot, lambda: "one at a time" in notices(app))
        (await commands(app))["Model: stop adapting"]()
        await until(pilot, adapting[0].closed.is_set)
        await until(pilot, lambda: "learning" not in status(app))
        assert "what it learnt so far is kept" in notices(app)
        assert "no model learns" in pane.words()
        assert len(adapting) == 1


async def test_the_model_that_serves_is_taught_if_it_is_another_one(
    make_app: MakeApp,
    client: FakeClient,
    adapting: list[FakeAdapting],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await until(pilot, lambda: app.models.serving is not None)
        name = f"Model: adapt {app.models.serving} to this repository"
        assert name not in await commands(app)  # nobody knows where it lies
        listed = engine.list_models()
        large = replace(listed.models[0], name=app.models.serving, source="folder", path="/m.gguf")
        monkeypatch.setattr(
            "tui.command_palette._models_and_offers",
            lambda folders: (replace(listed, models=(large,)), []),
        )
        (await commands(app))[name]()
        await until(pilot, lambda: len(adapting) == 1)
        assert adapting[0].model == "/m.gguf"
        assert name not in await commands(app)
        adapting[0].stop()


async def test_what_was_learnt_serves_if_it_is_better(
    make_app: MakeApp, client: FakeClient, adapting: list[FakeAdapting]
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        for kept in (False, True):
            app.models.adapt(app.rules.root, ())
            await until(pilot, lambda kept=kept: len(adapting) == 1 + kept)
            adapting[-1].end = result(kept=kept)
            adapting[-1].stop()
            await until(pilot, lambda: not app.models.adapting)
            assert client.opened[:1] == (["spark-nano+shop"] if kept else [])
        assert "not kept: no better" in notices(app)


async def test_teaching_that_fails_says_why_and_the_end_of_the_app_ends_it(
    make_app: MakeApp, client: FakeClient, adapting: list[FakeAdapting]
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        app.models.adapt(app.rules.root, ())
        await until(pilot, lambda: bool(adapting))
        adapting[0].end = AdaptError("the disk is full")
        adapting[0].stop()
        await until(pilot, lambda: "the disk is full" in notices(app))
        app.models.adapt(app.rules.root, ())
        await until(pilot, lambda: len(adapting) == 2)
        await app.end_quietly()
    assert adapting[1].ended.is_set()


async def test_keys_in_the_editor_let_the_teaching_wait(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[bool] = []
    monkeypatch.setattr(engine, "note_typing", lambda: typed.append(True), raising=False)
    now = [100.0]
    monkeypatch.setattr(model_adapt, "monotonic", lambda: now[0])
    app = make_app(GREETING)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None)
        await pilot.press("x", "y", "z")
        await until(pilot, lambda: app.editor is not None and "xyz" in app.editor.text)
        assert len(typed) == 1  # within a second
        now[0] += 2.0
        await pilot.press("a")
        await until(pilot, lambda: len(typed) == 2)
