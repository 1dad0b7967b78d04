"""Files in the app, by keyboard alone; and other programs at the same files."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.messages import Complete
from tests.tui.app.fakes import FakeClient, until
from tui.app import SparkApp
from tui.documents import Document
from tui.paths import recovery_dir
from tui.recovery import RecoveryStore
from tui.screens.line_input import LineInputScreen
from tui.screens.question import QuestionScreen
from tui.settings import PaneSettings, PrivacySettings, Settings

MakeApp = Callable[..., SparkApp]
SIZE = (80, 16)
NO_PANES = Settings(panes=PaneSettings(visible=False))  # half the work of every picture
GREETING = "package/greeting.py"


def asked(app: SparkApp) -> bool:
    return isinstance(app.screen, QuestionScreen)


def notices(app: SparkApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def open_text(app: SparkApp) -> str:
    assert app.editor is not None
    return app.editor.text


def touch_later(path: Path) -> None:
    """Move a file's time on, as a clock coarser than this test would not."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def write_elsewhere(path: Path, text: str) -> None:
    path.write_text(text)
    touch_later(path)


async def test_open_from_the_tree_edit_and_save_by_keyboard_alone(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+b")
        await until(pilot, lambda: len(app.repo_tree.root.children) == 4)
        await pilot.press("down", "enter")  # the folder "package"
        await until(pilot, lambda: len(app.repo_tree.root.children[0].children) == 2)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
        await pilot.press("x", "y")
        assert app.status.view.unsaved
        assert app.status.view.column == 3
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    text = (repository / GREETING).read_text()
    assert text.startswith('xy"""Say hello."""\n')


async def test_the_tree_shows_what_git_does_not_ignore(make_app: MakeApp) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.repo_tree.root.children)
        names = [str(node.label) for node in app.repo_tree.root.children]
        assert names == ["package", ".env", ".gitignore", "notes.md"]


async def test_the_tree_reads_the_folders_again(make_app: MakeApp, repository: Path) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.repo_tree.root.children)
        (repository / "late.py").write_text("")
        (repository / ".gitignore").write_text("*.md\n")
        await pilot.press("ctrl+b", "r")
        await until(
            pilot,
            lambda: (
                [str(node.label) for node in app.repo_tree.root.children]
                == ["build", "package", ".env", ".gitignore", "debug.log", "late.py"]
            ),
        )


async def test_a_file_is_found_by_parts_of_its_path(make_app: MakeApp) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+o")
        await pilot.pause()
        await pilot.press(*"pkggreet")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: app.status.view.path == GREETING)


async def test_it_opens_at_a_line(make_app: MakeApp) -> None:
    app = make_app(GREETING, line=5, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.line == 5)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press(*"9:5", "enter")
        await until(pilot, lambda: (app.status.view.line, app.status.view.column) == (9, 5))


async def test_a_new_file_with_the_folder_on_the_way(make_app: MakeApp, repository: Path) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.repo_tree.root.children)
        await pilot.press("ctrl+b", "n")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press(*"new/deep/file.py", "enter")
        await until(pilot, lambda: app.status.view.path == "new/deep/file.py")
        await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
        await pilot.press("a", "ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
        await until(pilot, lambda: str(app.repo_tree.root.children[0].label) == "new")
    assert (repository / "new" / "deep" / "file.py").read_text() == "a"


async def test_a_name_that_cannot_be_is_refused_where_it_is_typed(make_app: MakeApp) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        for name, problem in (
            ("notes.md", "exists already"),
            ("package", "a folder"),
            ("", "missing"),
            ("x/", "missing"),
            ("~nosuch-user/x", "no known user"),
            ("x" * 300, "too long"),
        ):
            app.screen.query_one(Input).value = name
            await pilot.press("enter")
            assert problem in str(app.screen.query_one(".dialog-problem").render())
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_a_place_that_cannot_be_is_refused_where_it_is_typed(make_app: MakeApp) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        for place, problem in (("here", "a line number"), ("9" * 5_000, "that many lines")):
            app.screen.query_one(Input).value = place
            await pilot.press("enter")
            assert problem in str(app.screen.query_one(".dialog-problem").render())
        app.screen.query_one(Input).value = "9" * 30
        await pilot.press("enter")
        await until(pilot, lambda: app.status.view.line == 12)  # the last


async def test_a_file_is_open_once_whatever_it_is_called(
    make_app: MakeApp, repository: Path
) -> None:
    (repository / "linked").symlink_to("package")
    (repository.parent / "other").symlink_to(repository)
    (repository / "link.py").symlink_to(GREETING)
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        first = app.editor
        for name in (
            repository / "package" / "inner" / ".." / "greeting.py",
            repository / "linked" / "greeting.py",
            repository.parent / "other" / GREETING,
            repository / "link.py",
        ):
            await app.flows.open(name)
            assert app.editor is first
            assert app.status.view.path == GREETING
        assert len(list(app.deck)) == 1


async def test_save_as_spares_a_file_that_is_open(make_app: MakeApp, repository: Path) -> None:
    app = make_app("notes.md", settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await app.flows.open(repository / GREETING)
        app.action_save_as()
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press("ctrl+u", *"notes.md", "enter")
        await until(pilot, lambda: "close it first" in notices(app))
    assert (repository / "notes.md").read_text().startswith("# Notes")


async def test_a_name_that_is_not_utf8_can_be_edited(make_app: MakeApp, repository: Path) -> None:
    path = repository / os.fsdecode(b"caf\xe9.py")
    path.write_text("x = 1\n")
    app = make_app(path.name, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.path == "caf\ufffd.py")
        await pilot.press("y")
        await app.flows.keep_recovery()
        found = RecoveryStore(recovery_dir()).find(path)
        assert found is not None
        assert found.text == "yx = 1\n"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    assert path.read_text() == "yx = 1\n"


async def test_brackets_in_a_name_are_no_markup(make_app: MakeApp, repository: Path) -> None:
    (repository / "odd[").mkdir()
    (repository / "odd[" / "x].py").write_text("x = 1\n")
    app = make_app("odd[/x].py", settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.status.view.path == "odd[/x].py")
        await pilot.press("y", "ctrl+s")
        await until(pilot, lambda: notices(app) == "saved odd[/x].py")
        await pilot.pause(0.1)
        assert app.is_running


async def test_an_unforeseen_error_in_a_flow_costs_a_notice(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)

        async def break_down() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(app.flows, "save", break_down)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "that failed (ZeroDivisionError)" in notices(app))
        assert "Traceback" in caplog.text
        assert app.is_running


async def test_an_error_that_ends_the_app_keeps_unsaved_text_and_prints_one_line(
    make_app: MakeApp, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(GREETING, settings=NO_PANES)

    async def run_into_an_error() -> None:
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.editor)
            await pilot.press("x")
            app.call_later(lambda: 1 // 0)
            await until(pilot, lambda: not app.is_running)

    with pytest.raises(ZeroDivisionError):
        await run_into_an_error()
    assert app.return_code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("spark-tui ended")
    assert "engine.log" in printed.replace("\n", "")  # it may be wrapped
    assert "Traceback" not in printed
    found = RecoveryStore(recovery_dir()).find(repository / GREETING)
    assert found is not None
    assert found.text.startswith("x")


async def test_switching_files_keeps_unsaved_text_and_marks_it(make_app: MakeApp) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        app.open_path(app.rules.root / "notes.md")
        await until(pilot, lambda: app.status.view.path == "notes.md")
        assert not app.status.view.unsaved
        assert [file.path.name for file in app.deck.unsaved] == ["greeting.py"]
        app.open_path(app.rules.root / GREETING)
        await until(pilot, lambda: app.status.view.path == GREETING)
        assert open_text(app).startswith("x")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: not app.status.view.unsaved)
        assert app.deck.unsaved == []


async def test_quitting_with_nothing_unsaved_asks_nothing(make_app: MakeApp) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize(
    ("key", "ends", "saved"), [("s", True, True), ("d", True, False), ("escape", False, False)]
)
async def test_quitting_asks_about_all_unsaved_files(
    make_app: MakeApp, repository: Path, key: str, ends: bool, saved: bool
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        app.open_path(app.rules.root / "notes.md")
        await until(pilot, lambda: app.status.view.path == "notes.md")
        await pilot.press("y", "ctrl+q")
        await until(pilot, lambda: asked(app))
        text = str(app.screen.query_one(".dialog-text").render())
        assert GREETING in text
        assert "notes.md" in text
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running if ends else not asked(app))
    first = [(repository / name).read_text()[0] for name in (GREETING, "notes.md")]
    assert first == (["x", "y"] if saved else ['"', "#"])


async def test_a_save_that_fails_keeps_everything_and_says_so(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        (repository / GREETING).chmod(0o444)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "not saved" in notices(app))
        assert app.status.view.unsaved
        assert open_text(app).startswith("x")


async def test_save_as_makes_it_that_file(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        app.action_save_as()
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press("ctrl+u", *"copy/of.py", "enter")
        await until(pilot, lambda: app.status.view.path == "copy/of.py")
        assert not app.status.view.unsaved
    assert (repository / "copy" / "of.py").read_text().startswith("x")
    assert not (repository / GREETING).read_text().startswith("x")


async def test_save_as_keeps_line_endings_and_mark(make_app: MakeApp, repository: Path) -> None:
    content = b"\xef\xbb\xbfone\r\ntwo\r\n"
    (repository / "windows.txt").write_bytes(content)
    app = make_app("windows.txt", settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        app.action_save_as()
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press("ctrl+u", *"copy.txt", "enter")
        await until(pilot, lambda: app.status.view.path == "copy.txt")
    assert (repository / "copy.txt").read_bytes() == content


async def test_save_as_asks_before_it_replaces(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        app.action_save_as()
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press("ctrl+u", *"notes.md", "enter")
        await until(pilot, lambda: asked(app))
        await pilot.press("escape")
        await until(pilot, lambda: not asked(app))
        assert app.status.view.path == GREETING
    assert (repository / "notes.md").read_text().startswith("# Notes")


async def test_closing_asks_too(make_app: MakeApp) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        app.action_close_file()
        await until(pilot, lambda: asked(app))
        await pilot.press("d")
        await until(pilot, lambda: app.editor is None)
        assert app.status.view.path is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("binary.bin", b"a\0b", "binary"), ("gone.py", None, ""), ("package", None, "directory")],
)
async def test_what_cannot_be_opened_is_said(
    make_app: MakeApp, repository: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (repository / name).write_bytes(content)
    app = make_app(name, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: words in notices(app) or app.editor)
        assert app.is_running


# ── other programs ──────────────────────────────────────────────────────────────────────────


async def test_a_clean_file_changed_on_disk_is_loaded_again(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        write_elsewhere(repository / GREETING, "theirs\n")
        app.on_app_focus()
        await until(pilot, lambda: open_text(app) == "theirs\n")
        assert not app.status.view.unsaved
        assert "changed on disk" in notices(app)
        await pilot.press("ctrl+z")  # nothing is lost: the old text is one step back
        await until(pilot, lambda: open_text(app).startswith('"""Say'))
        assert app.status.view.unsaved


async def test_a_file_only_touched_is_no_change(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        touch_later(repository / GREETING)
        await app.flows.check_disk()
        await pilot.pause()
        assert not asked(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)


@pytest.mark.parametrize(("key", "text"), [("m", "x"), ("t", "t")])
async def test_keys_pressed_while_a_changed_file_is_read_are_not_lost(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch, key: str, text: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        write_elsewhere(repository / GREETING, "theirs\n")
        read = Document.open

        def type_meanwhile(path: Path) -> Document:
            assert app.editor is not None
            monkeypatch.undo()
            app.call_from_thread(app.editor.insert, "x")
            return read(path)

        monkeypatch.setattr(Document, "open", type_meanwhile)
        app.on_app_focus()
        await until(pilot, lambda: asked(app))
        assert open_text(app).startswith("x")
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(text))
        if key == "m":  # and saving it asks again
            await pilot.press("ctrl+s")
            await until(pilot, lambda: asked(app))


@pytest.mark.parametrize(("key", "text"), [("m", "x"), ("t", "t"), ("escape", "x")])
async def test_an_edited_file_changed_on_disk_is_asked_about(
    make_app: MakeApp, repository: Path, key: str, text: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        write_elsewhere(repository / GREETING, "theirs\n")
        app.on_app_focus()
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(text))
        await app.flows.check_disk()
        assert not asked(app)  # once is enough, until saving
    assert (repository / GREETING).read_text() == "theirs\n"


@pytest.mark.parametrize(
    ("key", "on_disk", "here"), [("m", "x", "x"), ("t", "t", "t"), ("escape", "t", "x")]
)
async def test_saving_over_a_change_on_disk_asks(
    make_app: MakeApp, repository: Path, key: str, on_disk: str, here: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        write_elsewhere(repository / GREETING, "theirs\n")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(here))
        await until(pilot, lambda: (repository / GREETING).read_text().startswith(on_disk))


async def test_a_deleted_file_is_kept_here_and_written_again_on_save(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        (repository / GREETING).unlink()
        app.on_app_focus()
        await until(pilot, lambda: app.status.view.unsaved)
        assert "deleted on disk" in notices(app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: asked(app))  # the text here is the only copy
        await pilot.press("escape", "ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    assert (repository / GREETING).read_text().startswith('"""Say')


# ── recovery ────────────────────────────────────────────────────────────────────────────────


async def test_unsaved_text_survives_and_goes_with_the_save(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.flows.keep_recovery()
        found = store.find(repository / GREETING)
        assert found is not None
        assert found.text == open_text(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: store.find(repository / GREETING) is None)


async def test_a_closed_terminal_loses_nothing(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        signal.raise_signal(signal.SIGHUP)
        await until(pilot, lambda: not app.is_running)
    found = RecoveryStore(recovery_dir()).find(repository / GREETING)
    assert found is not None
    assert found.text.startswith("x")


async def test_typing_without_a_rest_is_kept_safe_too(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._RECOVERY_REST", 0.2)
    monkeypatch.setattr("tui.app._RECOVERY_AT_LATEST", 0.0)
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        for _ in range(100):
            await pilot.press("x")
            if store.find(repository / GREETING) is not None:
                break
        assert store.find(repository / GREETING) is not None


async def test_text_undone_back_to_the_saved_one_needs_no_recovery(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.flows.keep_recovery()
        await pilot.press("ctrl+z")
        await app.flows.keep_recovery()
        assert RecoveryStore(recovery_dir()).find(repository / GREETING) is None


@pytest.mark.parametrize("name", [".env", "package/greeting.py"])
async def test_secret_files_are_never_copied(
    make_app: MakeApp, repository: Path, name: str
) -> None:
    privacy = PrivacySettings(extra_patterns=("greeting.py",))
    app = make_app(name, settings=Settings(privacy=privacy))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.flows.keep_recovery()
    assert not recovery_dir().exists()


async def test_a_link_to_a_secret_file_is_as_secret(
    make_app: MakeApp, repository: Path, client: FakeClient
) -> None:
    (repository / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (repository / "link.py").symlink_to("key.pem")
    app = make_app("link.py", settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.connected)
        client.ready()
        await pilot.press("x", "ctrl+l")
        await until(pilot, lambda: app.status.view.report)
        assert app.status.view.report is not None
        assert app.status.view.report.reason == "secret file (*.pem)"
        await app.flows.keep_recovery()
    assert not any(isinstance(message, Complete) for message in client.sent)
    assert not recovery_dir().exists()


async def test_text_for_later_outlives_editing_and_is_offered_again(
    make_app: MakeApp, repository: Path
) -> None:
    RecoveryStore(recovery_dir()).write(repository / GREETING, "Unsaved work\n")
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(app))
        await pilot.press("l")
        await until(pilot, lambda: not asked(app))
        await pilot.press("x")
        await app.flows.keep_recovery()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    again = make_app(GREETING, settings=NO_PANES)
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(again))
        await pilot.press("r")
        await until(pilot, lambda: open_text(again) == "Unsaved work\n")


@pytest.mark.parametrize(
    ("key", "first", "kept"), [("r", "U", True), ("d", '"', False), ("escape", '"', True)]
)
async def test_text_left_behind_is_offered(
    make_app: MakeApp, repository: Path, key: str, first: str, kept: bool
) -> None:
    store = RecoveryStore(recovery_dir())
    store.write(repository / GREETING, "Unsaved work\n")
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(first))
        await until(pilot, lambda: (store.find(repository / GREETING) is not None) == kept)
        assert app.status.view.unsaved == (key == "r")


async def test_quitting_without_saving_leaves_nothing_behind(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.flows.keep_recovery()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: asked(app))
        await pilot.press("d")
        await until(pilot, lambda: not app.is_running)
    assert RecoveryStore(recovery_dir()).find(repository / GREETING) is None
