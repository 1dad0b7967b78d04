"""The keys and clicks of a code editor: indentation, comments, new lines, words.

Knows nothing of suggestions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.document._document import Selection

from tui.code.indentation import after_enter, dedented, indented, leading, toggled_comments
from tui.code.languages import comment_signs
from tui.code.syntax_ranges import word_at
from tui.widgets.code_keys import CODE_KEYS
from tui.widgets.code_repaint import CodeRepaint

__all__ = ["CodeCommands"]

_NO_TEXT = {"alt", "ctrl", "super", "hyper", "meta"}
"""Modifiers with which a key is a command, whatever character it has."""


class CodeCommands(CodeRepaint, inherit_bindings=False):
    """A view of code whose text the keys of an editor change."""

    BINDINGS: ClassVar[list[BindingType]] = CODE_KEYS
    _keymap: Mapping[str, str] = MappingProxyType({})
    """The app's keymap by which the keys were bound last."""

    async def _on_key(self, event: events.Key) -> None:
        *modifiers, _ = event.key.split("+")
        if event.is_printable and not _NO_TEXT.isdisjoint(modifiers):
            # The character of alt+n is "n": it may reach a binding, but never the text.
            event.prevent_default()
            return
        # Bindings of this widget run at once.  Their usual way leads through the queue of every
        # ancestor, where the next key could overtake an Enter or a Tab.
        self._take_keymap()
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            self._restart_blink()
            if await self._run(binding.action):
                event.stop()
                event.prevent_default()
                return
        if event.is_printable and event.character and not self.read_only:
            self._restart_blink()
            event.stop()
            event.prevent_default()
            self.type_character(event.character)

    async def _run(self, action: str) -> bool:
        """Do what a key is bound to; return whether it did anything."""
        return await self.app.run_action(action, self)

    def type_character(self, character: str) -> None:
        """Type a character in place of the selection."""
        self._replace_via_keyboard(character, *self.selection)

    def _take_keymap(self) -> None:
        """Bind the keys that the person wants, where they changed."""
        if self._keymap is self.app._keymap:
            return
        self._keymap = self.app._keymap
        self._bindings = self._merge_bindings()
        self._bindings.apply_keymap(self._keymap)

    def action_tab(self) -> None:
        """Indent the selected lines, or the text from the cursor on."""
        if self.read_only:
            return
        if not self.selection.is_empty:
            self._change_rows(indented(self._selected_lines(), self.indentation))
        else:
            self._replace_via_keyboard(self._to_next_stop(), *self.selection)

    def action_shift_tab(self) -> None:
        """Remove a level of indentation."""
        if not self.read_only:
            self._change_rows(dedented(self._selected_lines(), self.indentation))

    def action_escape(self) -> None:
        """Let go of the selection; the focus stays."""
        if not self.selection.is_empty:
            self.move_cursor(self.cursor_location)

    def action_file_start(self) -> None:
        """Go to the start of the file."""
        self.move_cursor((0, 0))

    def action_file_end(self) -> None:
        """Go to the end of the file."""
        self.move_cursor(self.document.end)

    def action_new_line(self) -> None:
        """Start a new line with its indentation."""
        if self.read_only:
            return
        top, (end_row, end_column) = sorted(self.selection)
        left = self.document[top[0]][: top[1]]
        if left.isspace():
            top = (top[0], 0)  # leave no line of spaces behind
        end_column += len(leading(self.document[end_row][end_column:]))
        text = "\n" + self._after_enter(left)
        self._replace_via_keyboard(text, top, (end_row, end_column))

    def _after_enter(self, left: str) -> str:
        """Return the indentation of the line that Enter starts after ``left``."""
        return after_enter(left, self.indentation)

    def action_toggle_comment(self) -> None:
        """Turn the selected lines into comments, or back into code."""
        signs = comment_signs(self.language_name, self._path.suffix)
        if signs is None or self.read_only:
            self.app.bell()
            return
        self._change_rows(toggled_comments(self._selected_lines(), *signs))

    def _to_next_stop(self) -> str:
        """Return the text that moves the cursor to the next level of indentation."""
        if self.indentation == "\t":
            return "\t"
        cell = self.get_column_width(*self.cursor_location)
        return " " * (len(self.indentation) - cell % len(self.indentation))

    def _selected_rows(self) -> tuple[int, int]:
        """Return the first and the last row that the selection touches."""
        (top, _), (bottom, column) = sorted(self.selection)
        return top, bottom - 1 if bottom > top and column == 0 else bottom

    def _selected_lines(self) -> list[str]:
        top, bottom = self._selected_rows()
        return self.document.lines[top : bottom + 1]

    def _change_rows(self, lines: list[str]) -> None:
        """Replace the selected rows by ``lines`` as one step; keep the selection on them."""
        top, bottom = self._selected_rows()
        before = self._selected_lines()
        if lines == before:
            return
        grown = {
            top + number: len(new) - len(old)
            for number, (new, old) in enumerate(zip(lines, before, strict=True))
        }
        start, end = (
            (row, max(0, column + grown.get(row, 0)) if column else 0)
            for row, column in self.selection
        )
        self.history.checkpoint()
        self.replace("\n".join(lines), (top, 0), (bottom, len(before[-1])))
        with self._moving():
            self.selection = Selection(start, end)
        self.history.checkpoint()

    async def _on_click(self, event: events.Click) -> None:
        row, column = self.get_target_document_location(event)
        if event.chain == 2:
            self.selection = self._word_at(row, column)
        elif event.chain == 3:
            self.select_line(row)

    def _word_at(self, row: int, column: int) -> Selection:
        """Return the selection of the word around ``column``; empty if there is none."""
        start, end = word_at(self.document[row], column)
        return Selection((row, start), (row, end))
