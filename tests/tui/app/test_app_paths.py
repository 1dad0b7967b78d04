"""Tabs, new files, and files that are renamed or deleted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.app.fakes import until
from tui.app import SparkApp
from tui.files.recent_files import RecentFiles
from tui.screens.line_input import LineInputScreen
from tui.screens.question import QuestionScreen
from tui.user_folders import recent_files_dir
from tui.widgets.tab_bar import TabBar

MakeApp = Callable[..., SparkApp]
GREETING = "package/greeting.py"


def tabs(app: SparkApp) -> str:
    return app.query_one(TabBar).render().plain


async def open_two(app: SparkApp, pilot) -> None:  # type: ignore[no-untyped-def]
    await until(pilot, lambda: app.editor)
    app.open_path(app.rules.root / "notes.md")
    await until(pilot, lambda: app.deck.current and app.deck.current.path.name == "notes.md")
    await pilot.pause()


def name(app: SparkApp) -> str:
    return "" if app.deck.current is None else app.deck.current.path.name


async def type_line(app: SparkApp, pilot, text: str) -> None:  # type: ignore[no-untyped-def]
    await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
    app.screen.query_one(Input).value = text
    await pilot.press("enter")


async def test_keys_and_clicks_move_between_tabs(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        assert not app.query_one(TabBar).display
        await open_two(app, pilot)
        assert tabs(app) == " greeting.py  notes.md "
        await pilot.press("ctrl+pagedown")
        assert name(app) == "greeting.py"
        await pilot.press("ctrl+pageup")
        assert name(app) == "notes.md"
        await pilot.press("alt+1")
        assert name(app) == "greeting.py"
        await pilot.press("alt+7")
        assert name(app) == "greeting.py"
        await pilot.press("x")
        assert tabs(app) == " greeting.py ●  notes.md "
        await pilot.click(TabBar, offset=(16, 0))
        assert name(app) == "notes.md"


async def test_a_tab_is_closed_by_key_and_by_the_middle_button(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_two(app, pilot)
        await pilot.press("ctrl+w")
        await until(pilot, lambda: name(app) == "greeting.py")
        assert not app.query_one(TabBar).display
        await open_two(app, pilot)
        await pilot.click(TabBar, offset=(3, 0), button=2)
        await until(pilot, lambda: len(app.deck.tabs) == 1)
        assert name(app) == "notes.md"


async def test_keys_of_tabs_do_nothing_under_a_question(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_two(app, pilot)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, LineInputScreen))
        await pilot.press("1", "ctrl+pageup", "alt+1", "ctrl+w")
        assert name(app) == "notes.md"
        assert app.screen.query_one(Input).value == ""  # ctrl+w deletes a word


async def test_a_new_file_is_on_disk_only_when_it_is_saved(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+n")
        await type_line(app, pilot, "made/deep/new.py")
        await until(pilot, lambda: name(app) == "new.py")
        assert not (repository / "made").exists()
        assert app.deck.border_subtitle == "new, not on disk"
        await pilot.press("ctrl+w")  # nothing was typed: nothing is asked
        await until(pilot, lambda: name(app) == "greeting.py")
        await pilot.press("ctrl+n")
        await type_line(app, pilot, "made/deep/new.py")
        await until(pilot, lambda: name(app) == "new.py")
        await pilot.press("x", "ctrl+s")
        await until(pilot, (repository / "made" / "deep" / "new.py").exists)
        assert (repository / "made" / "deep" / "new.py").read_text() == "x"
        await until(pilot, lambda: app.deck.border_subtitle is None)


async def test_open_files_follow_a_rename(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.run_action("rename_file")
        await type_line(app, pilot, "package/renamed.txt")
        await until(pilot, lambda: name(app) == "renamed.txt")
        assert not (repository / GREETING).exists()
        assert app.editor is not None
        assert app.editor.language_name is None
        assert app.deck.unsaved
        await pilot.press("ctrl+z", "y", "ctrl+s")
        await until(pilot, lambda: (repository / "package/renamed.txt").read_text()[0] == "y")


async def test_a_folder_is_renamed_in_the_tree(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        app.repo_tree.post_message(app.repo_tree.ChangeRequested("rename", repository / "package"))
        await type_line(app, pilot, "other")
        await until(pilot, (repository / "other" / "greeting.py").exists)
        await until(pilot, lambda: app.file_name == "other/greeting.py")


async def test_a_rename_never_replaces(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await app.run_action("rename_file")
        await type_line(app, pilot, "notes.md")
        await pilot.pause()
        assert isinstance(app.screen, LineInputScreen)
        assert "exists" in str(app.screen.query_one(".dialog-problem").render())
        await pilot.press("escape")
    assert (repository / GREETING).exists()
    assert (repository / "notes.md").read_text().startswith("# Notes")


@pytest.mark.parametrize(("key", "kept"), [("escape", True), ("t", False)])
async def test_a_file_goes_to_the_trash_after_a_question(
    make_app: MakeApp,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    kept: bool,
) -> None:
    monkeypatch.setattr("tui.flows.files.path_flows.trash", Path.unlink)
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await app.run_action("delete_file")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await until(pilot, lambda: (app.deck.current is not None) == kept)
        assert (repository / GREETING).exists() == kept


async def test_without_a_trash_one_is_asked_again(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tui.flows.files.path_flows.trash", full)
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")  # the text is then nowhere else, and stays
        await app.run_action("delete_file")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("t")
        await until(
            pilot, lambda: "for good" in str(app.screen.query(".dialog").first().border_title)
        )
        await pilot.press("d")
        await until(pilot, lambda: not (repository / GREETING).exists())
        await until(pilot, lambda: app.deck.current is not None and app.deck.current.missing)


async def test_open_files_are_remembered(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_two(app, pilot)
    recent = RecentFiles(recent_files_dir(), repository).read()
    assert [path.name for path in recent] == ["notes.md", "greeting.py"]
