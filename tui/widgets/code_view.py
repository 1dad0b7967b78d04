"""The view of code under the editor: one text, its colours, and rows that are not in the text.

Holds the text and draws it, coloured by the window, with virtual text at the cursor.  What keys
do to the text, and when virtual text comes and goes, is for the classes built on it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePath
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._text_area_theme import TextAreaTheme
from textual.document._document import Location
from textual.document._document_navigator import DocumentNavigator
from textual.geometry import Offset, Region, Size, Spacing
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import TextArea

from tui.assist.ghost import GhostRows
from tui.code.cells import cell_of_column, column_of_cell, line_width
from tui.code.highlights import Grammar, Span, grammar, query_rows
from tui.code.indentation import indent_unit
from tui.code.languages import language_of
from tui.code.painter import StyleRange, paint
from tui.code.text_buffer import FlatView, TextBuffer, newlines_only

__all__ = ["CodeView"]

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


class CodeView(TextArea):
    r"""One text of code, with virtual text at the cursor.

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
    CodeView {
        border: none;
        padding: 0;
        & .editor--ghost { color: $foreground 80%; text-style: dim italic; }
        &:focus { border: none; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"editor--ghost"}
    """``editor--ghost`` styles ghost text; its background is the line's."""

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
        self._pressing = False
        self._grammar: Grammar | None = None
        self._colours: dict[int, dict[int, tuple[Span, ...]]] = {}
        self._parse_timer: Timer | None = None
        self._path = PurePath(path)
        self._tab_width = tab_width
        self._centred: Location | None = None
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
        self.mark_saved()

    # ── The text ────────────────────────────────────────────────────────────────────────────

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
        """Put the cursor before character ``column`` of ``line``, both from 1, in mid-view.

        It stays there through changes of size until somebody moves the cursor or scrolls: an
        editor that was just opened learns its size only later.
        """
        self.move_cursor(self.clamp_visitable((line - 1, column - 1)), center=True)

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

    # ── The cursor ──────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Mark moves of the cursor inside as ours: they drop no ghost and post no `Moved`."""
        before, self._own_move = self._own_move, True
        try:
            yield
        finally:
            self._own_move = before

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll so that the cursor is in view, with some rows around it where keys moved it."""
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
        super()._on_resize()
        if self._is_centred:
            self.scroll_cursor_visible()

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

    # ── Virtual text ────────────────────────────────────────────────────────────────────────

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

    def _inline_ghost(self, row: int) -> str:
        """Return the part of the ghost that stands inside the line ``row``."""
        return self._ghost.split("\n", 1)[0] if row == self.cursor_location[0] else ""

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

    # ── Colours ─────────────────────────────────────────────────────────────────────────────

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

    # ── Drawing ─────────────────────────────────────────────────────────────────────────────

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
