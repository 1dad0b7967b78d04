"""A session that is recorded in the running app, and played again."""

import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from engine import paths
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.assist.recording.events import FileSeen, PlaceSeen, SessionBegan, TextChanged
from tui.assist.recording.session_file import RecordedSession, read_session
from tui.flows.replay_flow import folder_name, lay_out_files
from tui.replay_app import ReplayApp
from tui.settings import Settings, SuggestionSettings
from tui.widgets.throughput_pane import ThroughputPane

MakeApp = Callable[..., SparkApp]
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))
GREETING = "package/greeting.py"
SIZE = (120, 40)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(answer="value = compute(1)\n    return value")


def status(app: SparkApp) -> str:
    return str(app.status.render())


async def record(make_app: MakeApp, client: FakeClient, file: Path) -> tuple[str, str]:
    """Type, accept, dismiss and undo; return the text in the end and the throughput pane's."""
    app = make_app(GREETING, settings=AT_ONCE)
    app.record_to = file
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None and client.started.is_set())
        assert "● rec" in status(app)
        client.ready()
        app.editor.go_to(6, len(app.editor.document[5]) + 1)
        app.editor.insert("\n    ")
        await until(pilot, lambda: app.editor.ghost)
        client.work(12)
        await pilot.press("ctrl+right", "tab", "x", "escape", "ctrl+z", "y")
        client.answer = None
        await settled(pilot)
        return app.editor.text, str(app.query_one(ThroughputPane).render())


async def test_a_played_session_ends_as_the_recorded_one(
    make_app: MakeApp, client: FakeClient, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    text, throughput = await record(make_app, client, file)
    session, root = read_session(file), tmp_path / "played"
    root.mkdir()
    lay_out_files(session.events, root)
    app = ReplayApp(session, root, speed=1000)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.replay.done)
        await settled(pilot)
        assert app.editor.text == text
        assert str(app.query_one(ThroughputPane).render()) == throughput
        assert "■ replay" in status(app)
        assert "q closes" in status(app)
        assert any("Space pauses" in note.message for note in app._notifications)


async def test_playing_changes_no_file_and_no_key_does(
    make_app: MakeApp, client: FakeClient, tmp_path: Path, repository: Path
) -> None:
    file, before = tmp_path / "session.jsonl", (repository / GREETING).read_text()
    text, _ = await record(make_app, client, file)
    session, root = read_session(file), tmp_path / "played"
    root.mkdir()
    lay_out_files(session.events, root)
    app = ReplayApp(session, root, speed=1000)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.replay.done)
        await pilot.press("z", "backspace", "ctrl+s", "tab")
        await settled(pilot)
        assert app.editor.text == text
    assert (repository / GREETING).read_text() == before
    assert (root / GREETING).read_text() == before


async def test_space_pauses_and_plus_and_minus_change_the_speed(
    make_app: MakeApp, client: FakeClient, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    await record(make_app, client, file)
    session, root = read_session(file), tmp_path / "played"
    root.mkdir()
    lay_out_files(session.events, root)
    app = ReplayApp(session, root, speed=1)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
        await pilot.press("space")
        await until(pilot, lambda: "‖ replay" in status(app))
        await pilot.press("plus", "plus", "minus")
        await until(pilot, lambda: "×2" in status(app))
        await pilot.press("space")
        app.replay.speed = 1000
        await until(pilot, lambda: app.replay.done)
        await pilot.press("f1")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_secret_files_are_not_recorded(
    make_app: MakeApp, client: FakeClient, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    app = make_app(".env", settings=AT_ONCE)
    app.record_to = file
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None)
        await pilot.press("s", "e", "c", "r", "e", "t")
        await settled(pilot)
    content = file.read_text()
    assert "TOKEN" not in content
    assert ".env" not in content
    assert '"cursor":[0,6]' not in content


async def test_the_palette_asks_records_and_stops(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None)
        await app.run_action("toggle_recording")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("n")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.recording.path is None
        await app.run_action("toggle_recording")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("r")
        await until(pilot, lambda: app.recording.path is not None)
        path = app.recording.path
        await app.run_action("toggle_recording")
        assert "rec" not in status(app)
    assert read_session(path).began.root.endswith("demo")


async def test_with_private_patterns_unknown_nothing_is_recorded(
    make_app: MakeApp, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    app = make_app(GREETING, settings=AT_ONCE)
    app.record_to, app.privacy_known = file, False
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "nothing is recorded" in str([each.message for each in app._notifications])
    assert not file.exists()


async def test_a_full_disk_ends_the_recording_not_the_session(
    make_app: MakeApp, client: FakeClient, tmp_path: Path
) -> None:
    app = make_app(GREETING, settings=AT_ONCE)
    app.record_to = tmp_path / "session.jsonl"
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None)

        def full(event: object) -> bool:
            raise OSError(28, "No space left on device")

        app.recording._writer.write = full
        await pilot.press("x")
        await settled(pilot)
        assert app.recording.path is None
        assert app.editor.text.startswith("x")
        assert "No space left" in str([each.message for each in app._notifications])


def test_files_of_a_session_stay_in_their_folder(tmp_path: Path) -> None:
    from tui.assist.recording.events import FileSeen

    names = ("../../up.py", "/etc/passwd", "a/b.py", "..", "", "x\0y")
    events = tuple(FileSeen(0, name, "text") for name in names)
    root = tmp_path / "played"
    root.mkdir()
    lay_out_files(RecordedSession(SessionBegan(1, "", "", ""), events, 0).events, root)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert found == ["played/a/b.py", "played/up.py"]
    assert (root / "passwd").read_text() == "text"


async def test_a_session_that_nobody_recorded_is_played_to_its_end(tmp_path: Path) -> None:
    far = 2**62
    events = (
        FileSeen(0, "a.py", "x = 1\n", (far, far)),
        TextChanged(1, (-far, -1), (far, far), "a\x1b]0;P\x07\nb", "typed", (-1, -1)),
        PlaceSeen(2, (far, -far), (-far, far)),
        TextChanged(3, (1, 9), (0, 9), "c", "loaded", (1, -1)),
        FileSeen(4, "n" * 300, "x"),
        TextChanged(5, (0, 0), (0, 0), "y", "typed", (0, 1)),
        FileSeen(6, "a.py", None, (-1, -1)),
    )
    session = RecordedSession(SessionBegan(1, "", "", "/x"), events, 0)
    lay_out_files(events, tmp_path)
    app = ReplayApp(session, tmp_path, speed=1000)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.replay.done)
        assert app.editor.text == "a\x1b]0;P\x07c"


def test_no_name_in_a_session_leads_out_of_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "in" / "root"
    root.mkdir(parents=True)
    names = [
        "../a.py",
        "/b.py",
        "c.py",
        "c.py/d.py",
        "n" * 300,
        "e\0.py",
        "..",
        "",
        "/",
        "f/../g.py",
    ]
    lay_out_files([FileSeen(0, name, name) for name in names], root)
    found = {path.relative_to(tmp_path / "in").as_posix() for path in root.rglob("*")}
    assert found == {"root/a.py", "root/b.py", "root/c.py", "root/e.py", "root/g.py"}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]
    assert (root / "c.py").read_text() == "c.py"


@pytest.mark.parametrize(
    ("recorded", "name"),
    [("/home/ada/demo", "demo"), ("/home/ada/..", "session"), ("/", "session"), ("", "session"),
     ("/a\0b", "ab"), ("/" + "n" * 400, "n" * 60)],
)  # fmt: skip
def test_the_folder_of_a_session_has_a_plain_name(recorded: str, name: str) -> None:
    assert folder_name(recorded) == name


async def test_the_palette_plays_recorded_sessions_and_the_app_comes_back(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = paths.state_dir() / "sessions"
    (nothing,) = make_app(GREETING).recording_commands()
    assert nothing[0] == "Play a recording"
    folder.mkdir(parents=True)
    for name in ("2026-01-02-030405", "2026-01-02-030406", "mine"):
        (folder / f"{name}.jsonl").write_text("{}\n")
    app = make_app(GREETING)
    ran: list[list[str]] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, len(ran) - 1)

    monkeypatch.setattr(subprocess, "run", run)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None)
        monkeypatch.setattr(app, "suspend", nullcontext)
        told: list[str] = []
        monkeypatch.setattr(app, "notify", lambda words, **_: told.append(words))
        offered = {name: play for name, _, play in app.recording_commands()}
        assert list(offered) == [
            "Play the recording of mine",
            "Play the recording of 2026-01-02 03:04:06",
            "Play the recording of 2026-01-02 03:04:05",
        ]
        offered["Play the recording of 2026-01-02 03:04:05"]()
        assert ran[0][-2:] == ["replay", str(folder / "2026-01-02-030405.jsonl")]
        assert not told
        offered["Play the recording of mine"]()  # it ends with an error
        assert "could not be played" in told[0]
