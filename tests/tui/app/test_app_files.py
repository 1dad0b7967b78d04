"""Files in the app, by keyboard alone."""

import os
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import (
    GREETING,
    NO_PANES,
    SIZE,
    MakeApp,
    asked,
    notices,
    open_text,
)
from tui.files.recovery import RecoveryStore
from tui.screens.line_input import LineInputScreen
from tui.user_folders import recovery_dir


async def test_open_from_the_tree_edit_and_save_by_keyboard_alone(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
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
        await pilot.press("r")
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
        await pilot.press("n")
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
        await app.recovery.keep()
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
