"""Draws the text of the editor, with virtual text at the cursor.

Virtual text is ghost text, or the room that it had: it begins inside the cursor's line, and its
other lines are rows that are not in the text.  When it comes and goes is for the classes built on
this one.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.document._document import EditResult, Location
from textual.document._edit import Edit
from textual.geometry import Offset
from textual.strip import Strip

from tui.assist.ghost import GhostRows
from tui.code.cells import column_of_cell, line_width
from tui.code.line_marks import LineMarks, MarkLayer, Sign
from tui.code.painter import StyleRange, paint
from tui.widgets.code_text import CodeText

__all__ = ["CodeView"]


class CodeView(CodeText):
    """A text of code with virtual text at the cursor; made as `CodeText` is."""

    DEFAULT_CSS = """
    CodeView {
        border: none;
        padding: 0;
        & .editor--ghost { color: $foreground 80%; text-style: dim italic; }
        & .editor--match { background: $warning 30%; text-style: none; }
        & .editor--match-here { background: $warning; color: $background; text-style: bold; }
        & .editor--error { color: $error; text-style: underline; }
        & .editor--warning { color: $warning; text-style: underline; }
        & .editor--added { color: $success; }
        & .editor--changed { color: $primary; }
        & .editor--removed { color: $error; }
        &:focus { border: none; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "editor--ghost",
        "editor--match",
        "editor--match-here",
        "editor--error",
        "editor--warning",
        "editor--added",
        "editor--changed",
        "editor--removed",
    }
    """``editor--ghost`` styles ghost text; its background is the line's.  The others style marks: a
    mark of the style ``match`` is drawn as ``editor--match`` over what is there."""

    _ghost = ""
    """The ghost text at the cursor; empty if there is none."""
    _ghost_rows = GhostRows(0, ())
    """The virtual rows below the cursor's line, or below the line where it was."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._marks = LineMarks()
        super().__init__(*arguments, **options)

    # ── Marks ───────────────────────────────────────────────────────────────────────────────

    def show_marks(self, layer: str, marks: MarkLayer) -> None:
        """Show the marks of one part of the app in place of those it had.

        Args:
            layer: The part's name, as ``"find"``.
            marks: Its styles are component classes of this widget, without ``editor--``.
        """
        if self._marks.put(layer, marks):
            self.refresh()

    def edit(self, edit: Edit) -> EditResult:
        """Do one edit; marks below it stay on their lines."""
        before = self.document.line_count
        result = super().edit(edit)
        self._marks.move(edit.top[0], self.document.line_count - before)
        return result

    def _mark_style(self, name: str) -> Style:
        return self.get_component_rich_style(f"editor--{name}", partial=True)

    # ── Virtual text ────────────────────────────────────────────────────────────────────────

    def _put_ghost(self, text: str) -> None:
        """Show ``text`` at the cursor, or nothing."""
        self._ghost = text
        lines = tuple(text.split("\n")[1:])
        self._place_rows(GhostRows(self.cursor_location[0], lines))

    def _place_rows(self, rows: GhostRows) -> None:
        """Lay out the virtual rows and draw everything again, because the lines below move."""
        self._ghost_rows = rows
        self._refresh_size()
        self.refresh()

    @property
    def _rows_below(self) -> int:
        return max(super()._rows_below, len(self._ghost_rows.lines))

    def _inline_ghost(self, row: int) -> str:
        """Return the part of the ghost that is inside the line ``row``."""
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
        """Return the column of the line at ``cell``, while ``ghost`` is at the cursor."""
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
        """The style of ghost text, without a background so that the line's shows through."""
        style = self.get_component_rich_style("editor--ghost")
        return Style(color=style.color, bold=style.bold, dim=style.dim, italic=style.italic)

    def _hidden_lines(self, y: int) -> int:
        """Return how many ghost lines have no room below ``y``, if that is the view's last row."""
        if not self._ghost or y != self.scrollable_content_region.height - 1:
            return 0
        rows, screen_row = self._ghost_rows, y + self.scroll_offset.y
        if screen_row < rows.anchor:
            return 0
        return max(0, rows.anchor + len(rows.lines) - screen_row)

    def _virtual_row(self, text: str, hidden: int) -> Strip:
        """Draw a row of ghost text, or of the room that it had."""
        gutter = [Segment(" " * self.gutter_width, self._gutter_style(active=False))]
        ranges = [(0, len(text), self._ghost_style)]
        return self._strip(gutter, text, ranges, self._base_style, hidden)

    def _text_row(self, row: int, hidden: int) -> Strip:
        """Draw a line of the text; take it from the cache if nothing that it shows changed."""
        cursor_row, cursor_column = self.cursor_location
        key = (
            row,
            self.document[row],
            self._spans(row),
            self._marks.spans(row),
            self._marks.signs(row),
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
        return self._strip(self._gutter_of(row, active=active), line, ranges, base, hidden)

    def _line_ranges(self, row: int) -> Iterator[StyleRange]:
        """Yield the styles of the line ``row`` without its ghost; later ones lie on top."""
        selected = self._selected_columns(row)
        if selected and self._theme.selection_style:
            yield (*selected, self._theme.selection_style)
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

    def _gutter_of(self, row: int, *, active: bool) -> list[Segment]:
        """Return the number of a line and the signs beside it."""
        style = self._gutter_style(active=active)
        number = f"{row + self.line_number_start:>{self.gutter_width - 2}}"
        signs = {sign.place: sign for sign in self._marks.signs(row)}
        if not signs:
            return [Segment(f"{number}  ", style)]
        return [Segment(number, style), *(self._sign(signs.get(n), style) for n in range(2))]

    def _sign(self, sign: Sign | None, style: Style) -> Segment:
        if sign is None:
            return Segment(" ", style)
        return Segment(sign.character, style + self._mark_style(sign.style))

    def _gutter_style(self, *, active: bool) -> Style:
        highlighted = active and self.highlight_cursor_line
        theme = self._theme
        style = theme.cursor_line_gutter_style if highlighted else theme.gutter_style
        return self._base_style + (style or Style())

    def _strip(
        self, gutter: list[Segment], text: str, ranges: list[StyleRange], base: Style, hidden: int
    ) -> Strip:
        """Return one row of the view, with the count of ``hidden`` ghost lines at its end."""
        width = self.size.width - self.gutter_width
        left = self.scroll_offset.x
        segments = paint(text, ranges, base, left=left, width=width, tab_width=self.indent_width)
        strip = Strip([*gutter, *segments], max(self.size.width, self.gutter_width))
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
    """Return ``ranges`` after the insertion of ``width`` columns at ``column``."""
    moved: list[StyleRange] = []
    for start, end, style in ranges:
        if start < column:
            moved.append((start, min(end, column), style))
        if end > column:
            moved.append((max(start, column) + width, end + width, style))
    return moved
