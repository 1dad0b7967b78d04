"""Keys for whole lines, for selecting by syntax and for going from bracket to bracket.

The pure part is in `tui.code.line_moves` and `tui.code.syntax_ranges`.
"""

from collections.abc import Sequence

from textual.document._document import Location, Selection

from tui.code.line_moves import joined, moved
from tui.code.pairs import CLOSERS, OPENERS
from tui.code.syntax_ranges import enclosing
from tui.code.text_buffer import TextBuffer
from tui.widgets.code_typing import CodeTyping

__all__ = ["CodeLines"]


class CodeLines(CodeTyping):
    """An editor of code with keys for lines; made as `CodeText` is."""

    _grown: tuple[Selection, ...] = ()
    """Selections that were expanded, the newest last; `Select less` goes back through them."""

    def action_move_lines(self, by: int) -> None:
        """Move the selected lines up (-1) or down (1)."""
        top, bottom = self._selected_rows()
        change = None if self.read_only else moved(self.document.lines, top, bottom, by)
        if change is not None:
            first, lines = change
            self._put_lines(first, first + len(lines) - 1, lines, self._shifted(by))

    def action_duplicate_lines(self, by: int) -> None:
        """Copy the selected lines; the selection is on the copy above (-1) or below (1)."""
        if self.read_only:
            return
        top, bottom = self._selected_rows()
        lines = self._selected_lines()
        down = self._shifted(bottom - top + 1) if by > 0 else self.selection
        self._put_lines(top, bottom, [*lines, *lines], down)

    def action_join_lines(self) -> None:
        """Join the selected lines, or the cursor's with the next."""
        top, bottom = self._selected_rows()
        bottom = min(max(bottom, top + 1), self.document.line_count - 1)
        if not self.read_only and bottom > top:
            text, seam = joined(self.document.lines[top : bottom + 1])
            self._put_lines(top, bottom, [text], Selection.cursor((top, seam)))

    def action_select_lines(self) -> None:
        """Select the cursor's line with its end; again, the next one too."""
        top, bottom = self._selected_rows()
        whole = Selection((top, 0), self._after(bottom))
        if self.selection == whole:
            whole = Selection((top, 0), self._after(bottom + 1))
        self.selection = whole

    def action_expand_selection(self) -> None:
        """Select the next larger piece of code around the selection."""
        before = self.selection
        start, end = sorted(before)
        assert isinstance(self.document, TextBuffer)
        larger = enclosing(self.document, start, end)
        if larger is not None:
            grown = self._grown if self._grown[-1:] and self._is_inside(self._grown[-1]) else ()
            self.selection = Selection(*larger)
            self._grown = (*grown, before)

    def action_shrink_selection(self) -> None:
        """Go back to what was selected before it was expanded."""
        if self._grown and self._is_inside(self._grown[-1]):
            *rest, smaller = self._grown
            self.selection = smaller
            self._grown = tuple(rest)

    def action_matching_bracket(self) -> None:
        """Go to the partner of the bracket at the cursor, else out of the brackets around it."""
        target = self._partner_at_cursor() or self._opener_around()
        if target is None:
            self.app.bell()
        else:
            self.move_cursor(target)

    def _partner_at_cursor(self) -> Location | None:
        """Return the partner of the bracket right of the cursor, else of that left of it."""
        row, column = self.cursor_location
        line = self.document[row]
        for near in (column, column - 1):
            if 0 <= near < len(line) and (line[near] in OPENERS or line[near] in CLOSERS):
                return self.find_matching_bracket(line[near], (row, near))
        return None

    def _opener_around(self) -> Location | None:
        """Return the place of the bracket that is open at the cursor."""
        row, column = self.cursor_location
        closed = 0
        start = (row, column - 1) if column else (row - 1, -1)
        for character, place in self._yield_character_locations_reverse(start):
            if character in CLOSERS:
                closed += 1
            elif character in OPENERS:
                if not closed:
                    return place
                closed -= 1
        return None

    def _is_inside(self, smaller: Selection) -> bool:
        (top, bottom), (first, last) = sorted(self.selection), sorted(smaller)
        return top <= first and last <= bottom

    def _shifted(self, rows: int) -> Selection:
        """Return the selection so many rows further down."""
        (start, left), (end, right) = self.selection
        return Selection((start + rows, left), (end + rows, right))

    def _after(self, row: int) -> Location:
        """Return where the line after ``row`` begins, or where the text ends."""
        return (row + 1, 0) if row + 1 < self.document.line_count else self.document.end

    def _put_lines(self, top: int, bottom: int, lines: Sequence[str], selection: Selection) -> None:
        """Replace lines as one step, and select."""
        self.history.checkpoint()
        self.replace("\n".join(lines), (top, 0), (bottom, len(self.document[bottom])))
        with self._moving():
            self.selection = selection
        self.history.checkpoint()
