"""Finds in the files of the repository, opens what was found, and replaces it in many files.

What is open here is searched as it is here.  What is replaced, and taken back, is for
`tui.flows.files.replacements`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

from textual.app import App

from engine.repository.ignore import IgnoreRules
from engine.visible_text import visible
from tui.flows.code.jumps import Jumps
from tui.flows.files.find_in_file import selected_in_line
from tui.flows.files.replacements import Replacements
from tui.screens.find_in_files import FindInFilesScreen
from tui.search.found_rows import FoundRow, FoundRows
from tui.search.in_files import FileSearch, FoundFile
from tui.search.query import Query, QueryError, compiled
from tui.search.replacement import Replacement
from tui.widgets.deck import Deck

__all__ = ["FindInFiles"]

_REST_SECONDS = 0.15
"""A query is looked for after so long a rest."""
_SCREEN = "find-in-files"


class FindInFiles:
    """The search through files of one app.

    Args:
        app: Shows the screen.
        deck: The open files.
        rules: The repository.
        jumps: Shows places.
        private_patterns: Returns more patterns of private files, from the settings.
        run: Runs a coroutine in the background; a new one takes the place of the one before.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        rules: IgnoreRules,
        *,
        jumps: Jumps,
        private_patterns: Callable[[], Sequence[str]],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], object],
    ) -> None:
        self._app = app
        self._deck = deck
        self._rules = rules
        self._jumps = jumps
        self._private = private_patterns
        self._run = run
        self._replacements = Replacements(deck)
        self._screen: FindInFilesScreen | None = None
        self._history: list[str] = []

    async def open(self, text: str | None = None, *, whole_word: bool = False) -> None:
        """Show the screen, with what it found last; a selection is looked for.

        Args:
            text: What to look for; None takes it from the selection.
            whole_word: Whether to look for it as a word, in this case.
        """
        if self._screen is None:
            self._screen = FindInFilesScreen(self._history)
            self._app.install_screen(self._screen, _SCREEN)
        file = self._deck.current
        selected = selected_in_line(file.editor) if file is not None and text is None else text
        await self._app.push_screen(_SCREEN)
        self._screen.begin(selected or "")
        if whole_word:
            self._screen.bar.switch_on("match_case", "whole_word")

    # ── search ──────────────────────────────────────────────────────────────────────────────

    def wanted(self, query: Query) -> None:
        """Look for something else."""

        async def look() -> None:
            await self._look(query)

        self._run(look)

    async def _look(self, query: Query) -> None:
        screen = self._screen
        if screen is None:
            return
        if not query.text:
            screen.show_problem("")
            return
        await asyncio.sleep(_REST_SECONDS)
        try:
            pattern = compiled(query)
        except QueryError as error:
            screen.show_problem(str(error))
            return
        search = FileSearch(
            self._rules,
            pattern,
            self._private(),
            near=self._near(),
            open_texts={
                each.path: list(each.editor.document.lines) for each in self._deck if each.unsaved
            },
        )
        try:
            await self._follow(search, screen)
        finally:
            search.stop()

    def _near(self) -> str:
        """Return the name of the visible file; nothing if it lies outside the repository."""
        file, root = self._deck.current, self._rules.root
        inside = file is not None and file.path.is_relative_to(root)
        return file.path.relative_to(root).as_posix() if file and inside else ""

    async def _follow(self, search: FileSearch, screen: FindInFilesScreen) -> None:
        """Show what a search finds as it comes."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Queue[FoundFile | None] = asyncio.Queue()

        def work() -> None:
            with suppress(RuntimeError):  # the app ended meanwhile
                try:
                    for found in search:
                        loop.call_soon_threadsafe(coming.put_nowait, found)
                finally:
                    loop.call_soon_threadsafe(coming.put_nowait, None)

        found = FoundRows()
        screen.show_found(found)
        working = asyncio.ensure_future(asyncio.to_thread(work))
        while (file := await coming.get()) is not None:
            found.add(file)
            if coming.empty():
                screen.show_progress(search.searched, search.unread, "…")
        await working
        screen.show_progress(search.searched, search.unread, search.ended_early)

    async def opened(self, row: FoundRow) -> None:
        """Show the place of a row."""
        if self._app.screen is self._screen:
            self._app.pop_screen()
        match = row.match or row.file.matches[0]
        await self._jumps.go(row.file.path, match.place.start, match.place.end)

    # ── replace ─────────────────────────────────────────────────────────────────────────────

    async def replace(self, found: FoundRows, replacement: Replacement) -> None:
        """Replace all ticked matches."""
        words, problem = await self._replacements.replace(found, replacement)
        if self._screen is not None:
            self._screen.show_replaced(words, problem=problem)

    async def take_back(self) -> None:
        """Take the newest replacement back in all its files; the screen need not be there."""
        words, problem = await self._replacements.take_back()
        if self._screen is not None and self._app.screen is self._screen:
            self._screen.show_taken_back(words, problem=problem)
        else:
            self._app.notify(visible(words), severity="warning" if problem else "information")
