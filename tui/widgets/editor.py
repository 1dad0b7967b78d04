"""The code editor: Textual's `TextArea` with ghost text, indentation, and colours in view only.

Shows and edits one text.  This module makes ghost text come and go, lets keys accept it, and lets
typing go on in it.  It knows neither where ghost text comes from nor where the file lies: the app
sets `Editor.ghost` and learns from messages what became of it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from textual import events
from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.message import Message

from engine.protocol.completion import PREFIX_CHARACTERS, SUFFIX_CHARACTERS
from tui.assist.ghost import first_line, first_word, rest_after
from tui.code.cells import cell_of_column
from tui.code.indentation import expected_width, leading
from tui.code.text_buffer import newlines_only
from tui.widgets.code_cursors import CodeCursors

__all__ = ["AcceptKind", "EditCause", "Editor", "GhostEnd"]

AcceptKind = Literal["all", "word", "line", "part"]
EditCause = Literal["typed", "accepted", "undone", "loaded", "changed"]
"""Why a text changed; ``changed``: lines of it by an edit that the person accepted."""
GhostEnd = Literal["escape", "typed", "finished", "moved", "blur", "undo"]
"""Why a ghost went: something else was ``typed``, all of it was typed (``finished``), …"""


class Editor(CodeCursors):
    r"""A code editor for one text, with multi-line ghost text at the cursor.

    Args:
        text: What to show; lines end with ``\n``.
        path: Its name decides the language.
        tab_width: Cells of a tab, and one level of indentation where the text shows none.
        read_only: Whether keys may change it.
        name: As for any widget.
        id: As for any widget.
        classes: As for any widget.
    """

    _cause: EditCause = "typed"
    """Why the text changes, for the `Edited` of the edit under way."""

    @dataclass
    class Edited(Message):
        """The text changed; the cursor is at its new place."""

        editor: "Editor"
        cause: EditCause
        inserted: str = ""
        """The text that came in; empty for what was undone or loaded."""

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    @dataclass
    class Moved(Message):
        """The cursor or the selection moved without an edit."""

        editor: "Editor"

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    @dataclass
    class GhostAccepted(Message):
        """A key made ghost text text."""

        editor: "Editor"
        text: str
        kind: AcceptKind
        row: int
        """The row that the text begins in."""

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    @dataclass
    class GhostClicked(Message):
        """The mouse was pressed on ghost text, which stays."""

        editor: "Editor"
        place: int
        """Number of the character of the ghost under it."""

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    @dataclass
    class GhostDismissed(Message):
        """Ghost text is gone, and no key accepted it."""

        editor: "Editor"
        reason: GhostEnd

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    # ── The text ────────────────────────────────────────────────────────────────────────────

    def load(self, text: str, *, path: str | PurePath = "", read_only: bool = False) -> None:
        r"""Show another text; its undo history starts here.

        Args:
            text: Lines end with ``\n``.
            path: Its name decides the language.
            read_only: Whether keys may change it.
        """
        self._put_ghost("")
        self._path = PurePath(path)
        self.read_only = read_only
        with self._moving():
            self.load_text(newlines_only(text))
        self.scroll_to(0, 0, animate=False)
        self.mark_saved()
        self.post_message(self.Edited(self, "loaded"))

    def change_lines(self, first: int, last: int, lines: Sequence[str]) -> None:
        """Put others in place of the lines ``first`` to ``last``, as one step that can be undone.

        Lines at both ends that stay are not touched; the cursor goes to the first that changes.
        """
        old, new = self.document.lines[first : last + 1], list(lines)
        while old and new and old[-1] == new[-1] and min(len(old), len(new)) > 1:
            del old[-1], new[-1]
        start = 0
        while start < min(len(old), len(new)) - 1 and old[start] == new[start]:
            start += 1
        top, end = first + start, first + len(old) - 1
        self._put_ghost("")
        self._cause = "changed"
        self.history.checkpoint()
        with self._moving():
            self.replace("\n".join(new[start:]), (top, 0), (end, len(old[-1])))
            self.move_cursor(self.clamp_visitable((top, len(leading(self.document[top])))))
        self.history.checkpoint()
        self._cause = "typed"

    def cursor_offset_text(self) -> tuple[str, str]:
        """Return the text before and after the cursor, cut to what a request may carry.

        Looks only at the lines near the cursor.
        """
        row, column = self.cursor_location
        lines = self.document.lines
        before = [lines[row][max(0, column - PREFIX_CHARACTERS) : column]]
        size = len(before[0])
        for above in range(row - 1, -1, -1):
            if size >= PREFIX_CHARACTERS:
                break
            before.append(lines[above][-PREFIX_CHARACTERS:])
            size += len(before[-1]) + 1
        after = [lines[row][column : column + SUFFIX_CHARACTERS]]
        size = len(after[0])
        for below in range(row + 1, len(lines)):
            if size >= SUFFIX_CHARACTERS:
                break
            after.append(lines[below][:SUFFIX_CHARACTERS])
            size += len(after[-1]) + 1
        prefix = "\n".join(reversed(before))[-PREFIX_CHARACTERS:]
        return prefix, "\n".join(after)[:SUFFIX_CHARACTERS]

    def edit(self, edit: Edit) -> EditResult:
        """Do one edit; ghost text stays if the edit types its beginning."""
        edit.text = newlines_only(edit.text)
        rest = self._ghost_after(edit)
        with self._moving():
            result = super().edit(edit)
        if rest is None or not rest.strip():
            self._drop_ghost("typed" if rest is None else "finished")
        else:
            self._put_ghost(rest)
        self.post_message(self.Edited(self, self._cause, edit.text))
        return result

    def undo(self) -> None:
        """Undo the last step; ghost text goes."""
        with self._history_step():
            super().undo()

    def redo(self) -> None:
        """Redo what was undone; ghost text goes."""
        with self._history_step():
            super().redo()

    @contextmanager
    def _history_step(self) -> Iterator[None]:
        """Surround an undo or redo: the ghost goes, and typing after it starts a new step."""
        self._drop_ghost("undo")
        steps = len(self.history.undo_stack)
        with self._moving():
            yield
        self.history.checkpoint()
        if len(self.history.undo_stack) != steps:
            self.post_message(self.Edited(self, "undone"))

    # ── Ghost text ──────────────────────────────────────────────────────────────────────────

    @property
    def ghost(self) -> str:
        """The suggestion at the cursor, perhaps of several lines; empty if there is none.

        A new one is shown, unless the editor has no focus, is read-only or has a selection.
        """
        return self._ghost

    @ghost.setter
    def ghost(self, text: str) -> None:
        self.show_ghost(text)

    def show_ghost(self, text: str, unsure: int = 0) -> None:
        """Show a suggestion as `ghost` does, its end fainter.

        Args:
            text: The suggestion.
            unsure: How many characters at its end are less likely.
        """
        text = newlines_only(text)
        self._ghost_unsure = unsure
        fits = (
            self._is_attended
            and not self.read_only
            and self.selection.is_empty
            and not self._others
        )
        self._put_ghost(text if fits and text.strip() else "")

    @property
    def ghost_unsure(self) -> int:
        """How many characters at the end of the ghost are less likely."""
        return min(len(self._ghost), self._ghost_unsure)

    def accept_all(self) -> None:
        """Make all of the ghost text text; one undo reverts that."""
        self._accept(self._ghost, "all")

    def accept_word(self) -> None:
        """Make the next word of the ghost text text; the rest stays a ghost."""
        self._accept(first_word(self._ghost), "word")

    def accept_line(self) -> None:
        """Make the next line of the ghost text text; the rest stays a ghost."""
        self._accept(first_line(self._ghost), "line")

    def accept_sure(self) -> None:
        """Make the sure beginning of the ghost text text; the rest stays a ghost."""
        self._accept(self._ghost[: max(0, len(self._ghost) - self._ghost_unsure)], "part")

    def dismiss_ghost(self) -> None:
        """Take the ghost text away because the person wants it."""
        self._drop_ghost("escape")

    def _accept(self, text: str, kind: AcceptKind) -> None:
        if not text or self.read_only:
            return
        rest = self._ghost[len(text) :]
        # Before `Edited`, which may bring the next suggestion.
        self.post_message(self.GhostAccepted(self, text, kind, self.cursor_location[0]))
        self._put_ghost("")
        self._cause = "accepted"
        self.history.checkpoint()
        self.insert(text, maintain_selection_offset=False)
        self.history.checkpoint()
        self._cause = "typed"
        if rest.strip():
            self._put_ghost(rest)

    def _drop_ghost(self, reason: GhostEnd) -> None:
        """Take the ghost text away, if there is one, and say why.

        While a mouse button is held, its rows stay as empty room: if the code moved under the
        pointer now, a click would become a selection.
        """
        if not self._ghost:
            return
        block = self._block() if self._pressing else None
        self._put_ghost("")
        if block is not None and block.extra:
            self._leave_room(block)
        self.post_message(self.GhostDismissed(self, reason))

    def _ghost_after(self, edit: Edit) -> str | None:
        """Return what is left of the ghost if ``edit`` types its beginning, else None."""
        if not self._ghost or edit.bottom != self.cursor_location or not self.selection.is_empty:
            return None
        replaced = self.document.get_text_range(edit.top, edit.bottom)
        # Enter removes trailing spaces; that does not contradict the ghost.
        if replaced and not (edit.text.startswith("\n") and replaced.isspace()):
            return None
        return rest_after(self._ghost, edit.text)

    def _expects(self, character: str) -> bool:
        return self._ghost.startswith(character)

    def _typed_over(self) -> None:
        self._drop_ghost("typed")
        self.post_message(self.Edited(self, "typed"))

    def _cursors_changed(self) -> None:
        super()._cursors_changed()
        self._drop_ghost("moved")
        self.post_message(self.Moved(self))

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        super()._watch_selection(previous_selection, selection)
        if previous_selection != selection and not self._own_move:
            self._drop_ghost("moved")
            if self.is_mounted:
                self.post_message(self.Moved(self))

    def _watch_has_focus(self, focus: bool) -> None:
        super()._watch_has_focus(focus)
        if not self._is_attended:
            self._drop_ghost("blur")

    @property
    def _is_attended(self) -> bool:
        """Whether the person is here, or in a pane that shows what made the suggestion."""
        if self.has_focus:
            return True
        focused = self.screen.focused if self.is_attached else None
        around = () if focused is None else focused.ancestors_with_self
        return any(getattr(each, "KEEPS_GHOST", False) for each in around)

    # ── The mouse ───────────────────────────────────────────────────────────────────────────

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        place = None if event.meta else self.ghost_under(event)
        if place is not None:
            event.prevent_default()  # nothing is selected, and the ghost stays
            self.post_message(self.GhostClicked(self, place))

    # ── Keys ────────────────────────────────────────────────────────────────────────────────

    def action_tab(self) -> None:
        """Accept the ghost, or indent: the selected lines, or from the cursor on."""
        if self._ghost and self.selection.is_empty and not self._tab_belongs_to_indentation():
            self.accept_all()
        else:
            super().action_tab()

    def action_shift_tab(self) -> None:
        """Accept a line of the ghost, or take a level of indentation away."""
        if self._ghost:
            self.accept_line()
        else:
            super().action_shift_tab()

    def action_escape(self) -> None:
        """Dismiss the ghost, or let go of the selection; the focus stays."""
        if self._ghost:
            self.dismiss_ghost()
        else:
            super().action_escape()

    def action_cursor_word_right(self, select: bool = False) -> None:
        """Accept a word of the ghost, or move a word to the right."""
        if self._ghost and not select:
            self.accept_word()
        else:
            super().action_cursor_word_right(select)

    def action_cursor_line_end(self, select: bool = False) -> None:
        """Move to the end of the line; from there, accept a line of the ghost."""
        if self._ghost and not select and self.cursor_at_end_of_line:
            self.accept_line()
        else:
            super().action_cursor_line_end(select)

    def _tab_belongs_to_indentation(self) -> bool:
        """Return whether Tab indents although a ghost is shown.

        It does in leading space, while the line is less deep than the line before it asks for or
        the ghost begins with indentation.
        """
        row, column = self.cursor_location
        left = self.document[row][:column]
        if left.strip():
            return False
        width = cell_of_column(left, column, self.indent_width)
        expected = expected_width(self.document.lines, row, self.indentation, self.indent_width)
        return self._ghost[0].isspace() or width < expected


def _demo() -> None:
    """Show the editor with made-up suggestions, on a named file or on this one."""
    from textual.app import App, ComposeResult

    path = PurePath(sys.argv[1] if len(sys.argv) > 1 else __file__)
    ghost = "return [\n        value\n        for value in values\n    ]"

    class Demo(App[None]):
        def compose(self) -> ComposeResult:
            with open(path, encoding="utf-8") as file:
                yield Editor(file.read(), path=path)

        def on_editor_edited(self, message: Editor.Edited) -> None:
            if message.cause == "typed" and not message.editor.ghost:
                message.editor.ghost = ghost

    Demo().run()


if __name__ == "__main__":
    _demo()
