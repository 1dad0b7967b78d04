"""The text under the editor: its lines and language, its colours, and its cursor in view.

Colours only the rows that are drawn.  How they are drawn, and what keys do to the text, is for the
classes built on it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePath
from typing import Any

from textual import events
from textual._text_area_theme import TextAreaTheme
from textual.document._document import Location
from textual.document._document_navigator import DocumentNavigator
from textual.geometry import Offset, Region, Size, Spacing
from textual.timer import Timer
from textual.widgets import TextArea

from tui.code.cells import cell_of_column
from tui.code.highlights import Grammar, Span, grammar
from tui.code.indentation import indent_unit
from tui.code.languages import language_of
from tui.code.row_colours import RowColours
from tui.code.row_view import RowView
from tui.code.text_buffer import TextBuffer, newlines_only
from tui.code.undo_history import UndoHistory
from tui.visuals.legible import legible_styles
from tui.widgets.theme_inks import inks_of

__all__ = ["CodeText"]

COLOUR_LINES = 20_000
COLOUR_CHARACTERS = 2_000_000
COLOUR_LINE_CHARACTERS = 10_000
"""Larger texts, and texts with longer lines, are shown without colours."""

_PARSE_AFTER_SECONDS = 0.005
"""Time from an edit until it is parsed: enough to paint it."""
_PARSE_SECONDS = 0.008
"""Time that a parse between two keys may take; a longer one waits for a rest."""
_PARSE_REST_SECONDS = 0.3
_SCROLL_MARGIN = 6
"""Rows kept below the cursor where the text allows it: room for a ghost of several lines."""
_WIDTH_STEP = 16
"""Cells by which the view grows with its longest line: a layout for each of its keys is slow."""
_BRACKET_REACH = 20_000
"""Characters searched for the partner of a bracket."""


class CodeText(TextArea):
    r"""One text of code in a view.

    Args:
        text: What to show; lines end with ``\n``.
        path: Its name decides the language.
        tab_width: Cells of a tab, and one level of indentation where the text shows none.
        read_only: Whether keys may change it.
        name: As for any widget.
        id: As for any widget.
        classes: As for any widget.
    """

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
        self._own_move = False
        self._pressing = False
        self._grammar: Grammar | None = None
        self._parse_timer: Timer | None = None
        self._path = PurePath(path)
        self._tab_width = tab_width
        self._centred: Location | None = None
        self._shown_rows = 0  # rows of the view before it changes its size
        self.highlight_note: str | None = None
        """Why the text has no colours although its language is known; None if it has some."""
        self.indentation = " " * tab_width
        """One level of indentation, as the text uses it."""
        super().__init__(
            soft_wrap=False,
            show_line_numbers=True,
            tab_behavior="focus",
            read_only=read_only,
            name=name,
            id=id,
            classes=classes,
        )
        self.history: UndoHistory = UndoHistory()
        self.set_reactive(TextArea.indent_width, tab_width)
        # Not given to the stock editor, which would first split and measure it in its own way.
        self._set_document(newlines_only(text), None)
        self.mark_saved()

    # ── The text ────────────────────────────────────────────────────────────────────────────

    @property
    def modified(self) -> bool:
        """Whether the text differs from the one that was loaded or marked as saved."""
        return self.document.lines != self._saved_lines

    def mark_saved(self) -> None:
        """Note that the text, as it is now, is on disk."""
        # A copy of references: a comparison with it stops at the first different line.
        self._saved_lines = list(self.document.lines)

    @property
    def language_name(self) -> str | None:
        """The language that the file's name tells, with or without colours."""
        return language_of(self._path, self.document[0])

    def take_path(self, path: PurePath) -> None:
        """Follow the file to another name, which may tell another language; undo goes on."""
        before = self.language_name
        self._path = path
        if self.language_name != before:
            selection = self.selection
            self._set_document(self.text, None)
            self.selection = selection
            self.refresh()

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor before character ``column`` of ``line``, both from 1, in mid-view.

        It stays there through changes of size until somebody moves the cursor or scrolls: an
        editor that was just opened learns its size only later.
        """
        self.move_cursor(self.clamp_visitable((line - 1, column - 1)), center=True)

    def _set_document(self, text: str, language: str | None) -> None:
        """Make the document for ``text``; the file's name tells the language."""
        lines = text.split("\n")
        name = language_of(self._path, lines[0])
        self._grammar, self.highlight_note = _colours_for(name, lines, len(text))
        default = "\t" if name == "go" or self._path.name == "Makefile" else " " * self._tab_width
        self.indentation = indent_unit(lines, default)
        self.document = self._buffer = TextBuffer(
            text, self._grammar.language if self._grammar else None, self.indent_width
        )
        self._buffer.listeners.append(self._text_replaced)
        self._colours = RowColours(
            self._buffer, self._grammar, fenced=self.language_name == "markdown"
        )
        self._colours.follow()
        self._rows = RowView(self._buffer, self.wrap_width, self.indent_width)
        self.wrapped_document = self._rows
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._build_highlight_map()
        with self._moving():
            self.move_cursor((0, 0))
        self._rewrap_and_refresh_virtual_size()

    def _text_replaced(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Hear of a change: what lies from ``start`` to ``new_end`` lay there to ``old_end``."""

    def _watch_soft_wrap(self) -> None:
        self._rewrap_and_refresh_virtual_size()
        self.scroll_to(0, animate=False, force=True, immediate=True)
        self.scroll_cursor_visible(center=True)

    def _watch_language(self, language: str | None) -> None:
        """Do nothing: the language follows the file's name."""

    @property
    def is_syntax_aware(self) -> bool:
        """Whether the text is parsed."""
        return self._buffer.has_tree

    # ── The cursor ──────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Mark moves of the cursor inside as ours, not the person's."""
        before, self._own_move = self._own_move, True
        try:
            yield
        finally:
            self._own_move = before

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll the cursor into view, with some rows around it if keys moved it."""
        if not self._has_cursor:
            return Offset(0, 0)
        center = center or self._is_centred
        x, y = self._cursor_offset = self.wrapped_document.location_to_offset(self.cursor_location)
        below = 0 if self._pressing else self._scroll_margin
        left, right = x, x + 3
        if right + self.gutter_width <= self.scrollable_content_region.width and not self._pressing:
            left = 0  # there is room for the start of the line as well
        moved = self.scroll_to_region(
            Region(left, y, width=right - left, height=1),
            spacing=Spacing(top=min(below, 2), right=self.gutter_width, bottom=below),
            animate=animate,
            force=True,
            center=center,
        )
        self._centred = self.cursor_location if center else None
        return moved

    @property
    def _is_centred(self) -> bool:
        """Whether the cursor is where `go_to` put it, and nobody scrolled the view since."""
        return self._centred == self.cursor_location

    def _scroll_to(self, *arguments: Any, **options: Any) -> bool:
        self._centred = None
        return super()._scroll_to(*arguments, **options)

    def _on_resize(self, event: events.Resize) -> None:  # type: ignore[override]  # may take it
        event.prevent_default()  # the stock editor's part is done here, before the scrolling
        seen = self._shows_cursor(self._shown_rows)
        top, _ = self._rows.place_of_row(min(self.scroll_offset.y, self._rows.height - 1))
        super()._on_resize()
        self._shown_rows = self.scrollable_content_region.height
        if self.soft_wrap and not self._is_centred:
            super()._scroll_to(y=self._rows.first_row(top), animate=False, force=True)
        self._cursor_offset = self._rows.location_to_offset(self.cursor_location)
        if self._is_centred or (seen and not self._shows_cursor(self._shown_rows)):
            self.scroll_cursor_visible()

    def _shows_cursor(self, rows: int) -> bool:
        """Return whether the cursor's row is one of the first ``rows`` of the view."""
        return 0 <= self._cursor_offset[1] - self.scroll_offset.y < rows

    @property
    def _scroll_margin(self) -> int:
        return min(_SCROLL_MARGIN, self.scrollable_content_region.height // 3)

    @property
    def _rows_below(self) -> int:
        """Empty rows that can be scrolled into view below the text."""
        return self._scroll_margin

    def _refresh_size(self) -> None:
        width = self.document.get_size(self.indent_width).width + self.gutter_width + 1
        stepped = -(-width // _WIDTH_STEP) * _WIDTH_STEP
        room = self.outer_size.width - self.gutter.width - self.scrollbar_gutter.width
        width = stepped if width > room else min(stepped, room)  # what fits gets no scroll bar
        height = self._rows.height + self._rows_below
        self.virtual_size = Size(0 if self.soft_wrap else width, height)
        self._refresh_scrollbars()

    def _yield_character_locations(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations(start), _BRACKET_REACH)

    def _yield_character_locations_reverse(self, start: Location) -> Iterable[tuple[str, Location]]:
        return islice(super()._yield_character_locations_reverse(start), _BRACKET_REACH)

    def get_column_width(self, row: int, column: int) -> int:
        """Return the cells from the start of the line ``row`` to ``column``."""
        return cell_of_column(self.document[row], column, self.indent_width)

    # ── Colours ─────────────────────────────────────────────────────────────────────────────

    def _build_highlight_map(self) -> None:
        """Have what was edited parsed once it is painted, in the colours that it had."""
        if not self._buffer.is_parsed:
            self._parse_in(_PARSE_AFTER_SECONDS, self._parse_between_keys)

    def _parse_in(self, seconds: float, parse: Callable[[], None]) -> None:
        if self._parse_timer is not None:
            self._parse_timer.stop()
        self._parse_timer = self.set_timer(seconds, parse)

    def _parse_between_keys(self) -> None:
        """Parse what was edited; what took long the last time waits for a rest."""
        if self._buffer.parse(_PARSE_SECONDS):
            self.refresh()
        else:
            self._parse_in(_PARSE_REST_SECONDS, self.finish_parsing)

    def finish_parsing(self) -> None:
        """Parse now, whatever it takes, and draw the colours that are found."""
        self._buffer.parse()
        self.refresh()

    def _spans(self, row: int) -> tuple[Span, ...]:
        """Return the colours of ``row``."""
        return self._colours.spans(row)

    def _app_theme_changed(self) -> None:
        self._follow_app_theme()
        super()._app_theme_changed()

    def _on_mount(self, event: events.Mount) -> None:
        self._follow_app_theme()

    def _follow_app_theme(self) -> None:
        """Choose colours of code that are legible on the app's background."""
        stock = "css" if self.app.current_theme.dark else "github_light"
        ground = inks_of(self).ground
        theme = f"{stock} on {ground}"
        found = TextAreaTheme.get_builtin_theme(stock)
        if found is not None and theme not in self.available_themes:
            styles = legible_styles(found.syntax_styles, ground)
            self.register_theme(TextAreaTheme(theme, syntax_styles=styles))
        if theme != self.theme:
            self.theme = theme


def _colours_for(
    name: str | None, lines: list[str], characters: int
) -> tuple[Grammar | None, str | None]:
    """Return the grammar to colour a text with, or None and why, if there is a reason to tell."""
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
