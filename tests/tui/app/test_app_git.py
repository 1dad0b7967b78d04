"""What git knows, in the app: branch, marks in tree and margin, the diff of a file."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import GREETING, NO_PANES, MakeApp, notices
from tui.app import SparkApp
from tui.flows.files import git_actions, git_flow
from tui.screens.changes import ChangeList, ChangesScreen


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_actions, "_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(git_flow, "_REST_SECONDS", 0.01)


@pytest.fixture
def committed(repository: Path) -> Path:
    shutil.rmtree(repository / ".git")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    return repository


def signs(app: SparkApp) -> dict[int, str]:
    assert app.editor is not None
    found = {row: app.editor._marks.signs(row) for row in range(12)}
    return {row: sign[0].style for row, sign in found.items() if sign}


def labels(app: SparkApp) -> list[str]:
    tree = app.repo_tree
    return [
        tree.render_label(node, tree.rich_style, tree.rich_style).plain
        for node in tree.root.children
    ]


async def test_branch_marks_and_diff(make_app: MakeApp, committed: Path) -> None:
    (committed / "new.py").write_text("")
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: app.status.view.branch == "trunk ±1")
        assert app.editor is not None
        await pilot.press("alt+d")
        await until(pilot, lambda: "as in the last commit" in notices(app))
        app.editor.replace("x", (0, 0), (0, 3))
        app.editor.insert("new\n", (3, 0))
        await until(pilot, lambda: signs(app) == {0: "changed", 3: "added"})
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.status.view.branch == "trunk ±2")
        assert {"  new.py +", "▾ package ·"} <= set(labels(app))
        await pilot.press("alt+d")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
        rows = app.screen.query_one(ChangeList)
        shown = [rows.render_line(y).text.rstrip() for y in range(6)]
        assert shown == [
            "line 1", '- """Say hello."""', '+ xSay hello."""', "", "", "+ new",
        ]  # fmt: skip
        await pilot.press("down", "down", "down", "down", "down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await until(pilot, lambda: app.editor.cursor_location == (3, 0))


async def test_without_git_there_are_no_marks(make_app: MakeApp) -> None:
    app = make_app(GREETING, settings=NO_PANES)  # its folder .git is empty
    async with app.run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
        await pilot.press("alt+d")
        await until(pilot, lambda: "in no commit yet" in notices(app))
        assert app.status.view.branch == ""
