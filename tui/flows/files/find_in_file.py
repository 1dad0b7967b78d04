"""Finds and replaces in the visible file: the bar, the marks in the text, the moves of the cursor.

What is found, and where, is for `tui.search`, in a thread; what is typed is for `FindBar`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from textual.timer import Timer
from textual.widgets.text_area import Selection

from tui.code.highlights import Span
from tui.code.line_marks import MarkLayer
from tui.flows.code.jumps import select_in_view
from tui.format import count_text
from tui.search.in_text import SearchedText, TextMatch, TextMatches
from tui.search.query import Query, QueryError, compiled
from tui.search.replacement import Replacement
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor
from tui.widgets.find_bar import FindBar

__all__ = ["FindInFile", "replace_range", "selected_in_line"]

_REST_SECONDS = 0.15
"""The marks follow an edit after so long a rest."""
_ALL_SECONDS = 10.0
_ALL_MATCHES = 1_000_000
"""Limits of replacing everywhere."""
_SHOWN_CHARACTERS = 40
"""Of a line in the preview of a replacement, before and after."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What a query found in a text."""

    query: Query
    text: SearchedText
    matches: TextMatches
    marks: MarkLayer


class FindInFile:
    """The find bar of an app.

    Args:
        deck: Shows the file, and the bar below it.
        run: Runs a coroutine in the background; a new one takes the place of the one before.
    """

    def __init__(
        self, deck: Deck, run: Callable[[Callable[[], Coroutine[None, None, None]]], object]
    ) -> None:
        self._deck = deck
        self._run = run
        self._history: list[str] = []
        self._bar: FindBar | None = None
        self._editor: Editor | None = None
        self._result: _Result | None = None
        self._here: int | None = None
        self._origin: tuple[Selection, float] | None = None
        self._timer: Timer | None = None
        self._done = ""  # what was done last, until something else is asked for
        self._shown: tuple[tuple[int, int], ...] = ()  # what we selected last

    # ── open and close ──────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        """Whether the bar is on the screen; closed, it keeps what was typed."""
        return self._bar is not None and self._bar.display

    async def open(self, *, replacing: bool) -> None:
        """Show the bar; a selection inside a line is what is looked for."""
        file = self._deck.current
        if file is None:
            return
        if self._bar is None:
            self._bar = FindBar(self._history)
            await self._deck.mount(self._bar)
        self._bar.display = True
        self._take(file.editor)
        own = tuple(file.editor.selection) == self._shown
        selected = "" if own else selected_in_line(file.editor)
        self._bar.begin(selected, replacing=replacing)
        self._run(self._look)

    def close(self) -> None:
        """Hide the bar; if only the query was typed, go back to where the person was."""
        bar, editor = self._bar, self._editor
        if bar is None or editor is None:
            return
        bar.remember()
        bar.display = False
        if self._origin is not None:
            editor.selection, scroll = self._origin
            editor.scroll_to(y=scroll, animate=False)
        self._forget()
        editor.focus()

    def follow(self) -> None:
        """Look in the file that is visible now."""
        file = self._deck.current
        if self._bar is None or (file is not None and file.editor is self._editor):
            return
        if file is None:
            self._bar.display = False
            self._editor = None
            return
        self._take(file.editor)
        if self.is_open:
            self._run(self._look)

    def edited(self) -> None:
        """Look again, a little after an edit."""
        if self._bar is not None and self.is_open:
            if self._timer is not None:
                self._timer.stop()
            self._timer = self._bar.set_timer(_REST_SECONDS, lambda: self._run(self._mark))

    def _take(self, editor: Editor) -> None:
        """Look in an editor from now on; where it is now is where Escape leads back to."""
        if self._editor is not None and self._editor is not editor:
            self._forget()
        self._editor = editor
        self._origin = editor.selection, editor.scroll_offset.y

    def _forget(self) -> None:
        """Take the marks away."""
        if self._editor is not None:
            self._editor.show_marks("find", MarkLayer())
            self._editor.show_marks("find-here", MarkLayer())
        self._result = self._here = None

    # ── find ────────────────────────────────────────────────────────────────────────────────

    def changed(self) -> None:
        """Follow what is typed into the bar."""
        self._done = ""
        self._run(self._look)

    async def _look(self) -> None:
        """Find, and show the first match from where the person was."""
        if await self._search() and self._result is not None and self._editor is not None:
            if self._result.matches.found:
                start = self._origin[0] if self._origin else self._editor.selection
                self._show(self._result.matches.at_or_after(min(start)))
            self._tell()

    async def _mark(self) -> None:
        """Find again after an edit; the cursor stays."""
        if await self._search():
            self._here = self._match_at_cursor()
            self._tell()

    async def step(self, *, forward: bool) -> None:
        """Go to the next match, or to the one before; after the last comes the first.

        Where nothing was looked for yet, the bar is opened.
        """
        if not await self._search() or self._result is None or self._editor is None:
            if not self.is_open:
                await self.open(replacing=False)
            return
        self._origin, self._done = None, ""
        matches = self._result.matches
        if matches.found:
            top, bottom = sorted(self._editor.selection)
            here = self._match_at_cursor()
            if here is None:
                here = matches.at_or_after(bottom) if forward else matches.before(top)
            else:
                here = (here + (1 if forward else -1)) % len(matches.found)
            self._show(here)
        self._tell()

    async def _search(self) -> bool:
        """Bring the result up to date; False says that there is nothing to look for."""
        bar, editor = self._bar, self._editor
        if bar is None or editor is None:
            return False
        query, lines = bar.query_now, list(editor.document.lines)
        last = self._result
        if last is None or (last.query, last.text.lines) != (query, lines):
            self._result = self._here = None
            try:
                self._result = await asyncio.to_thread(_searched, query, lines)
            except QueryError as error:
                bar.show_count("")
                bar.show_note(str(error), problem=True)
        result = self._result
        editor.show_marks("find", result.marks if result and self.is_open else MarkLayer())
        editor.show_marks("find-here", MarkLayer())
        if result is None and not query.text:
            bar.show_count("")
            bar.show_note("")
        return result is not None

    def _match_at_cursor(self) -> int | None:
        """Return the number of the match that is selected; None if none is."""
        if self._result is None or self._editor is None:
            return None
        top, bottom = sorted(self._editor.selection)
        found = self._result.matches.found
        number = self._result.matches.at_or_after(top) if found else 0
        same = found and (found[number].start, found[number].end) == (top, bottom)
        return number if same else None

    def _show(self, number: int) -> None:
        """Select a match and bring it into view."""
        if self._result is None or self._editor is None:
            return
        self._here = number
        match = self._result.matches.found[number]
        self._shown = (match.start, match.end)
        select_in_view(self._editor, *self._shown)

    def _tell(self) -> None:
        """Show the count, the match that is meant, and what a replacement would make of it."""
        bar, result, editor = self._bar, self._result, self._editor
        if bar is None or result is None or editor is None:
            return
        number = count_text(len(result.matches.found)) + ("" if result.matches.whole else "+")
        here = "–" if self._here is None else count_text(self._here + 1)
        bar.show_count(f"{here}/{number}" if result.matches.found else "no match")
        match = None if self._here is None else result.matches.found[self._here]
        if match is not None and self.is_open:
            editor.show_marks("find-here", _marks([match], result.text.lines, "match-here"))
        try:
            bar.show_note(self._done or self._preview(match))
        except QueryError as error:
            bar.show_note(str(error), problem=True)

    # ── replace ─────────────────────────────────────────────────────────────────────────────

    async def replace_one(self) -> None:
        """Replace the match that is shown, and go to the next."""
        editor = self._may_change()
        if editor is None or not await self._search() or self._result is None:
            return
        self._here = self._match_at_cursor()
        if self._here is None:
            await self.step(forward=True)
            return
        match = self._result.matches.found[self._here]
        new = self._replacement(self._result)
        if new is None:
            return
        text = new.text_at(self._result.text.data, match.first_byte)
        replace_range(editor, match.start, match.end, text)
        await self.step(forward=True)

    async def replace_all(self) -> None:
        """Replace all matches, as one step that can be undone."""
        editor = self._may_change()
        if editor is None or not await self._search() or self._result is None:
            return
        new = self._replacement(self._result)
        bar, result = self._bar, self._result
        if new is None or bar is None or not result.matches.found:
            return
        matches, text = await asyncio.to_thread(_all_replaced, result, new)
        if editor.document.lines != result.text.lines:
            bar.show_note("the text changed meanwhile: nothing was replaced", problem=True)
            return
        self._origin = None
        replace_range(editor, matches.found[0].start, matches.found[-1].end, text)
        await self._search()
        self._here = None
        rest = "" if matches.whole else "; there are more: do it again"
        self._done = f"{count_text(len(matches.found))} replaced; Ctrl+Z takes it back{rest}"
        self._tell()

    def undo(self) -> None:
        """Take the last change of the file back; the bar stays."""
        editor = self._may_change()
        if editor is not None:
            self._done = ""
            editor.undo()

    def _may_change(self) -> Editor | None:
        """Return the editor if its text may be changed; say so if not."""
        bar, editor = self._bar, self._editor
        if bar is None or editor is None or bar.replacement is None:
            return None
        if editor.read_only:
            bar.show_note("this file is read only: nothing can be replaced in it", problem=True)
            return None
        return editor

    def _replacement(self, result: _Result) -> Replacement | None:
        """Return what replaces a match; None, and a word about it, if that cannot be."""
        if self._bar is None or self._bar.replacement is None:
            return None
        try:
            return Replacement(self._bar.replacement, compiled(result.query))
        except QueryError as error:
            self._bar.show_note(str(error), problem=True)
            return None

    def _preview(self, match: TextMatch | None) -> str:
        """Return a match's line as it is and as it would be; empty if nothing is to be replaced.

        Raises:
            QueryError: The replacement does not fit the query.
        """
        bar, result = self._bar, self._result
        if bar is None or result is None or bar.replacement is None:
            return ""
        new = Replacement(bar.replacement, compiled(result.query))
        if match is None:
            return ""
        text = new.text_at(result.text.data, match.first_byte).replace("\n", "↵")
        first, last = (result.text.lines[place[0]] for place in (match.start, match.end))
        left, right = first[: match.start[1]].lstrip(), last[match.end[1] :].rstrip()
        left = left[-_SHOWN_CHARACTERS // 2 :]
        old = first[match.start[1] :] if first is not last else first[match.start[1] : match.end[1]]
        shown = (f"{left}{part}{right}"[:_SHOWN_CHARACTERS] for part in (old, text))
        return " → ".join(shown)


def selected_in_line(editor: Editor) -> str:
    """Return what is selected, if that is in one line; else nothing."""
    selected = editor.selected_text
    return "" if "\n" in selected else selected


def replace_range(editor: Editor, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
    """Replace a range, as one step that can be undone; the cursor stands after it."""
    editor.history.checkpoint()
    result = editor.replace(text, start, end, maintain_selection_offset=False)
    editor.history.checkpoint()
    editor.selection = Selection.cursor(result.end_location)


def _searched(query: Query, lines: Sequence[str]) -> _Result | None:
    """Return what a query finds; None if it is empty.

    Raises:
        QueryError: It cannot be looked for.
    """
    if not query.text:
        return None
    text = SearchedText(lines)
    matches = text.matches(compiled(query))
    return _Result(query, text, matches, _marks(matches.found, lines, "match"))


def _all_replaced(result: _Result, new: Replacement) -> tuple[TextMatches, str]:
    """Return all matches, and the text from the first to the last with all of them replaced."""
    matches = result.matches
    if not matches.whole:
        pattern = compiled(result.query)
        matches = result.text.matches(pattern, limit=_ALL_MATCHES, seconds=_ALL_SECONDS)
    return matches, result.text.replaced(matches.found, new)


def _marks(found: Sequence[TextMatch], lines: Sequence[str], style: str) -> MarkLayer:
    """Return the marks of some matches, which may span lines."""
    spans: dict[int, list[Span]] = defaultdict(list)
    for (top, left), (bottom, right), _ in found:
        for row in range(top, bottom + 1):
            start = left if row == top else 0
            end = right if row == bottom else len(lines[row]) + 1
            spans[row].append((start, end, style))
    return MarkLayer(dict(spans))
