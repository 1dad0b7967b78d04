"""What is wrong with a file: marked, said on its line, walked through and listed."""

import sys
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import MakeApp, notices
from tui.app import SparkApp
from tui.flows.code import problems_flow
from tui.screens.hover import HoverScreen
from tui.screens.places import PlacesScreen
from tui.settings import EditorSettings, PaneSettings, Settings
from tui.widgets.found_list import FoundList

WRONG = "import os\n\n\ndef f():\n    return nosuch\n"


def rows(app: SparkApp) -> list[int]:
    """The rows with a sign."""
    assert app.editor is not None
    return [row for row in range(9) if app.editor._marks.signs(row)]


async def marked(pilot: Pilot[None], app: SparkApp, expected: list[int]) -> None:
    await until(pilot, lambda: app.editor is not None and rows(app) == expected)


def looked_at_by(ruff: str) -> Settings:
    return Settings(panes=PaneSettings(visible=False), editor=EditorSettings(ruff=ruff))


async def test_problems_are_marked_and_said(
    make_app: MakeApp, repository: Path, monkeypatch
) -> None:
    monkeypatch.setattr(problems_flow, "_REST_SECONDS", 0.01)
    (repository / "wrong.py").write_text(WRONG)
    app = make_app("wrong.py", settings=looked_at_by("none"))
    async with app.run_test(size=(90, 20)) as pilot:
        await marked(pilot, app, [0, 4])
        assert app.editor is not None
        assert app.status.view.problem == "'os' imported but unused"
        assert app.editor._marks.spans(4) == ((11, 17, "warning"),)
        await pilot.press("f8")
        assert app.editor.cursor_location == (4, 11)
        await until(pilot, lambda: app.status.view.problem == "undefined name 'nosuch'")
        await pilot.press("f8")
        assert app.editor.cursor_location == (0, 0)
        await pilot.press("shift+f8", "up")
        await until(pilot, lambda: app.status.view.problem == "")
        await app.run_action("list_problems")
        await until(pilot, lambda: isinstance(app.screen, PlacesScreen))
        shown = app.screen.query_one(FoundList)
        assert shown.render_line(2).text.strip() == "5  undefined name 'nosuch'"
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await until(pilot, lambda: app.editor.cursor_location == (4, 11))
        app.editor.replace("def f(:", (3, 0), (3, 8))
        await marked(pilot, app, [3])
        assert app.editor._marks.signs(3)[0].style == "error"
        app.editor.load("x = 1\n", path="wrong.py")
        await marked(pilot, app, [])
        await pilot.press("f8")
        await until(pilot, lambda: "no problem is known" in notices(app))


async def test_ruff_s_problems_are_marked_and_hovering_says_all_of_a_line(
    make_app: MakeApp, repository: Path, monkeypatch
) -> None:
    monkeypatch.setattr(problems_flow, "_REST_SECONDS", 0.01)
    (repository / "ruff.toml").write_text('line-length = 20\nlint.select = ["F", "E501"]\n')
    (repository / "wrong.py").write_text("x = 1\ny = nosuch + 'é' * 20\n")
    app = make_app("wrong.py", settings=looked_at_by(str(Path(sys.executable).with_name("ruff"))))
    async with app.run_test(size=(90, 20)) as pilot:
        await marked(pilot, app, [1])
        assert app.editor is not None
        assert app.editor._marks.spans(1) == ((4, 10, "warning"), (20, 21, "warning"))
        await pilot.press("f8")
        assert app.editor.cursor_location == (1, 4)
        await until(pilot, lambda: "(F821)" in app.status.view.problem)
        await pilot.press("f8")
        assert app.editor.cursor_location == (1, 20)
        await pilot.press("alt+h")
        await until(pilot, lambda: isinstance(app.screen, HoverScreen))
        (said,) = app.screen.query(Static)
        assert str(said.render()).split("\n") == [
            "● Undefined name `nosuch` (F821)", "● Line too long (21 > 20) (E501)",
        ]  # fmt: skip
        await pilot.press("escape")
        assert notices(app) == ""


async def test_a_ruff_that_is_none_is_said_once(
    make_app: MakeApp, repository: Path, monkeypatch
) -> None:
    monkeypatch.setattr(problems_flow, "_REST_SECONDS", 0.01)
    (repository / "wrong.py").write_text(WRONG)
    app = make_app("wrong.py", settings=looked_at_by("/nowhere/ruff"))
    async with app.run_test(size=(90, 20)) as pilot:
        await marked(pilot, app, [0, 4])
        assert app.editor is not None
        app.editor.insert("\n", (0, 0))
        await marked(pilot, app, [1, 5])
        told = "editor.ruff: /nowhere/ruff is no program with a full path; pyflakes looks instead"
        assert notices(app) == told


async def test_nothing_is_looked_for_where_it_is_switched_off(
    make_app: MakeApp, repository: Path, monkeypatch
) -> None:
    monkeypatch.setattr(problems_flow, "_REST_SECONDS", 0.0)
    (repository / "wrong.py").write_text(WRONG)
    settings = Settings(panes=PaneSettings(visible=False), editor=EditorSettings(problems=False))
    app = make_app("wrong.py", settings=settings)
    async with app.run_test(size=(90, 20)) as pilot:
        await until(pilot, lambda: app.editor is not None)
        await pilot.press("x")
        assert "problems" not in vars(app)
