"""Pictures of the editor at work, at every size and in every look; look before you accept one.

`pytest tests/tui/app/test_editor_screens.py --snapshot-update` takes them anew.
"""

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.flows.code import problems_flow
from tui.flows.files import git_actions, git_flow
from tui.screens.find_in_files import FindInFilesScreen
from tui.screens.hover import HoverScreen
from tui.settings import EditorSettings, PaneSettings, Settings, SuggestionSettings
from tui.widgets.editor import Editor

Act = Callable[[Pilot[Any], SparkApp, Editor], Awaitable[None]]

SIZES = ((80, 24), (120, 40), (200, 60))
LOOKS = ("spark", "textual-light", "ansi-dark", "no colours")
COMMITTED = '''\
"""A small shop: what is in the basket, and what it costs."""

import math
from dataclasses import dataclass


@dataclass
class Item:
    """One thing that is for sale."""

    title: str
    price_cents: int
    weight_grams: int


def total(items: list[Item]) -> int:
    """Return what all items cost, in cents."""
    return sum(item.price_cents for item in items)


def receipt(items: list[Item]) -> str:
    rows = [f"{item.count:>3}  {item.title}" for item in itms]
    return "\\n".join(rows)


def cheapest(items: list[Item]) -> Item:
    """Return the one that costs least."""
'''
WRITTEN = COMMITTED.replace("    weight_grams: int\n", "").replace(
    "price_cents for", "price_cents * item.count for"
).replace("    title: str\n", "    title: str\n    count: int\n")  # fmt: skip
SIGNS = {2: "●", 11: "▎", 13: "▔", 17: "▎", 21: "●"}
"""Rows of the problems, and of what git says."""


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(answer="return min(items, key=lambda item: item.price_cents)")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (git_actions, "_FIRST_SECONDS"), (git_flow, "_REST_SECONDS"),
        (problems_flow, "_REST_SECONDS"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr("tui.visuals.status_text.milliseconds_text", lambda value: "42 ms")


@pytest.fixture
def shop(repository: Path) -> Path:
    """A repository with one commit, and a file that changed since."""
    rmtree(repository / ".git")
    (repository / "shop.py").write_text(COMMITTED)
    (repository / "basket.py").write_text("from shop import Item, total\n")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "trunk"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (repository / "shop.py").write_text(WRITTEN)
    return repository


@pytest.fixture
def snap(
    snap_compare: Any,
    make_app: Callable[..., SparkApp],
    client: FakeClient,
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Act, tuple[int, int], str], bool]:
    """Compare the screen with its picture once all marks are there and a scene was played."""

    def compare(act: Act, size: tuple[int, int], look: str) -> bool:
        async def run_before(pilot: Pilot[Any]) -> None:
            app = pilot.app
            assert isinstance(app, SparkApp)
            await until(pilot, lambda: app.repo_tree.root.children and client.started.is_set())
            client.ready()
            for name in ("basket.py", "notes.md", "shop.py"):
                app.open_path(shop / name)
                await until(pilot, lambda name=name: shown(app) == name)
            assert app.editor is not None
            await until(pilot, lambda: signs(app.editor) == SIGNS)
            await until(pilot, lambda: app.status.view.branch == "trunk ±1")
            await act(pilot, app, app.editor)
            for line in app.screen.query(Input):
                line.cursor_blink = False
            await settled(pilot)

        settings = Settings(
            theme="spark" if look == "no colours" else look,
            panes=PaneSettings(visible=False),
            editor=EditorSettings(ruff="none"),
            suggestions=SuggestionSettings(delay_ms=0, ahead=False),
        )
        if look == "no colours":
            monkeypatch.setenv("NO_COLOR", "1")
        app = make_app(settings=replace(settings))
        return bool(snap_compare(app, terminal_size=size, run_before=run_before))

    return compare


def shown(app: SparkApp) -> str:
    return "" if app.deck.current is None else app.deck.current.path.name


def signs(editor: Editor | None) -> dict[int, str]:
    """The signs beside the lines; those of problems before those of git."""
    assert editor is not None
    found = {row: editor._marks.signs(row) for row in range(editor.document.line_count)}
    return {row: sign[-1].character for row, sign in found.items() if sign}


def in_looks(*sizes: tuple[int, int]) -> pytest.MarkDecorator:
    """Every look at the first size, and the dark one at the others."""
    cases = [(sizes[0], look) for look in LOOKS] + [(size, "spark") for size in sizes[1:]]
    return pytest.mark.parametrize(("size", "look"), cases, ids=named_case)


def named_case(value: object) -> str:
    return f"{value[0]}x{value[1]}" if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES, ids=named_case)
def test_a_suggestion_among_marks(snap: Any, size: tuple[int, int], look: str) -> None:
    async def act(pilot: Pilot[Any], app: SparkApp, editor: Editor) -> None:
        await pilot.press("ctrl+end", "up", "end", "enter")
        await until(pilot, lambda: editor.ghost)
        await until(pilot, lambda: signs(editor) == SIGNS | {27: "▎"})

    assert snap(act, size, look)


@in_looks(*SIZES)
def test_finding_and_replacing(snap: Any, size: tuple[int, int], look: str) -> None:
    async def act(pilot: Pilot[Any], app: SparkApp, editor: Editor) -> None:
        await pilot.press("ctrl+f", *"item")
        await until(pilot, lambda: said(app, ".find-count") == "1/16")
        await pilot.press("alt+w")
        await until(pilot, lambda: said(app, ".find-count") == "1/11")
        await pilot.press("ctrl+r", *"thing")
        await until(pilot, lambda: "→" in said(app, ".find-note"))

    assert snap(act, size, look)


@in_looks((80, 24))
def test_several_cursors(snap: Any, size: tuple[int, int], look: str) -> None:
    async def act(pilot: Pilot[Any], app: SparkApp, editor: Editor) -> None:
        editor.move_cursor((15, 12))
        await pilot.press("ctrl+d", "ctrl+d", "ctrl+d", "alt+ctrl+down")

    assert snap(act, size, look)


@in_looks((80, 24), (120, 40))
def test_finding_in_the_repository(snap: Any, size: tuple[int, int], look: str) -> None:
    async def act(pilot: Pilot[Any], app: SparkApp, editor: Editor) -> None:
        await pilot.press("f9", *"total")
        await until(pilot, lambda: isinstance(app.screen, FindInFilesScreen))
        await until(pilot, lambda: "2 files" in said(app, ".find-note"))
        await pilot.press("ctrl+r", *"sum_of")
        await until(pilot, lambda: app.screen.query_one("#replace-text", Input).value == "sum_of")
        await pilot.press("enter", "down", "space")

    assert snap(act, size, look)


@in_looks((80, 24))
def test_what_a_name_means(snap: Any, size: tuple[int, int], look: str) -> None:
    async def act(pilot: Pilot[Any], app: SparkApp, editor: Editor) -> None:
        editor.move_cursor((21, 5))
        await pilot.press("alt+h")
        await until(pilot, lambda: isinstance(app.screen, HoverScreen))

    assert snap(act, size, look)


def said(app: SparkApp, selector: str) -> str:
    return str(app.screen.query(selector).first().render())
