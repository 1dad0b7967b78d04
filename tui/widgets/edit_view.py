"""Draws a file with the difference of an edit in it, in place of the file's editor.

The text shown is the file's, with removed and added lines below each other; it is a copy, which no
key changes.  What becomes of the hunks is for `EditReview`.
"""

from collections.abc import Iterator, Sequence

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.strip import Strip

from tui.assist.edit_diff import DiffRow
from tui.code.cells import cell_of_column
from tui.visuals.palette import blend
from tui.widgets.code_repaint import CodeRepaint
from tui.widgets.editor import Editor
from tui.widgets.theme_inks import inks_of

__all__ = ["EditView"]

_SIGNS = {"removed": "-", "added": "+", "accepted": "✓"}
_NEAR = 3
"""Rows kept below the line that is being written."""
_ROW_SHARE, _WORD_SHARE = 0.2, 0.5
"""Shares of red or green in the background of a row, and of words that differ."""
_DIM = Style(dim=True)


class EditView(CodeRepaint):
    """A read-only copy of a text, with rows of a difference in place of some lines.

    Args:
        editor: The editor whose text is copied.
        path: Its name decides the language.
        first: The first line of the range, from 1.
        last: The last line of the range.
    """

    def __init__(self, editor: Editor, path: str, first: int, last: int) -> None:
        lines = editor.document.lines
        super().__init__("\n".join(lines), path=path, tab_width=editor.indent_width, read_only=True)
        self.highlight_cursor_line = False
        self._top = first - 1
        self._diff: Sequence[DiffRow] = [
            DiffRow("same", line, number) for number, line in enumerate(lines[first - 1 : last])
        ]
        self._whole_range = True

    # ── the difference ──────────────────────────────────────────────────────────────────────

    def show_rows(self, rows: Sequence[DiffRow], *, whole_range: bool) -> None:
        """Draw a difference in place of the one before.

        Args:
            rows: The rows.
            whole_range: Whether to mark all of them, and not the open hunk at the cursor.
        """
        old, new = [row.text for row in self._diff], [row.text for row in rows]
        self._diff, self._whole_range = rows, whole_range
        self._replace_lines(old, new)
        self.refresh()

    def follow(self) -> None:
        """Scroll to the last line that is written, if it is below the view."""
        written = [index for index, row in enumerate(self._diff) if row.kind != "ahead"]
        height = self.scrollable_content_region.height
        row = self._top + (written[-1] if written else 0)
        if row > self.scroll_offset.y + height - _NEAR:
            self.scroll_to(y=row - height + _NEAR, animate=False)

    def go_to_hunk(self, hunk: int) -> None:
        """Put the cursor on the first row of a hunk."""
        rows = [index for index, row in enumerate(self._diff) if row.hunk == hunk]
        if rows:
            self.move_cursor((self._top + rows[0], 0))
            self.scroll_to_hunk(rows[0], rows[-1])

    def scroll_to_hunk(self, first: int, last: int) -> None:
        """Scroll rows of the difference into view, the first of them if all have no room."""
        height = self.scrollable_content_region.height
        top, bottom = self._top + first, self._top + last
        if bottom >= self.scroll_offset.y + height or top < self.scroll_offset.y:
            room = max(0, height - (bottom - top) - 1)
            self.scroll_to(y=max(0, top - room // 2), animate=False)

    @property
    def hunk(self) -> int | None:
        """The open hunk at the cursor, else the next one, else the first; None: all are decided."""
        at = self.cursor_location[0] - self._top
        hunks = [(index, row.hunk) for index, row in enumerate(self._diff) if row.hunk is not None]
        below = [hunk for index, hunk in hunks if index >= at]
        return next(iter([*below, *(hunk for _, hunk in hunks)]), None)

    def _replace_lines(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Change the lines of the difference, no more of them than differ."""
        if old == new:
            return
        first = next(
            (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        first = max(0, min(first, len(old) - 1, len(new) - 1))
        last, stop = len(old), len(new)
        while last > first + 1 and stop > first + 1 and old[last - 1] == new[stop - 1]:
            last, stop = last - 1, stop - 1
        top, bottom = (self._top + first, 0), (self._top + last - 1, len(old[last - 1]))
        with self._moving():
            self.replace("\n".join(new[first:stop]), top, bottom)
        self.history.clear()

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """Return row ``y`` of the view, with the colour of what becomes of its line."""
        strip = super().render_line(y)
        screen_row = y + self.scroll_offset.y
        if screen_row >= self.wrapped_document.height:
            return strip
        line = self.wrapped_document.offset_to_location(Offset(0, screen_row))[0]
        row = self._row_of(line)
        body = strip.crop(self.gutter_width, strip.cell_length)
        return Strip.join([self._number(line, row), self._tinted(body, row)])

    def _row_of(self, line: int) -> DiffRow | None:
        """Return the row of the difference that a line of the view is; None: it is none."""
        index = line - self._top
        return self._diff[index] if 0 <= index < len(self._diff) else None

    def _number(self, line: int, row: DiffRow | None) -> Strip:
        """Return the number that a line has in the text as it will be, its sign and a mark."""
        style = self._gutter_style(active=False)
        inks = inks_of(self)
        sign = _SIGNS.get(row.kind, " ") if row is not None else " "
        ink = inks.bad if sign == "-" else inks.good if sign != " " else inks.wafer
        coloured = style + Style(color=ink)
        mark = "▌" if self._is_marked(row) else " "
        number = f"{self._number_of(line, row):>{self.gutter_width - 2}}"
        return Strip([Segment(number, style), Segment(f"{sign}{mark}", coloured)])

    def _is_marked(self, row: DiffRow | None) -> bool:
        if row is None:
            return False
        return self._whole_range or (row.hunk is not None and row.hunk == self.hunk)

    def _number_of(self, line: int, row: DiffRow | None) -> str:
        if row is not None:
            return "" if row.number is None else str(self._top + row.number + 1)
        removed = sum(row.kind == "removed" for row in self._diff) if line >= self._top else 0
        return str(line + 1 - removed)

    def _tinted(self, strip: Strip, row: DiffRow | None) -> Strip:
        """Return a row with the background of what becomes of its line, and of its words."""
        if row is None:
            return strip
        if row.kind == "ahead":
            return strip.apply_style(_DIM)
        if row.kind not in _SIGNS:
            return strip
        inks = inks_of(self)
        ink = inks.bad if row.kind == "removed" else inks.good
        plain = self._base_style.bgcolor
        tinted = _with_ground(strip, plain, Style(bgcolor=blend(inks.ground, ink, _ROW_SHARE)))
        ground = Style(bgcolor=blend(inks.ground, ink, _WORD_SHARE))
        for start, end in self._cells(row):
            tinted = Strip.join(
                [
                    tinted.crop(0, start),
                    _with_ground(strip.crop(start, end), plain, ground),
                    tinted.crop(end, strip.cell_length),
                ]
            )
        return tinted

    def _cells(self, row: DiffRow) -> Iterator[tuple[int, int]]:
        """Yield the cells in view of the words that differ."""
        width = self.size.width - self.gutter_width
        for columns in row.marks:
            start, end = (
                cell_of_column(row.text, column, self.indent_width) - self.scroll_offset.x
                for column in columns
            )
            if start < width and end > 0:
                yield max(0, start), min(end, width)


def _with_ground(strip: Strip, plain: Color | None, ground: Style) -> Strip:
    """Return a strip with another background where it has the ``plain`` one."""
    return Strip(
        [
            Segment(text, style + ground if style and style.bgcolor == plain else style)
            for text, style, _ in strip
        ],
        strip.cell_length,
    )
