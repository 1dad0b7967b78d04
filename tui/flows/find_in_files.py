"""Finds in the files of the repository, opens what was found, and replaces it in many files.

What is open here is searched, and changed, as it is here, and one undo takes the change of a file
back; other files are written as a save would.  A file that is no longer what was searched is left
alone.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from textual.app import App

from engine.repository.ignore import IgnoreRules
from tui.files.documents import Document, DocumentError
from tui.flows.find_in_file import replace_range, selected_in_line
from tui.flows.jumps import Jumps
from tui.format import count_text
from tui.screens.find_in_files import FindInFilesScreen
from tui.search.found_rows import FoundRow, FoundRows
from tui.search.in_files import FileSearch, FoundFile, FoundMatch, fingerprint
from tui.search.in_text import SearchedText
from tui.search.query import Query, QueryError, compiled
from tui.search.replacement import Replacement
from tui.widgets.deck import Deck, OpenFile

__all__ = ["FindInFiles"]

_REST_SECONDS = 0.15
"""A query is looked for after so long a rest."""
_SCREEN = "find-in-files"
_NAMED_FILES = 3
"""Files left alone that are named; the others are counted."""


@dataclass(slots=True)
class _Changes:
    """What became of a replacement in many files."""

    matches: int = 0
    files: int = 0
    unsaved: int = 0
    """Files that are open: changed, not saved."""
    left: list[str] = field(default_factory=list)
    """Why files were left alone."""

    def words(self) -> str:
        """Return it in one line."""
        files = f"{count_text(self.files)} file{'' if self.files == 1 else 's'}"
        parts = [f"{count_text(self.matches)} replaced in {files}"]
        if self.unsaved:
            parts.append(f"{count_text(self.unsaved)} open here and not saved yet")
        if self.left:
            named = "; ".join(self.left[:_NAMED_FILES])
            more = len(self.left) - _NAMED_FILES
            rest = f" and {count_text(more)} more" if more > 0 else ""
            parts.append(f"left alone: {named}{rest}")
        return "; ".join(parts)


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
        changes = _Changes()
        for file, matches in found.ticked():
            where = next((each for each in self._deck if each.path == file.path), None)
            if not file.whole:
                problem = f"{file.name} has too many matches"
            elif where is not None:
                problem = _change_open(where, file, matches, replacement)
                changes.unsaved += not problem
            else:
                problem = await asyncio.to_thread(_change_closed, file, matches, replacement)
            if problem:
                changes.left.append(problem)
            else:
                changes.files += 1
                changes.matches += len(matches)
        if self._screen is not None:
            self._screen.show_done(changes.words(), problem=bool(changes.left))


def _change_open(
    where: OpenFile, file: FoundFile, matches: Sequence[FoundMatch], replacement: Replacement
) -> str:
    """Replace matches in an open file, as one step; return why that was not done, or nothing."""
    lines = where.editor.document.lines
    if where.editor.read_only:
        return f"{file.name} is read only"
    if fingerprint(lines) != file.fingerprint:
        return f"{file.name} changed meanwhile"
    places = [match.place for match in matches]
    text = SearchedText(lines).replaced(places, replacement)
    cursor = where.editor.cursor_location
    replace_range(where.editor, places[0].start, places[-1].end, text)
    where.editor.move_cursor(where.editor.clamp_visitable(cursor))
    return ""


def _change_closed(file: FoundFile, matches: Sequence[FoundMatch], replacement: Replacement) -> str:
    """Replace matches in a file on disk; return why that was not done, or nothing."""
    try:
        document = Document.open(file.path)
        lines = document.text.split("\n")
        if document.is_new or fingerprint(lines) != file.fingerprint:
            return f"{file.name} changed meanwhile"
        searched = SearchedText(lines)
        places = [match.place for match in matches]
        middle = searched.replaced(places, replacement)
        document.save(searched.before(places[0]) + middle + searched.after(places[-1]))
    except DocumentError as error:
        return str(error)
    return ""
