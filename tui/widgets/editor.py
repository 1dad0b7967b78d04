"""The code editor: Textual's `TextArea` with ghost text, indentation and colours by the window.

Shows and edits one text.  Where ghost text comes from, and where the file lies, is not known
here: the app sets `Editor.ghost`, and learns from messages what became of it.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._text_area_theme import TextAreaTheme
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.geometry import Offset, Region, Size, Spacing
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import TextArea

from tui.code.cells import cell_of_column, column_of_cell, line_width
from tui.code.highlights import Grammar, Span, grammar, query_rows
from tui.code.indentation import (
    after_enter,
    dedented,
    expected_width,
    indent_unit,
    indented,
    leading,
    toggled_comments,
)
from tui.code.languages import comment_sign, language_of
from tui.code.painter import StyleRange, paint
from tui.code.text_buffer import FlatView, TextBuffer, newlines_only
from tui.widgets.ghost import GhostRows, first_line, first_word, rest_after

__all__ = ["AcceptKind", "EditCause", "Editor", "GhostEnd"]

AcceptKind = Literal["all", "word", "line"]
EditCause = Literal["typed", "accepted", "undone", "loaded"]
GhostEnd = Literal["escape", "typed", "finished", "moved", "blur", "undo"]
"""Why a ghost went: ``typed`` something else, ``finished`` by typing all of it, …"""

PREFIX_CHARACTERS = 32_768
"""What a request may carry from before the cursor."""
SUFFIX_CHARACTERS = 16_384
"""What a request may carry from after the cursor."""

COLOUR_LINES = 20_000
COLOUR_CHARACTERS = 2_000_000
COLOUR_LINE_CHARACTERS = 10_000
"""Larger texts, and texts with longer lines, are shown without colours."""

_BLOCK_ROWS = 32
"""Rows whose colours are asked for at a time."""
_PARSE_SECONDS = 0.008
"""Time for parsing that a key may take; what needs longer waits for a rest."""
_PARSE_REST_SECONDS = 0.3
_SCROLL_MARGIN = 6
"""Rows kept below the cursor where the text allows it: room for a ghost of several lines."""
_BRACKET_REACH = 20_000
"""Characters searched for the partner of a bracket."""
_UNDO_STEPS = 1_000
_LIGHT_THEME = "spark-light"


class Editor(TextArea):
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

    DEFAULT_CSS = """
    Editor {
        border: none;
        padding: 0;
        & .editor--ghost { color: $foreground 80%; text-style: dim italic; }
        &:focus { border: none; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"editor--ghost"}
    """``editor--ghost`` styles ghost text; its background is the line's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "tab", "Accept", show=False),
        Binding("shift+tab", "shift_tab", "Accept line", show=False),
        Binding("escape", "escape", "Dismiss", show=False),
        Binding("enter", "new_line", "New line", show=False),
        Binding("ctrl+underscore,ctrl+slash", "toggle_comment", "Comment", show=False),
    ]

    @dataclass
    class Edited(Message):
        """The text changed; the cursor is where it will stay."""

        editor: "Editor"
        cause: EditCause

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
        """Ghost text became text by a key."""

        editor: "Editor"
        text: str
        kind: AcceptKind

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    @dataclass
    class GhostDismissed(Message):
        """Ghost text that was shown is gone and was not accepted by a key."""

        editor: "Editor"
        reason: GhostEnd

        @property
        def control(self) -> "Editor":
            """The editor."""
            return self.editor

    def __init__(
        self,
        text: str = "",
        *,
        path: str | PurePath = "",
        tab_width: int = 4,
        read_only: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        self._ghost = ""
        self._ghost_rows = GhostRows(0, ())
        self._own_move = False
        self._cause: EditCause = "typed"
        self._pressing = False
        self._grammar: Grammar | None = None
        self._colours: dict[int, dict[int, tuple[Span, ...]]] = {}
        self._parse_timer: Timer | None = None
        self._path = PurePath(path)
        self._tab_width = tab_width
        self.highlight_note: str | None = None
        """Why the text has no colours although its language has a grammar; None when it has."""
        self.indentation = " " * tab_width
        """One level of indentation, as the text uses it."""
        super().__init__(
            soft_wrap=False,
            show_line_numbers=True,
            tab_behavior="focus",
            max_checkpoints=_UNDO_STEPS,
            read_only=read_only,
            name=name,
            id=id,
            classes=classes,
        )
        self.set_reactive(TextArea.indent_width, tab_width)
        light = TextAreaTheme.get_builtin_theme("github_light")
        if light is not None:
            self.register_theme(TextAreaTheme(_LIGHT_THEME, syntax_styles=light.syntax_styles))
        # Not given to the stock editor, which would split and measure it in its own way first.
        self._set_document(newlines_only(text), None)
        self._saved_lines = list(self.document.lines)

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

    @property
    def modified(self) -> bool:
        """Whether the text differs from what `load` or `mark_saved` saw last."""
        return self.document.lines != self._saved_lines

    def mark_saved(self) -> None:
        """Take the text as it is now for the one on disk."""
        # A copy of references: comparing with it stops at the first other line.
        self._saved_lines = list(self.document.lines)

    @property
    def language_name(self) -> str | None:
        """The language of the file by its name, whether it has colours or not."""
        return language_of(self._path, self.document[0])

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor before character ``column`` of ``line``, both from 1, in mid-view."""
        self.move_cursor(self.clamp_visitable((line - 1, column - 1)), center=True)

    def cursor_offset_text(self) -> tuple[str, str]:
        """Return what stands before and after the cursor, cut to what a request may carry.

        Looks at the lines near the cursor only.
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

    def _set_document(self, text: str, language: str | None) -> None:
        """Make the document for ``text``; the language is that of the file's name."""
        lines = text.split("\n")
        name = language_of(self._path, lines[0])
        self._grammar, self.highlight_note = _colours_for(name, lines, len(text))
        default = "\t" if name == "go" or self._path.name == "Makefile" else " " * self._tab_width
        self.indentation = indent_unit(lines, default)
        self.document = TextBuffer(
            text, self._grammar.language if self._grammar else None, self.indent_width
        )
        self.wrapped_document = FlatView(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._build_highlight_map()
        with self._moving():
            self.move_cursor((0, 0))
        self._rewrap_and_refresh_virtual_size()

    def _watch_language(self, language: str | None) -> None:
        """Do nothing: the language follows the file's name."""

    @property
    def is_syntax_aware(self) -> bool:
        """Whether the text is parsed."""
        return isinstance(self.document, TextBuffer) and self.document.has_tree

    def edit(self, edit: Edit) -> EditResult:
        """Do one edit; ghost text that the edit agrees with stays."""
        edit.text = newlines_only(edit.text)
        rest = self._ghost_after(edit)
        with self._moving():
            result = super().edit(edit)
        if rest is None or not rest.strip():
            self._drop_ghost("typed" if rest is None else "finished")
        else:
            self._put_ghost(rest)
        self.post_message(self.Edited(self, self._cause))
        return result

    def undo(self) -> None:
        """Take back the last step; ghost text goes."""
        with self._history_step():
            super().undo()

    def redo(self) -> None:
        """Do again what was taken back; ghost text goes."""
        with self._history_step():
            super().redo()

    @contextmanager
    def _history_step(self) -> Iterator[None]:
        """Surround an undo or redo: the ghost goes, and typing starts a new step after it."""
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
        """The suggestion shown at the cursor; may have several lines.  Empty: none.

        Setting it shows it, unless the editor has no focus, is read-only or has a selection.
        """
        return self._ghost

    @ghost.setter
    def ghost(self, text: str) -> None:
        text = newlines_only(text)
        fits = self.has_focus and not self.read_only and self.selection.is_empty
        self._put_ghost(text if fits and text.strip() else "")

    def accept_all(self) -> None:
        """Make all of the ghost text text; one undo takes it back."""
        self._accept(self._ghost, "all")

    def accept_word(self) -> None:
        """Make the next word of the ghost text text; the rest stays a ghost."""
        self._accept(first_word(self._ghost), "word")

    def accept_line(self) -> None:
        """Make the next line of the ghost text text; the rest stays a ghost."""
        self._accept(first_line(self._ghost), "line")

    def dismiss_ghost(self) -> None:
        """Take the ghost text away at the person's wish."""
        self._drop_ghost("escape")

    def _accept(self, text: str, kind: AcceptKind) -> None:
        if not text or self.read_only:
            return
        rest = self._ghost[len(text) :]
        self._put_ghost("")
        self._cause = "accepted"
        self.history.checkpoint()
        self.insert(text, maintain_selection_offset=False)
        self.history.checkpoint()
        self._cause = "typed"
        if rest.strip():
            self._put_ghost(rest)
        self.post_message(self.GhostAccepted(self, text, kind))

    def _put_ghost(self, text: str) -> None:
        """Show ``text`` at the cursor, or nothing."""
        self._ghost = text
        lines = tuple(text.split("\n")[1:])
        self._place_rows(GhostRows(self.cursor_location[0], lines))

    def _place_rows(self, rows: GhostRows) -> None:
        """Lay out the virtual rows, and draw everything again: lines below them move."""
        self._ghost_rows = rows
        self._refresh_size()
        self.refresh()

    def _drop_ghost(self, reason: GhostEnd) -> None:
        """Take the ghost text away, if there is one, and say why.

        While a mouse button is held the rows stay as empty room: code that moved under the
        pointer now would turn a click into a selection.
        """
        if not self._ghost:
            return
        rows = self._ghost_rows
        self._put_ghost("")
        if self._pressing and rows.lines:
            self._place_rows(GhostRows(rows.anchor, ("",) * len(rows.lines)))
        self.post_message(self.GhostDismissed(self, reason))

    def _ghost_after(self, edit: Edit) -> str | None:
        """Return what is left of the ghost if ``edit`` types its beginning, otherwise None."""
        if not self._ghost or edit.bottom != self.cursor_location or not self.selection.is_empty:
            return None
        replaced = self.document.get_text_range(edit.top, edit.bottom)
        # Enter takes trailing spaces away; that is no disagreement with the ghost.
        if replaced and not (edit.text.startswith("\n") and replaced.isspace()):
            return None
        return rest_after(self._ghost, edit.text)

    # ── The cursor ──────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Mark moves of the cursor inside as ours: they drop no ghost and post no `Moved`."""
        before, self._own_move = self._own_move, True
        try:
            yield
        finally:
            self._own_move = before

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        super()._watch_selection(previous_selection, selection)
        if previous_selection != selection and not self._own_move:
            self._drop_ghost("moved")
            if self.is_mounted:
                self.post_message(self.Moved(self))

    def _watch_has_focus(self, focus: bool) -> None:
        super()._watch_has_focus(focus)
        if not focus:
            self._drop_ghost("blur")

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll so that the cursor is in view, with some rows around it where keys moved it."""
        if not self._has_cursor:
            return Offset(0, 0)
        x, y = self._cursor_offset = self.wrapped_document.location_to_offset(self.cursor_location)
        below = 0 if self._pressing else self._scroll_margin
        return self.scroll_to_region(
            Region(x, y, width=3, height=1),
            spacing=Spacing(top=min(below, 2), right=self.gutter_width, bottom=below),
            animate=animate,
            force=True,
            center=center,
        )

    @property
    def _scroll_margin(self) -> int:
        return min(_SCROLL_MARGIN, self.scrollable_content_region.height // 3)

    def _refresh_size(self) -> None:
        width, height = self.document.get_size(self.indent_width)
        below = max(self._scroll_margin, len(self._ghost_rows.lines))
        self.virtual_size = Size(width + self.gutter_width + 1, height + below)
        self._refresh_scrollbars()

    def _yield_character_locations(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations(start), _BRACKET_REACH)

    def _yield_character_locations_reverse(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations_reverse(start), _BRACKET_REACH)

    def get_column_width(self, row: int, column: int) -> int:
        """Return the cells from the start of the line ``row`` to ``column``."""
        return cell_of_column(self.document[row], column, self.indent_width)

    # ── The mouse ───────────────────────────────────────────────────────────────────────────

    def get_target_document_location(self, event: events.MouseEvent) -> Location:
        """Return the location under the pointer; on a virtual row, the end of its line."""
        scroll_x, scroll_y = self.scroll_offset
        row, index = self._ghost_rows.split(event.y + scroll_y - self.gutter.top)
        if index is not None:
            return self.clamp_visitable((row, len(self.document[row])))
        cell = event.x - self.gutter_width + scroll_x - self.gutter.left
        ghost = self._inline_ghost(row)
        if ghost:
            return row, self._column_beside_ghost(row, ghost, cell)
        return self.wrapped_document.offset_to_location(Offset(cell, row))

    def _column_beside_ghost(self, row: int, ghost: str, cell: int) -> int:
        """Return the column of the line drawn at ``cell`` while ``ghost`` stands at the cursor."""
        column = self.cursor_location[1]
        line = self.document[row]
        shown = column_of_cell(f"{line[:column]}{ghost}{line[column:]}", cell, self.indent_width)
        return shown if shown <= column else max(column, shown - len(ghost))

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressing = True

    def _end_mouse_selection(self) -> None:
        super()._end_mouse_selection()
        self._pressing = False
        if not self._ghost and self._ghost_rows.lines:
            self._place_rows(GhostRows(0, ()))

    async def _on_click(self, event: events.Click) -> None:
        row, column = self.get_target_document_location(event)
        if event.chain == 2:
            self.selection = self._word_at(row, column)
        elif event.chain == 3:
            self.select_line(row)

    def _word_at(self, row: int, column: int) -> Selection:
        """Return the selection of the word around ``column``, empty where there is none."""
        line = self.document[row]
        start = end = column
        while start and _is_word(line[start - 1]):
            start -= 1
        while end < len(line) and _is_word(line[end]):
            end += 1
        return Selection((row, start), (row, end))

    # ── Keys ────────────────────────────────────────────────────────────────────────────────

    async def _on_key(self, event: events.Key) -> None:
        *modifiers, _ = event.key.split("+")
        if event.is_printable and not _NO_TEXT.isdisjoint(modifiers):
            # The character of alt+n is "n": it may reach a binding, but never the text.
            event.prevent_default()
            return
        # Bindings of this widget run here and now.  Their usual way leads through the queue of
        # every ancestor, where the next key typed could overtake an Enter or a Tab.
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            self._restart_blink()
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

    def action_tab(self) -> None:
        """Accept the ghost, or indent: the selected lines, or from the cursor on."""
        if self.read_only:
            return
        if not self.selection.is_empty:
            self._change_rows(indented(self._selected_lines(), self.indentation))
        elif self._ghost and not self._tab_belongs_to_indentation():
            self.accept_all()
        else:
            self._replace_via_keyboard(self._to_next_stop(), *self.selection)

    def action_shift_tab(self) -> None:
        """Accept a line of the ghost, or take a level of indentation away."""
        if self.read_only:
            return
        if self._ghost:
            self.accept_line()
        else:
            self._change_rows(dedented(self._selected_lines(), self.indentation))

    def action_escape(self) -> None:
        """Dismiss the ghost, or let go of the selection; the focus stays."""
        if self._ghost:
            self.dismiss_ghost()
        elif not self.selection.is_empty:
            self.move_cursor(self.cursor_location)

    def action_new_line(self) -> None:
        """Start a line with the indentation that belongs there."""
        if self.read_only:
            return
        top, (end_row, end_column) = sorted(self.selection)
        left = self.document[top[0]][: top[1]]
        if left.isspace():
            top = (top[0], 0)  # leave no line of nothing but spaces behind
        end_column += len(leading(self.document[end_row][end_column:]))
        text = "\n" + after_enter(left, self.indentation)
        self._replace_via_keyboard(text, top, (end_row, end_column))

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

    def action_toggle_comment(self) -> None:
        """Turn the selected lines into comments, or back into code."""
        sign = comment_sign(self.language_name)
        if sign is None or self.read_only:
            self.app.bell()
            return
        self._change_rows(toggled_comments(self._selected_lines(), sign))

    def _tab_belongs_to_indentation(self) -> bool:
        """Return whether Tab has to indent although a ghost is shown.

        So it is in leading space, while the line is not as deep as the one before it asks for,
        or the ghost itself goes on with indentation.
        """
        row, column = self.cursor_location
        left = self.document[row][:column]
        if left.strip():
            return False
        width = cell_of_column(left, column, self.indent_width)
        expected = expected_width(self.document.lines, row, self.indentation, self.indent_width)
        return self._ghost[0].isspace() or width < expected

    def _to_next_stop(self) -> str:
        """Return what moves the cursor to the next level of indentation."""
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
        """Put ``lines`` in place of the selected rows, as one step; keep the selection on them."""
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

    # ── Drawing ─────────────────────────────────────────────────────────────────────────────

    def _build_highlight_map(self) -> None:
        """Parse what was edited and forget the colours; they are asked for when they are drawn."""
        self._colours.clear()
        if self._parse_timer is not None:
            self._parse_timer.stop()
            self._parse_timer = None
        if isinstance(self.document, TextBuffer) and not self.document.parse(_PARSE_SECONDS):
            self._parse_timer = self.set_timer(_PARSE_REST_SECONDS, self._finish_parsing)

    def _finish_parsing(self) -> None:
        """Parse what took too long for a key, now that no key came for a while."""
        if isinstance(self.document, TextBuffer):
            self.document.parse()
        self._colours.clear()
        self.refresh()

    def _spans(self, row: int) -> tuple[Span, ...]:
        """Return the colours of ``row``, asking for those of its block if need be."""
        if self._grammar is None or not isinstance(self.document, TextBuffer):
            return ()
        block = row // _BLOCK_ROWS
        if block not in self._colours:
            top = block * _BLOCK_ROWS
            self._colours[block] = query_rows(self.document, self._grammar, top, top + _BLOCK_ROWS)
        return self._colours[block].get(row, ())

    def _app_theme_changed(self) -> None:
        self._follow_app_theme()
        super()._app_theme_changed()

    def _on_mount(self, event: events.Mount) -> None:
        self._follow_app_theme()

    def _follow_app_theme(self) -> None:
        """Take the colours of code that are legible on the app's background."""
        theme = "css" if self.app.current_theme.dark else _LIGHT_THEME
        if theme != self.theme:
            self.theme = theme

    def _inline_ghost(self, row: int) -> str:
        """Return the part of the ghost that stands inside the line ``row``."""
        return self._ghost.split("\n", 1)[0] if row == self.cursor_location[0] else ""

    def render_line(self, y: int) -> Strip:
        """Return row ``y`` of the view: a line of the text with its ghost, or a virtual row."""
        row, index = self._ghost_rows.split(y + self.scroll_offset.y)
        if row >= self.document.line_count:
            return Strip.blank(self.size.width, self._base_style)
        hidden = self._hidden_lines(y)
        if index is None:
            return self._text_row(row, hidden)
        return self._virtual_row(self._ghost_rows.lines[index], hidden)

    @property
    def _base_style(self) -> Style:
        return self._theme.base_style or self.rich_style

    @property
    def _ghost_style(self) -> Style:
        """The style of ghost text without a background, so that the line's shows through."""
        style = self.get_component_rich_style("editor--ghost")
        return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)

    def _hidden_lines(self, y: int) -> int:
        """Return how many ghost lines have no room below ``y``, if it is the view's last row."""
        if not self._ghost or y != self.scrollable_content_region.height - 1:
            return 0
        rows, screen_row = self._ghost_rows, y + self.scroll_offset.y
        if screen_row < rows.anchor:
            return 0
        return max(0, rows.anchor + len(rows.lines) - screen_row)

    def _virtual_row(self, text: str, hidden: int) -> Strip:
        """Draw a row of ghost text, or of the room it had."""
        gutter = Segment(" " * self.gutter_width, self._gutter_style(active=False))
        ranges = [(0, len(text), self._ghost_style)]
        return self._strip(gutter, text, ranges, self._base_style, hidden)

    def _text_row(self, row: int, hidden: int) -> Strip:
        """Draw a line of the text, from the cache where nothing that shows in it has changed."""
        cursor_row, cursor_column = self.cursor_location
        key = (
            row,
            self.document[row],
            self._spans(row),
            hidden,
            self.size.width,
            self.scroll_offset.x,
            self.gutter_width,
            self.indent_width,
            self.theme,
            self.read_only,
            self._selected_columns(row),
            self._bracket_columns(row),
            (cursor_column, self._draw_cursor, self._inline_ghost(row), self.has_focus)
            if row == cursor_row
            else None,
        )
        strip = self._line_cache.get(key)
        if strip is None:
            strip = self._line_cache[key] = self._draw_text_row(row, hidden)
        return strip

    def _draw_text_row(self, row: int, hidden: int) -> Strip:
        line = self.document[row]
        column = self.cursor_location[1]
        active = row == self.cursor_location[0] and self._has_cursor
        base = self._base_style
        if active and self.highlight_cursor_line and self._theme.cursor_line_style:
            base = base + self._theme.cursor_line_style
        ghost = self._inline_ghost(row)
        ranges = list(self._line_ranges(row))
        if ghost:
            ranges = _with_gap(ranges, column, len(ghost))
            ranges.append((column, column + len(ghost), self._ghost_style))
            line = f"{line[:column]}{ghost}{line[column:]}"
        if active and self._draw_cursor and self._theme.cursor_style:
            ranges.append((column, column + 1, self._theme.cursor_style))
        number = str(row + self.line_number_start)
        gutter = Segment(f"{number:>{self.gutter_width - 2}}  ", self._gutter_style(active=active))
        return self._strip(gutter, line, ranges, base, hidden)

    def _line_ranges(self, row: int) -> Iterator[StyleRange]:
        """Yield what styles the line ``row``, as if there were no ghost: the last one on top."""
        selected = self._selected_columns(row)
        if selected and self._theme.selection_style:
            yield (*selected, self._theme.selection_style)
        for start, end, name in self._spans(row):
            style = self._theme.syntax_styles.get(name)
            if style:
                yield start, end, style
        if self._theme.bracket_matching_style:
            for column in self._bracket_columns(row):
                yield column, column + 1, self._theme.bracket_matching_style

    def _selected_columns(self, row: int) -> tuple[int, int] | None:
        """Return the columns of the line ``row`` that are selected; its end counts as one."""
        (top, left), (bottom, right) = sorted(self.selection)
        if not top <= row <= bottom or self.selection.is_empty:
            return None
        length = len(self.document[row])
        return (left if row == top else 0, right if row == bottom else length + 1)

    def _bracket_columns(self, row: int) -> tuple[int, ...]:
        """Return the columns of the line ``row`` that hold the cursor's bracket or its partner."""
        partner = self._matching_bracket_location
        if partner is None or not self.match_cursor_bracket or not self.selection.is_empty:
            return ()
        return tuple(place[1] for place in (self.cursor_location, partner) if place[0] == row)

    def _gutter_style(self, *, active: bool) -> Style:
        highlighted = active and self.highlight_cursor_line
        theme = self._theme
        style = theme.cursor_line_gutter_style if highlighted else theme.gutter_style
        return self._base_style + (style or Style())

    def _strip(
        self, gutter: Segment, text: str, ranges: list[StyleRange], base: Style, hidden: int
    ) -> Strip:
        """Return one row of the view; ``hidden`` ghost lines are counted at its end."""
        width = self.size.width - self.gutter_width
        left = self.scroll_offset.x
        segments = paint(text, ranges, base, left=left, width=width, tab_width=self.indent_width)
        strip = Strip([gutter, *segments], max(self.size.width, self.gutter_width))
        if not hidden:
            return strip
        note = f" … +{hidden} line{'s' if hidden > 1 else ''} "
        room = self.scrollable_content_region.width - self.gutter_width - len(note)
        end = line_width(text, self.indent_width) + 1 - left
        start = self.gutter_width + max(0, min(end, room))
        return Strip.join(
            [
                strip.crop(0, start),
                Strip([Segment(note, base + self._ghost_style)], len(note)),
                strip.crop(start + len(note), strip.cell_length),
            ]
        ).crop(0, strip.cell_length)


_NO_TEXT = {"alt", "ctrl", "super", "hyper", "meta"}
"""Modifiers with which a key is a command, whatever character it has."""


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _with_gap(ranges: list[StyleRange], column: int, width: int) -> list[StyleRange]:
    """Return ``ranges`` as they lie after ``width`` columns were put in at ``column``."""
    moved: list[StyleRange] = []
    for start, end, style in ranges:
        if start < column:
            moved.append((start, min(end, column), style))
        if end > column:
            moved.append((max(start, column) + width, end + width, style))
    return moved


def _colours_for(
    name: str | None, lines: list[str], characters: int
) -> tuple[Grammar | None, str | None]:
    """Return the grammar to colour a text with, or None and why not (None: nothing to say)."""
    if name is None:
        return None, None
    if len(lines) > COLOUR_LINES:
        return None, f"no colours: more than {COLOUR_LINES:,} lines"
    if characters > COLOUR_CHARACTERS:
        return None, f"no colours: more than {COLOUR_CHARACTERS:,} characters"
    if max(map(len, lines)) > COLOUR_LINE_CHARACTERS:
        return None, f"no colours: a line of more than {COLOUR_LINE_CHARACTERS:,} characters"
    found = grammar(name)
    return found, None if found else f"no colours: the grammar of {name} is not installed"


def _demo() -> None:
    """Show the editor on its own file, or on a named one, with made-up suggestions."""
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
