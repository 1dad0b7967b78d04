"""Several cursors: every key that types, deletes, moves or selects works at each of them.

A key is done at one cursor after the other, as if there were no others; edits move the rest along,
and all of it is one step to undo.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from textual import events
from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.widgets import TextArea

from tui.code.cursors import merged, next_match, shifted
from tui.code.syntax_ranges import word_at
from tui.widgets.code_lines import CodeLines

__all__ = ["CodeCursors"]

_ONCE = frozenset(
    {"add_cursor", "copy", "cut", "duplicate_lines", "escape", "file_end", "file_start"}
    | {"join_lines", "move_lines", "next_occurrence", "redo", "select_all"}
    | {"undo"}
)
"""Actions that are not done at each cursor."""
_ALONE = frozenset({"file_end", "file_start", "redo", "select_all", "undo"})
"""Those after which one cursor is left."""


class CodeCursors(CodeLines):
    """An editor of code with one cursor or several; made as `CodeText` is."""

    _others: tuple[Selection, ...] = ()
    """Selections besides the stock editor's, in no order; each ends at a cursor."""
    _queue: list[Selection] | None = None
    """All of them while a key is done at one after the other, in the order of the text."""

    @property
    def many_cursors(self) -> bool:
        """Whether there are several."""
        return bool(self._others)

    # ── Keys at each cursor ─────────────────────────────────────────────────────────────────

    async def _run(self, action: str) -> bool:
        name = action.partition("(")[0]
        if not self._others or name in _ONCE:
            if name in _ALONE:
                self._keep_one()
            return await super()._run(action)
        run = super()._run

        async def at_one() -> None:
            await run(action)

        await self._at_each(at_one)
        return True

    def type_character(self, character: str) -> None:
        """Type a character at each cursor."""
        if not self._others:
            super().type_character(character)
            return
        with self._each() as cursors:
            for _ in cursors:
                super().type_character(character)

    async def _on_paste(self, event: events.Paste) -> None:
        if self._others and not self.read_only:
            event.prevent_default()
            with self._each() as cursors:
                for _ in cursors:
                    self._replace_via_keyboard(event.text, *self.selection)

    async def _at_each(self, work: Callable[[], Awaitable[None]]) -> None:
        with self._each() as cursors:
            for _ in cursors:
                await work()

    @contextmanager
    def _each(self) -> Iterator[Iterator[int]]:
        """Give a way through the cursors: at each step the selection is that of the next one."""
        primary = self.selection
        self._queue = sorted((primary, *self._others), key=sorted)
        newest = self._queue.index(primary)
        self._others = ()
        with self.history.one_step(), self._moving():
            try:
                yield self._through(self._queue)
            finally:
                done, self._queue = self._queue, None
                self._place_all(done, newest)

    def _through(self, queue: list[Selection]) -> Iterator[int]:
        for index in range(len(queue)):
            self.set_reactive(TextArea.selection, queue[index])
            self.record_cursor_width()
            yield index
            queue[index] = self.selection

    def _place_all(self, selections: list[Selection], newest: int) -> None:
        """Take up all selections again, merged where they met, the ``newest`` as the main one."""
        kept = merged(selections)
        place = selections[newest].end
        main = next((each for each in kept if min(each) <= place <= max(each)), kept[-1])
        self._others = tuple(each for each in kept if each is not main)
        self.selection = main
        self.refresh()

    def edit(self, edit: Edit) -> EditResult:
        """Do one edit; the other cursors move along with the text."""
        top, bottom = edit.top, edit.bottom
        result = super().edit(edit)
        end = result.end_location

        def move(each: Selection) -> Selection:
            return Selection(*(shifted(place, top, bottom, end) for place in each))

        if self._queue is not None:
            self._queue[:] = map(move, self._queue)
        elif self._others:
            self._others = tuple(map(move, self._others))
        return result

    # ── More and fewer ──────────────────────────────────────────────────────────────────────

    def action_next_occurrence(self) -> None:
        """Select the word at the cursor; then, with another cursor, where it stands next."""
        row, column = self.cursor_location
        if self.selection.is_empty:
            start, end = word_at(self.document[row], column)
            self.selection = Selection((row, start), (row, end))
            return
        text = self.selected_text
        if "\n" in text:
            self.app.bell()
            return
        taken = {tuple(sorted(each)) for each in (self.selection, *self._others)}
        found: Selection | None = self.selection
        for _ in range(len(taken) + 1):
            found = next_match(self.document.lines, text, max(found)) if found else None
            if found is None or tuple(found) not in taken:
                break
        if found is not None and tuple(found) not in taken:
            self._add(found)

    def action_add_cursor(self, by: int) -> None:
        """Add a cursor above (-1) or below (1) all others, in the column of the main one."""
        rows = [each.end[0] for each in (self.selection, *self._others)]
        row = (min(rows) if by < 0 else max(rows)) + by
        if 0 <= row < self.document.line_count:
            self._add(Selection.cursor((row, min(self._goal_column(), len(self.document[row])))))

    def _goal_column(self) -> int:
        """Return the rightmost column of the cursors: short lines do not pull the others in."""
        return max(each.end[1] for each in (self.selection, *self._others))

    def _add(self, selection: Selection) -> None:
        others = (*self._others, self.selection)
        with self._moving():
            self.selection = selection
        self._others = tuple(each for each in others if each != selection)
        self._cursors_changed()

    def _cursors_changed(self) -> None:
        """Hear that there are other cursors than before."""
        self.refresh()

    def _keep_one(self) -> None:
        if self._others:
            self._others = ()
            self.refresh()

    def action_escape(self) -> None:
        """Keep one cursor; if there is only one, let go of its selection."""
        if self._others:
            self._keep_one()
        else:
            super().action_escape()

    def action_copy(self) -> None:
        """Copy what is selected at each cursor, a line for each."""
        if self._others:
            selections = sorted((self.selection, *self._others), key=sorted)
            self.app.copy_to_clipboard(
                "\n".join(self.get_text_range(*sorted(each)) for each in selections)
            )
        else:
            super().action_copy()

    def action_cut(self) -> None:
        """Cut what is selected at each cursor."""
        if not self._others:
            super().action_cut()
        elif not self.read_only:
            self.action_copy()
            with self._each() as cursors:
                for _ in cursors:
                    self._delete_via_keyboard(*self.selection)

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        if event.meta:
            event.prevent_default()
            target = self.get_target_document_location(event)
            self._add(Selection.cursor(target))
        else:
            self._keep_one()

    def _set_document(self, text: str, language: str | None) -> None:
        self._others = ()
        super()._set_document(text, language)

    # ── Drawing ─────────────────────────────────────────────────────────────────────────────

    def _other_cursors(self, row: int) -> tuple[tuple[int, int, bool], ...]:
        found: list[tuple[int, int, bool]] = []
        for each in self._others:
            columns = self._columns_of(each, row)
            if columns:
                found.append((*columns, False))
            if each.end[0] == row:
                found.append((each.end[1], each.end[1] + 1, True))
        return tuple(found)
