"""Definitions, uses, documentation and symbols, by keyboard alone, with the real jedi."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import GREETING, NO_PANES, MakeApp, notices
from tui.app import SparkApp
from tui.screens.find_in_files import FindInFilesScreen
from tui.screens.hover import HoverScreen
from tui.screens.places import PlacesScreen
from tui.widgets.found_list import FoundList

USER = "from package.greeting import greet\n\ngreet('x')\n"
GO = "package main\n\nfunc run() {}\n\nfunc main() { run() }\n"


class Reader:
    """An app with a file open, and a person who reads it."""

    def __init__(self, app: SparkApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, key: str, at: tuple[int, int] | None = None) -> None:
        if at is not None:
            assert self.app.editor is not None
            self.app.editor.move_cursor(at)
        await self.pilot.press(key)

    async def is_at(self, path: str, line: int) -> None:
        await until(
            self.pilot,
            lambda: (self.app.status.view.path, self.app.status.view.line) == (path, line),
        )

    async def sees(self, screen: type) -> None:
        await until(self.pilot, lambda: isinstance(self.app.screen, screen))


Opened = Callable[[str], AbstractAsyncContextManager[Reader]]


@pytest.fixture
def reading(make_app: MakeApp, repository: Path) -> Opened:
    (repository / "user.py").write_text(USER)
    (repository / "main.go").write_text(GO)

    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Reader]:
        app = make_app(name, settings=NO_PANES)
        async with app.run_test(size=(90, 24)) as pilot:
            await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
            yield Reader(app, pilot)

    return opened


async def test_python_is_known_by_jedi(reading: Opened) -> None:
    async with reading("user.py") as person:
        await person.press("f12", (2, 2))
        await person.is_at(GREETING, 4)
        assert person.app.editor is not None
        assert person.app.editor.selected_text == "greet"
        await person.press("alt+left")
        await person.is_at("user.py", 3)
        await person.press("alt+h")
        await person.sees(HoverScreen)
        shown = str(person.app.screen.query_one(Static).render())
        assert shown == "greet(name: str) -> str\n\nReturn a greeting."
        await person.press("x")
        await until(person.pilot, lambda: len(person.app.screen_stack) == 1)
        assert person.app.editor.text == USER
        await person.press("shift+f12")
        await person.sees(PlacesScreen)
        rows = person.app.screen.query_one(FoundList)
        assert [file.name for file in rows.found.files] == [GREETING, "user.py"]
        assert rows.found.match_count == 4
        await person.press("down")
        await person.press("enter")
        await person.is_at(GREETING, 11)


async def test_other_languages_are_known_by_their_syntax(reading: Opened) -> None:
    async with reading("main.go") as person:
        await person.press("f12", (4, 15))
        await person.is_at("main.go", 3)
        await person.press("alt+h", (4, 15))
        await person.sees(HoverScreen)
        assert "func run()" in str(person.app.screen.query_one(Static).render())
        await person.press("escape")
        await person.press("shift+f12", (4, 15))
        await person.sees(FindInFilesScreen)
        rows = person.app.screen.query_one(FoundList)
        await until(person.pilot, lambda: rows.found.match_count == 2)


@pytest.mark.parametrize(
    ("key", "letters", "place"),
    [("alt+o", "main", (GREETING, 9)), ("alt+j", "run", ("main.go", 3))],
)
async def test_symbols_are_found_by_letters(
    reading: Opened, key: str, letters: str, place: tuple[str, int]
) -> None:
    async with reading(GREETING) as person:
        await person.press(key)
        await person.sees(CommandPalette)
        await person.pilot.press(*letters)
        await person.pilot.pause(0.4)
        await person.press("enter")
        await person.is_at(*place)


async def test_what_cannot_be_found_is_said(reading: Opened) -> None:
    async with reading("notes.md") as person:
        await person.press("f12", (1, 0))
        await until(person.pilot, lambda: "no name at the cursor" in notices(person.app))
        await person.press("f12", (2, 1))
        await until(person.pilot, lambda: "no definition of Some" in notices(person.app))
        await person.press("alt+h", (2, 1))
        await until(person.pilot, lambda: "nothing is known about Some" in notices(person.app))
