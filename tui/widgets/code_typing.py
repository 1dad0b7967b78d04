"""What typing does beyond its character: pairs of brackets and quotes, and lines that go back.

`tui.code.pairs` and `tui.code.indentation` decide; nothing here knows of suggestions.
"""

from textual.document._document import Selection

from tui.code.indentation import after_enter, leading, outdented
from tui.code.pairs import CLOSERS, OPENERS, closer_of, pair_typing, removes_pair
from tui.widgets.code_commands import CodeCommands

__all__ = ["CodeTyping"]

_BY_BLOCKS = frozenset({"python", "javascript", "java", "rust", "go", "bash", "css", "sql"})
"""Languages in whose code a statement such as `return` ends a block."""


class CodeTyping(CodeCommands):
    """An editor of code in which brackets come in pairs; made as `CodeText` is."""

    pairs = False
    """Whether a bracket or quote that is typed brings its partner along."""

    def type_character(self, character: str) -> None:
        """Type a character: alone, as a pair, around the selection, or over itself."""
        if self.pairs and not self._expects(character) and self._type_paired(character):
            return
        if not self._type_outdented(character):
            super().type_character(character)

    def _expects(self, character: str) -> bool:
        """Return whether something else waits for just this character."""
        return False

    def _typed_over(self) -> None:
        """Hear that a key typed over what was there: the cursor moved, the text stayed."""

    def _type_paired(self, character: str) -> bool:
        """Type a bracket or quote as one of a pair; return whether it was one."""
        closer = closer_of(character, self.language_name)
        if not self.selection.is_empty:
            if closer is not None:
                self._wrap_selection(character, closer)
            return closer is not None
        row, column = self.cursor_location
        typing = pair_typing(self.document[row], column, character, self.language_name)
        if typing == "over":
            self._put_cursor((row, column + 1))
            self._typed_over()
        elif typing == "pair" and closer is not None:
            self._replace_via_keyboard(character + closer, *self.selection)
            self._put_cursor((row, column + 1))
        return typing != "plain"

    def _wrap_selection(self, opener: str, closer: str) -> None:
        """Put the selected text between two signs; it stays selected."""
        backwards = self.selection.start > self.selection.end
        (top, left), (bottom, right) = sorted(self.selection)
        text = self.get_text_range((top, left), (bottom, right))
        self.history.checkpoint()
        self._replace_via_keyboard(f"{opener}{text}{closer}", (top, left), (bottom, right))
        start, end = (top, left + 1), (bottom, right + (1 if top == bottom else 0))
        with self._moving():
            self.selection = Selection(end, start) if backwards else Selection(start, end)
        self.history.checkpoint()

    def _type_outdented(self, character: str) -> bool:
        """Type what ends ``else:`` or closes a bracket, and put its line where it belongs."""
        row, column = self.cursor_location
        line = self.document[row]
        left = line[:column] + character
        if character not in ":)]}" or line[column:].strip() or not self.selection.is_empty:
            return False
        if character != ":" and left.strip() != character:
            return False
        moved = outdented(self.document.lines, row, left, self.indentation)
        if moved is None:
            return False
        self.history.checkpoint()
        self._replace_via_keyboard(moved, (row, 0), (row, column))
        return True

    def _put_cursor(self, location: tuple[int, int]) -> None:
        """Move the cursor as part of what a key types."""
        with self._moving():
            self.selection = Selection.cursor(location)
        self.record_cursor_width()

    def action_delete_left(self) -> None:
        """Delete the selection, an empty pair, a level of indentation, or a character."""
        row, column = self.cursor_location
        line = self.document[row]
        if not self.selection.is_empty or self.read_only:
            super().action_delete_left()
        elif self.pairs and removes_pair(line, column, self.language_name):
            self._delete_via_keyboard((row, column - 1), (row, column + 1))
        elif column and set(line[:column]) == {" "} and self.indentation != "\t":
            width = len(self.indentation)
            self._delete_via_keyboard((row, column - (column % width or width)), (row, column))
        else:
            super().action_delete_left()

    def action_new_line(self) -> None:
        """Start a new line with its indentation; between brackets, move the closing one below."""
        row, column = self.cursor_location
        line = self.document[row]
        left, right = line[:column], line[column:].strip()
        if not self.selection.is_empty or self.read_only or self._expects("\n"):
            super().action_new_line()
        elif left[-1:] in OPENERS and right[:1] in CLOSERS and OPENERS[left[-1]] == right[0]:
            deeper = after_enter(left, self.indentation)
            gap = column + len(leading(line[column:]))
            text = f"\n{deeper}\n{leading(left)}"
            self._replace_via_keyboard(text, (row, column), (row, gap))
            self._put_cursor((row + 1, len(deeper)))
        else:
            super().action_new_line()

    def _after_enter(self, left: str) -> str:
        """Return the indentation of the line that Enter starts after ``left``."""
        if self.language_name in _BY_BLOCKS:
            return super()._after_enter(left)
        return max(super()._after_enter(left), leading(left), key=len)
