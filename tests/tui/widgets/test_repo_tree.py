"""The tree of a repository with more than anybody can look through."""

import os
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Tree

from engine.repository.ignore import IgnoreRules
from tests.tui.app.fakes import until
from tui.widgets import repo_tree
from tui.widgets.repo_tree import RepoTree


class TreeApp(App[None]):
    """The tree alone."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.shown = RepoTree(IgnoreRules(root))

    def compose(self) -> ComposeResult:
        yield self.shown

    def labels(self) -> list[str]:
        return [str(line.node.label) for line in self.shown._tree_lines]


async def test_a_folder_of_thousands_shows_some_and_counts_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30,000 files took a quarter of a minute to the first paint: a layout for each of them."""
    monkeypatch.setattr(repo_tree, "MAX_ENTRIES", 150)
    (tmp_path / "folder").mkdir()
    for number in range(299):
        (tmp_path / f"{number:04}.txt").touch()
    layouts: list[None] = []
    invalidate = Tree._invalidate

    def counted(tree: RepoTree) -> None:
        layouts.append(None)
        invalidate(tree)

    monkeypatch.setattr(Tree, "_invalidate", counted)
    app = TreeApp(tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown.root.children)
        assert app.labels()[:2] == ["folder", "0000.txt"]
        assert app.labels()[149:] == ["0148.txt", "… 150 more: Ctrl+O finds them"]
        assert len(layouts) < 40
        await pilot.press("end", "enter", "n")  # a remark is no file
        assert app.is_running


async def test_a_chain_of_folders_is_shown_as_far_as_it_can_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 folders in each other ended the app: the toolkit calls itself for each."""
    monkeypatch.setattr(repo_tree, "MAX_DEPTH", 3)
    deep = tmp_path.joinpath(*"abcdefg")
    deep.mkdir(parents=True)
    (deep / "x.py").touch()
    (tmp_path / "a/b/c/y.py").touch()
    app = TreeApp(tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown.root.children)
        await app.shown.reveal(deep / "x.py")
        note = "… shown 3 folders deep: Ctrl+O finds what is below"
        await until(pilot, lambda: app.labels() == ["a", "b", "c", "d", "y.py", note])
        assert app.shown.cursor_node is not None
        assert str(app.shown.cursor_node.label) == "d"
        await pilot.press("enter", "right")
        assert "e" not in app.labels()
        await app.shown.reveal(tmp_path / "a/b/c/y.py")
        await until(pilot, lambda: str(app.shown.cursor_node.label) == "y.py")  # type: ignore[union-attr]


async def test_a_link_to_a_folder_elsewhere_opens(tmp_path: Path) -> None:
    """Its rules, if any, are not in the repository."""
    (tmp_path / "root").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.py").touch()
    (tmp_path / "root" / "link").symlink_to("../other")
    app = TreeApp(tmp_path / "root")
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.shown.root.children)
        app.shown.root.children[0].expand()
        await until(pilot, lambda: app.labels() == ["link", "x.py"])


async def test_a_folder_without_permission_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", _refuse)
    app = TreeApp(tmp_path)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.labels() == []
        assert os.listdir(tmp_path) == ["closed"]


def _refuse(path: Path) -> None:
    raise PermissionError
