"""A person who finds and replaces in the files of a repository, by keyboard alone."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.app.fakes import until
from tui.app import SparkApp
from tui.screens.find_in_files import FindInFilesScreen

__all__ = ["Searcher", "Searching", "replaced"]


class Searcher:
    """An app with a file open, and a person who looks through the repository."""

    def __init__(self, app: SparkApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> FindInFilesScreen:
        assert isinstance(self.app.screen, FindInFilesScreen)
        return self.app.screen

    def said(self) -> str:
        return str(self.screen.query_one(".find-note", Static).render())

    def rows(self) -> list[str]:
        found = self.screen.rows
        return [found.render_line(y).text.rstrip() for y in range(len(found.found))]

    async def keys(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def find(self, text: str, matches: int) -> None:
        await self.keys("f9", *text)
        await self.finds(matches)

    async def finds(self, matches: int) -> None:
        start = f"{matches} match"
        await until(
            self.pilot, lambda: self.said().startswith(start) and not self.said().endswith("…")
        )

    async def is_at(self, path: str, line: int, column: int) -> None:
        view = self.app.status.view
        await until(
            self.pilot,
            lambda: (
                len(self.app.screen_stack) == 1
                and (self.app.status.view.path, self.app.status.view.line) == (path, line)
            ),
        )
        assert self.app.status.view.column == column, view


Searching = Callable[..., AbstractAsyncContextManager[Searcher]]


async def replaced(person: Searcher, *keys: str) -> None:
    """Find ``greet``, replace it by ``hail`` after some keys in the list."""
    await person.find("greet", 6)
    await person.keys("alt+w")
    await person.finds(4)
    await person.keys("ctrl+r", *"hail")
    assert person.rows()[1] == "☑      4  def greet→hail(name: str) -> str:"
    await person.keys("enter", *keys, "alt+a")
    await until(person.pilot, lambda: "replaced in" in person.said())
