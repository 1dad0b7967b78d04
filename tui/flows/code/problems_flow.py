"""Looks for what is wrong with the visible Python file, after a rest, and marks it.

ruff or pyflakes looks, in a process of its own with low priority.  What it found moves along with
edits until it has looked again.
"""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import NamedTuple

from textual.timer import Timer

from tui.code.highlights import Span
from tui.code.line_marks import MarkLayer, Sign
from tui.navigation.places import CodePlace, word_at
from tui.navigation.python_helper import Cursor, HelperError, PythonHelper
from tui.navigation.ruff_program import RuffNotFoundError, ruff_program
from tui.widgets.deck import Deck, OpenFile

__all__ = ["ProblemsFlow"]

_log = logging.getLogger(__name__)

_REST_SECONDS = 0.8
_SECONDS = 10.0
_MAX_CHARACTERS = 1_000_000


class _Problem(NamedTuple):
    row: int
    column: int
    end: int | None
    """The column after its last; None where that is unknown, or in another row."""
    words: str
    refused: bool
    """Whether Python refuses the text because of it."""

    @property
    def style(self) -> str:
        return "error" if self.refused else "warning"


class ProblemsFlow:
    """The problems of the visible file of one app.

    Args:
        deck: The open files.
        root: The repository.
        set_timer: Calls something after so many seconds.
        run: Runs a coroutine in the background; a new one takes the place of the one before.
        show: Shows the problem on the cursor's line, or nothing.
        ruff: Returns which ruff is to look, as the settings say it.
        tell: Tells the person why that ruff did not look.
    """

    def __init__(
        self,
        deck: Deck,
        root: Path,
        *,
        set_timer: Callable[[float, Callable[[], object]], Timer],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], object],
        show: Callable[[str], None],
        ruff: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        self._deck = deck
        self._root = root
        self._set_timer = set_timer
        self._run = run
        self._show = show
        self._ruff = ruff
        self._tell = tell
        self._told: set[str] = set()
        self._helper = PythonHelper()
        self._timer: Timer | None = None
        self._file: OpenFile | None = None
        self._problems: Sequence[_Problem] = ()
        self._line_count = 0

    async def close(self) -> None:
        """End the process that looks."""
        await self._helper.close()

    # ── looking ─────────────────────────────────────────────────────────────────────────────

    def look_soon(self) -> None:
        """Look at the visible file after a rest."""
        file = self._deck.current
        if file is not self._file:
            self._file = file
            self._put(())
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if file is not None and file.editor.language_name == "python":
            self._move_along(file)
            self._timer = self._set_timer(_REST_SECONDS, lambda: self._run(self._look))

    async def _look(self) -> None:
        file = self._deck.current
        if file is None or file is not self._file:
            return
        text = file.editor.text
        if len(text) > _MAX_CHARACTERS:
            return
        try:
            cursor, ruff = Cursor(self._root, file.path, text), await self._program()
            answer = await self._helper.ask("problems", cursor, _SECONDS, ruff=ruff)
        except HelperError as error:
            _log.info("no problems were looked for: %s", error)
            return
        self._tell_once(answer["remark"])
        if file is self._file and file.editor.text == text:
            self._put([_Problem(*each) for each in answer["found"]])

    async def _program(self) -> str:
        """Return the ruff that is to look, which may come or go; empty for none."""
        try:
            return await asyncio.to_thread(ruff_program, self._ruff(), self._root, os.environ)
        except RuffNotFoundError as error:
            self._tell_once(f"{error}; pyflakes looks instead")
            return ""

    def _tell_once(self, words: str) -> None:
        if words and words not in self._told:
            self._told.add(words)
            self._tell(words)

    def _put(self, problems: Sequence[_Problem]) -> None:
        """Keep, mark and show what was found."""
        self._problems = problems
        file = self._file
        if file is not None:
            lines = file.editor.document.lines
            self._line_count = len(lines)
            file.editor.show_marks("problems", _marks(problems, lines))
        self.cursor_moved()

    def _move_along(self, file: OpenFile) -> None:
        """Move what was found along with lines that came or went at the cursor; see the marks."""
        came = file.editor.document.line_count - self._line_count
        self._line_count += came
        row = file.editor.cursor_location[0] - max(0, came)
        if came and self._problems:
            self._problems = [
                each._replace(row=each.row + came) if each.row > row else each
                for each in self._problems
                if not row < each.row <= row - came
            ]

    # ── what the person sees and does ───────────────────────────────────────────────────────

    def cursor_moved(self) -> None:
        """Show the first problem on the cursor's line."""
        self._show(next(iter(self.words_here()), ""))

    def words_here(self) -> list[str]:
        """Return all problems of the cursor's line."""
        file = self._deck.current
        row = -1 if file is None or file is not self._file else file.editor.cursor_location[0]
        return [each.words for each in self._problems if each.row == row]

    def step(self, *, forward: bool) -> bool:
        """Go to the next problem, or to the one before; return whether there is one."""
        file = self._file
        if file is None or not self._problems:
            return False
        here = file.editor.cursor_location
        places = sorted((each.row, each.column) for each in self._problems)
        if forward:
            row, column = next((each for each in places if each > here), places[0])
        else:
            row, column = next((each for each in reversed(places) if each < here), places[-1])
        file.editor.go_to(row + 1, column + 1)
        return True

    def places(self) -> list[CodePlace]:
        """Return the places of all problems; what is wrong stands before the code."""
        file = self._file
        if file is None:
            return []
        return [
            CodePlace(file.path, each.row, each.column, "", each.words) for each in self._problems
        ]


def _marks(problems: Sequence[_Problem], lines: Sequence[str]) -> MarkLayer:
    spans: dict[int, list[Span]] = defaultdict(list)
    signs: dict[int, Sign] = {}
    for each in problems:
        if each.row >= len(lines):
            continue
        end = each.end or each.column + len(word_at(lines[each.row], each.column))
        spans[each.row].append((each.column, max(end, each.column + 1), each.style))
        if each.row not in signs or each.refused:
            signs[each.row] = Sign(0, "●", each.style)
    return MarkLayer(dict(spans), signs)
