"""Draws the text of the editor, with virtual text at the cursor.

Virtual text is ghost text, or the room that it had: it begins inside the cursor's line, and its
other lines are rows that are not in the text.  When it comes and goes is for the classes built on
this one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.document._document import Location, Selection
from textual.geometry import Offset
from textual.strip import Strip

from tui.code.cells import line_width
from tui.code.ghost_block import BlockRow, GhostBlock
from tui.code.line_marks import Sign
from tui.code.painter import StyleRange, paint
from tui.widgets.code_marks import CodeMarks

__all__ = ["CodeView"]

_painted = lru_cache(maxsize=512)(paint)
"""Rows below an Enter show what they showed, beside another number."""


class _Frame(NamedTuple):
    """What all rows of a drawing share."""

    top: int
    """The first row in view."""
    height: int
    """Rows of the text, without those of ghost text alone."""
    block: GhostBlock | None
    look: tuple[Any, ...]
    """What else the look of every row depends on."""
    cursor_line: int
    cursor: tuple[Any, ...]
    """What the look of the cursor's line depends on."""
    sure: int
    """Characters of the ghost that are likely."""
    selects_nothing: bool


class CodeView(CodeMarks):
    """A text of code with virtual text at the cursor; made as `CodeText` is."""

    DEFAULT_CSS = """
    CodeView {
        border: none;
        padding: 0;
        & .editor--ghost { color: $foreground 80%; text-style: dim italic; }
        & .editor--ghost-unsure { color: $foreground 50%; text-style: dim italic; }
        &:focus { border: none; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"editor--ghost", "editor--ghost-unsure"}
    """``editor--ghost`` styles ghost text, ``editor--ghost-unsure`` the end of it that is less
    likely; their background is the line's."""

    _ghost = ""
    """The ghost text at the cursor; empty if there is none."""
    _ghost_unsure = 0
    """Characters at its end that are less likely: as many, while its beginning becomes text."""
    _ghost_at: Location = (0, 0)
    """Where it stands."""
    _room: tuple[int, int] = (0, 0)
    """A line and the empty rows below it, where ghost text was a moment ago."""
    _laid_out: tuple[tuple[Any, ...], GhostBlock] | None = None
    """The newest block, and what it was made of."""
    _frame: "_Frame | None" = None
    """What all rows share, while several are drawn."""
    _drawn: dict[int, tuple[tuple[Any, ...], Strip]]
    """By row of the view: the text row drawn there last, and what it was made of."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._drawn = {}
        super().__init__(*arguments, **options)

    # ── Virtual text ────────────────────────────────────────────────────────────────────────

    def _put_ghost(self, text: str) -> None:
        """Show ``text`` at the cursor, or nothing; draw all again if that changes something."""
        if text or self._ghost or self._room[1]:
            self._ghost, self._ghost_at, self._room = text, self.cursor_location, (0, 0)
            self._refresh_size()
            self.refresh()

    def _leave_room(self, block: GhostBlock) -> None:
        """Keep the rows of ``block`` empty where its ghost text was."""
        self._room = (block.line, block.extra)
        self._refresh_size()
        self.refresh()

    def _block(self) -> GhostBlock | None:
        """Return how the ghost text, or the room it had, is laid out; None if there is neither."""
        if not self._ghost and not self._room[1]:
            return None
        line, column = self._ghost_at if self._ghost else (self._room[0], 0)
        if line >= self.document.line_count:
            return None  # an edit took the line away, and the ghost goes next
        left = 0 if self.soft_wrap else self.scroll_offset.x
        text = self.document[line]
        natural = len(self._rows.get_offsets(line)) + 1
        width = self.wrap_width or self._text_width
        rest = (natural, width, left, self.indent_width, self.soft_wrap, self._room[1])
        made_of = (line, text, column, self._ghost, self._rows.first_row(line), *rest)
        if self._laid_out is None or self._laid_out[0] != made_of:
            self._laid_out = made_of, GhostBlock(*made_of)
        return self._laid_out[1]

    @property
    def _text_width(self) -> int:
        """Cells of a row beside the gutter that no scroll bar covers."""
        return self.scrollable_content_region.width - self.gutter_width

    @property
    def _rows_below(self) -> int:
        block = self._block()
        return super()._rows_below if block is None else max(super()._rows_below, block.extra)

    # ── The mouse ───────────────────────────────────────────────────────────────────────────

    def get_target_document_location(self, event: events.MouseEvent) -> Location:
        """Return the location under the pointer; on a row of ghost text, the end of its line."""
        screen_row = event.y + self.scroll_offset.y - self.gutter.top
        cell = event.x - self.gutter_width - self.gutter.left
        block = self._block()
        row = block and block.row_at(screen_row)
        if block and row:
            return block.line, block.column_at(row, cell)
        row_of_view = block.row_of_view(screen_row) if block else screen_row
        return self._rows.offset_to_location(Offset(cell + self.scroll_offset.x, row_of_view))

    def ghost_under(self, event: events.MouseEvent) -> int | None:
        """Return the number of the ghost's character under the pointer; None if none is."""
        block = self._block() if self._ghost else None
        row = block and block.row_at(event.y + self.scroll_offset.y - self.gutter.top)
        if not block or not row:
            return None
        cell = event.x - self.gutter_width - self.gutter.left
        return block.ghost_at(row, cell) if cell >= 0 else None

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressing = True

    def _end_mouse_selection(self) -> None:
        super()._end_mouse_selection()
        self._pressing = False
        if self._room[1]:
            self._put_ghost("")

    # ── Drawing ─────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """Return row ``y`` of the view: a line of the text with its ghost, or ghost text alone."""
        frame = self._frame or self._new_frame()
        screen_row = y + frame.top
        block = frame.block
        row = block and block.row_at(screen_row)
        if block and row:
            hidden = self._hidden_rows(y, block)
            return (
                self._text_row(frame, y, block.line, 0, row, hidden)
                if row.in_text
                else self._virtual_row(row, hidden)
            )
        row_of_view = block.row_of_view(screen_row) if block else screen_row
        if row_of_view >= frame.height:
            return Strip.blank(self.size.width, self._base_style)
        return self._text_row(frame, y, *self._rows.place_of_row(row_of_view), None, 0)

    def _new_frame(self) -> "_Frame":
        left, top = self.scroll_offset
        cells = (self.size.width, self.wrap_width, left, self.gutter_width, self.indent_width)
        row, column = self.cursor_location
        return _Frame(
            top,
            self._rows.height,
            self._block(),
            (*cells, self.theme, self.read_only),
            row,
            (column, self._draw_cursor, self.has_focus),
            len(self._ghost) - self._ghost_unsure,
            self.selection.is_empty,
        )

    @contextmanager
    def _drawing_rows(self) -> Iterator[None]:
        """Draw several rows, between which nothing changes."""
        self._frame = self._new_frame()
        try:
            yield
        finally:
            self._frame = None

    @property
    def _base_style(self) -> Style:
        return self._theme.base_style or self.rich_style

    @property
    def _ghost_style(self) -> Style:
        """The style of ghost text, without a background so that the line's shows through."""
        return self._style_of_ghost("editor--ghost")

    def _style_of_ghost(self, name: str) -> Style:
        style = self.get_component_rich_style(name)
        return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)

    def _ghost_ranges(self, first: int, length: int, start: int) -> list[StyleRange]:
        """Return the styles of ``length`` characters of the ghost, drawn from column ``first`` on.

        Args:
            first: Column of the first of them.
            length: How many.
            start: Characters of the ghost before them.
        """
        sure = min(length, max(0, len(self._ghost) - self._ghost_unsure - start))
        unsure = self._style_of_ghost("editor--ghost-unsure")
        return [
            (first, first + sure, self._ghost_style),
            (first + sure, first + length, unsure),
        ]

    def _hidden_rows(self, y: int, block: GhostBlock) -> int:
        """Return how many rows with ghost text have no room below ``y``, the view's last row."""
        if not self._ghost or y != self.scrollable_content_region.height - 1:
            return 0
        return block.top + len(block.rows) - (y + self.scroll_offset.y) - 1

    def _virtual_row(self, row: BlockRow, hidden: int) -> Strip:
        """Draw a row of ghost text alone, or of the room that it had."""
        gutter = self._no_number(active=False)
        ranges = self._ghost_ranges(0, len(row.text), row.ghost_start)
        return self._strip(gutter, row.text, ranges, self._base_style, row.left, row.cells, hidden)

    def _text_row(
        self, frame: "_Frame", y: int, line: int, section: int, row: BlockRow | None, hidden: int
    ) -> Strip:
        """Draw a row of a line; take it from the last drawing if nothing that it shows changed."""
        made_of = (
            line,
            section,
            row,
            self.document[line],
            self._spans(line),
            self._marks.spans(line),
            self._marks.signs(line),
            hidden,
            frame.look,
            None if frame.selects_nothing else self._selected_columns(line),
            self._other_cursors(line),
            self._bracket_columns(line),
            frame.sure if row is not None else 0,
            frame.cursor if line == frame.cursor_line else None,
        )
        kept = self._drawn.get(y)
        if kept is None or kept[0] != made_of:
            kept = self._drawn[y] = made_of, self._draw_text_row(line, section, row, hidden)
        return kept[1]

    def _draw_text_row(self, line: int, section: int, row: BlockRow | None, hidden: int) -> Strip:
        text = self.document[line]
        column = self.cursor_location[1]
        active = line == self.cursor_location[0] and self._has_cursor
        base = self._base_style
        if active and self.highlight_cursor_line and self._theme.cursor_line_style:
            base = base + self._theme.cursor_line_style
        ranges = list(self._line_ranges(line))
        if row is None:
            left, cells = self._rows.span(line, section)
            left += self.scroll_offset.x
        else:
            left, cells, section = row.left, row.cells, row.start
            ghost = len(row.text) - len(text)
            ranges = _with_gap(ranges, self._ghost_at[1], ghost)
            ranges += self._ghost_ranges(self._ghost_at[1], ghost, 0)
            text = row.text
        if active and self._draw_cursor and self._theme.cursor_style:
            ranges.append((column, column + 1, self._theme.cursor_style))
        gutter = self._gutter_of(line, active=active) if not section else self._no_number(active)
        return self._strip(gutter, text, ranges, base, left, cells, hidden)

    def _gutter_of(self, line: int, *, active: bool) -> list[Segment]:
        """Return the number of a line and the signs beside it."""
        style = self._gutter_style(active=active)
        number = f"{line + self.line_number_start:>{self.gutter_width - 2}}"
        signs = {sign.place: sign for sign in self._marks.signs(line)}
        if not signs:
            return [Segment(f"{number}  ", style)]
        return [Segment(number, style), *(self._sign(signs.get(place), style) for place in (0, 1))]

    def _sign(self, sign: Sign | None, style: Style) -> Segment:
        if sign is None:
            return Segment(" ", style)
        return Segment(sign.character, style + self._mark_style(sign.style))

    def _line_ranges(self, row: int) -> Iterator[StyleRange]:
        """Yield the styles of the line ``row`` without its ghost; later ones lie on top."""
        selected = self._selected_columns(row)
        if selected and self._theme.selection_style:
            yield (*selected, self._theme.selection_style)
        for start, end, is_cursor in self._other_cursors(row):
            style = self._theme.cursor_style if is_cursor else self._theme.selection_style
            if style:
                yield start, end, style
        for start, end, name in self._spans(row):
            style = self._theme.syntax_styles.get(name)
            if style:
                yield start, end, style
        for start, end, name in self._marks.spans(row):
            yield start, end, self._mark_style(name)
        if self._theme.bracket_matching_style:
            for column in self._bracket_columns(row):
                yield column, column + 1, self._theme.bracket_matching_style

    def _selected_columns(self, row: int) -> tuple[int, int] | None:
        """Return the selected columns of the line ``row``; its end counts as one."""
        return self._columns_of(self.selection, row)

    def _columns_of(self, selection: Selection, row: int) -> tuple[int, int] | None:
        (top, left), (bottom, right) = sorted(selection)
        if not top <= row <= bottom or selection.is_empty:
            return None
        length = len(self.document[row])
        return (left if row == top else 0, right if row == bottom else length + 1)

    def _other_cursors(self, row: int) -> tuple[tuple[int, int, bool], ...]:
        """Return what other cursors have of the line: columns, and whether it is the cursor."""
        return ()

    def _bracket_columns(self, row: int) -> tuple[int, ...]:
        """Return the columns of the line ``row`` that hold the cursor's bracket or its partner."""
        partner = self._matching_bracket_location
        if partner is None or not self.match_cursor_bracket or not self.selection.is_empty:
            return ()
        return tuple(place[1] for place in (self.cursor_location, partner) if place[0] == row)

    def _no_number(self, active: bool) -> list[Segment]:
        """Return the gutter of a row that begins no line."""
        return [Segment(" " * self.gutter_width, self._gutter_style(active=active))]

    def _gutter_style(self, *, active: bool) -> Style:
        highlighted = active and self.highlight_cursor_line
        theme = self._theme
        style = theme.cursor_line_gutter_style if highlighted else theme.gutter_style
        return self._base_style + (style or Style())

    def _strip(
        self,
        gutter: list[Segment],
        text: str,
        ranges: list[StyleRange],
        base: Style,
        left: int,
        cells: int | None,
        hidden: int,
    ) -> Strip:
        """Return one row of the view: ``cells`` of ``text``, and the count of ``hidden`` rows."""
        width = self.size.width - self.gutter_width
        shown = width if cells is None else min(width, cells)
        segments = _painted(
            text, tuple(ranges), base, left=left, width=shown, tab_width=self.indent_width
        )
        blank = [Segment(" " * (width - shown), base)] if shown < width else []
        strip = Strip([*gutter, *segments, *blank], max(self.size.width, self.gutter_width))
        if not hidden:
            return strip
        note = f" … +{hidden} line{'s' if hidden > 1 else ''} "
        room = self._text_width - len(note)
        end = min(line_width(text, self.indent_width) + 1 - left, shown)
        start = self.gutter_width + max(0, min(end, room))
        return Strip.join(
            [
                strip.crop(0, start),
                Strip([Segment(note, base + self._ghost_style)], len(note)),
                strip.crop(start + len(note), strip.cell_length),
            ]
        ).crop(0, strip.cell_length)


def _with_gap(ranges: list[StyleRange], column: int, width: int) -> list[StyleRange]:
    """Return ``ranges`` after the insertion of ``width`` columns at ``column``."""
    moved: list[StyleRange] = []
    for start, end, style in ranges:
        if start < column:
            moved.append((start, min(end, column), style))
        if end > column:
            moved.append((max(start, column) + width, end + width, style))
    return moved
