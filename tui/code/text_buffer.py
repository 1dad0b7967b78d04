"""The text in an editor: lines split only at newlines, their widths, and their syntax tree.

`TextBuffer` replaces the document inside Textual's `TextArea`, which splits at every separator that
Unicode knows, so that a save would turn a form feed into a newline, and walks the whole file
several times for every key.  Knows neither the widget nor how lines are drawn.
"""

from collections import Counter
from collections.abc import Callable
from time import thread_time
from typing import Any

from textual.document._document import Document, EditResult, Location
from textual.geometry import Size
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from tui.code.cells import line_width

__all__ = ["Point", "TextBuffer", "newlines_only"]

Point = tuple[int, int]
"""A place as tree-sitter counts it: row, and byte in the row."""

_LAST = 0xFFFFFFFF
"""The largest row or column of a tree-sitter point."""


def newlines_only(text: str) -> str:
    """Return ``text`` as a buffer may hold it: one kind of newline, no NUL, valid Unicode.

    Everything typed or pasted passes through here.  A NUL would make the file binary, and half a
    surrogate pair could not be saved.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


class TextBuffer(Document):
    r"""A text as a list of lines, with a syntax tree when a language is given.

    Args:
        text: Lines end with ``\n``; other separators are characters like any other.
        language: The grammar to parse with; None means no tree.
        tab_width: Cells of a tab, for `get_size`.
    """

    def __init__(self, text: str, language: Language | None = None, tab_width: int = 4) -> None:
        self._newline = "\n"
        self._lines = text.split("\n")
        self._tab_width = tab_width
        self._measure()
        self._byte_lengths = [_byte_length(line) for line in self._lines]
        self._mark = 0, 0  # a row, and the bytes before it
        self._parser = Parser(language) if language is not None else None
        self._tree: Tree | None = self._parser.parse(self._bytes()) if self._parser else None
        self._parsed = True
        self._parse_seconds = 0.0  # of the processor, for the last parse after an edit
        self.listeners: list[Callable[[Location, Location, Location], None]] = []
        """Told of every change: where it starts, where what it replaced ended, where it ends."""
        self._edited: tuple[Point, Point] = ((0, 0), (0, 0))  # what the last edit put in
        self.parse_listeners: list[Callable[[tuple[Point, Point], list[tuple[Point, Point]]], None]]
        self.parse_listeners = []
        """Told of every parse: what the last edit put in, and ranges in which other nodes stand."""

    @property
    def widths(self) -> list[int]:
        """The cells of each line."""
        return self._widths

    @property
    def has_tree(self) -> bool:
        """Whether the text has a syntax tree."""
        return self._tree is not None

    @property
    def is_parsed(self) -> bool:
        """Whether the syntax tree, if there is one, is that of the text as it is now."""
        return self._parsed or self._tree is None

    def parse(self, budget_seconds: float | None = None) -> bool:
        """Bring the syntax tree up to date with the edits since the last parse.

        It usually takes one or two milliseconds, and perhaps a hundred after an edit that makes the
        code of a large file invalid.  Until it is done the nodes of the old tree serve, moved along
        with the text.

        The whole text is given as bytes: a parser that reads through a function, which alone could
        be told to give up, leaks what it is given.

        Args:
            budget_seconds: If the last parse took the processor longer, this one is left for
                another time; None always parses.

        Returns:
            Whether the tree is up to date.
        """
        if self._parsed or self._parser is None or self._tree is None:
            return True
        if budget_seconds is not None and self._parse_seconds > budget_seconds:
            return False
        start = thread_time()
        before, self._tree = self._tree, self._parser.parse(self._bytes(), self._tree)
        self._parse_seconds = thread_time() - start
        self._parsed = True
        changed = [
            (_point(each.start_point), _point(each.end_point))
            for each in before.changed_ranges(self._tree)
        ]
        for listener in self.parse_listeners:
            listener(self._edited, changed)
        return True

    def get_size(self, tab_width: int) -> Size:
        """Return the cells of the widest line and the number of lines."""
        if tab_width != self._tab_width:
            self._tab_width = tab_width
            self._measure()
        return Size(max(self._lines_of_width), len(self._lines))

    def _measure(self) -> None:
        self._widths = [line_width(line, self._tab_width) for line in self._lines]
        self._lines_of_width = Counter(self._widths)  # so that the widest is found among few

    def get_text_range(self, start: Location, end: Location) -> str:
        """Return the text between two locations, whichever comes first."""
        (top, left), (bottom, right) = sorted((self._within(start), self._within(end)))
        if top == bottom:
            return self._lines[top][left:right]
        first, *middle, last = self._lines[top : bottom + 1]
        return "\n".join([first[left:], *middle, last[:right]])

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Replace the text between two locations by ``text``; does not `parse`."""
        top, bottom = sorted((self._within(start), self._within(end)))
        replaced = self.get_text_range(top, bottom)
        new_lines = text.split("\n")
        end_row = top[0] + len(new_lines) - 1
        end_column = len(new_lines[-1]) + (top[1] if len(new_lines) == 1 else 0)
        if self._tree is not None:
            start_byte, start_point = self._place(top)
            old_end_byte, old_end_point = self._place(bottom)
            self._bytes_before(top[0])  # the mark goes before what changes
        new_lines[0] = self._lines[top[0]][: top[1]] + new_lines[0]
        new_lines[-1] += self._lines[bottom[0]][bottom[1] :]
        rows = slice(top[0], bottom[0] + 1)
        self._lines[rows] = new_lines
        self._replace_widths(rows, [line_width(line, self._tab_width) for line in new_lines])
        self._byte_lengths[rows] = [_byte_length(line) for line in new_lines]
        if self._tree is not None:
            new_end_byte, new_end_point = self._place((end_row, end_column))
            self._tree.edit(
                start_byte=start_byte,
                old_end_byte=old_end_byte,
                new_end_byte=new_end_byte,
                start_point=start_point,
                old_end_point=old_end_point,
                new_end_point=new_end_point,
            )
            self._parsed = False
            self._edited = start_point, new_end_point
        for listener in self.listeners:
            listener(top, bottom, (end_row, end_column))
        return EditResult((end_row, end_column), replaced)

    def _replace_widths(self, rows: slice, widths: list[int]) -> None:
        """Put the cells of other lines in place of those of ``rows``."""
        self._lines_of_width.subtract(self._widths[rows])
        for width in {*self._widths[rows]}:
            if not self._lines_of_width[width]:
                del self._lines_of_width[width]
        self._lines_of_width.update(widths)
        self._widths[rows] = widths

    def query_syntax_tree(
        self,
        query: Query,
        start_point: tuple[int, int] | None = None,
        end_point: tuple[int, int] | None = None,
    ) -> dict[str, list[Node]]:
        """Return the nodes that touch a range, by capture name; points count bytes."""
        if self._tree is None:
            return {}
        cursor = QueryCursor(query)
        cursor.set_point_range(start_point or (0, 0), end_point or (_LAST, _LAST))
        return dict(cursor.captures(self._tree.root_node))

    def matches(
        self, query: Query, start_point: tuple[int, int], end_point: tuple[int, int]
    ) -> list[dict[str, list[Node]]]:
        """Return the captures of each match of a query that touches a range; points count bytes."""
        if self._tree is None:
            return []
        cursor = QueryCursor(query)
        cursor.set_point_range(start_point, end_point)
        return [captures for _, captures in cursor.matches(self._tree.root_node)]

    def node_around(self, start: Location, end: Location) -> Node | None:
        """Return the smallest node of the syntax tree around two locations; None without a tree."""
        self.parse()
        if self._tree is None:
            return None
        (_, first), (_, last) = self._place(start), self._place(end)
        return self._tree.root_node.descendant_for_point_range(first, last)

    def node_at(self, start: Point, end: Point) -> Node | None:
        """Return the smallest node of the syntax tree around two points; None without a tree."""
        return self._tree and self._tree.root_node.descendant_for_point_range(start, end)

    def location_of(self, point: tuple[int, int]) -> Location:
        """Return the location of a point of the tree, which counts bytes."""
        row, byte = point
        if row >= len(self._lines):
            return self.end
        line = self._lines[row]
        return row, byte if line.isascii() else len(line.encode()[:byte].decode("utf-8", "ignore"))

    def _within(self, location: Location) -> Location:
        """Return the nearest location inside the text."""
        row, column = location
        if row >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        return max(0, row), max(0, min(column, len(self._lines[row])))

    def _place(self, location: Location) -> tuple[int, tuple[int, int]]:
        """Return a location as tree-sitter counts it: the byte in the text, and (row, byte)."""
        row, column = location
        column_byte = _byte_length(self._lines[row][:column]) - 1
        return self._bytes_before(row) + column_byte, (row, column_byte)

    def _bytes_before(self, row: int) -> int:
        """Return the bytes before a row, counted from the row that was asked for last."""
        near, before = self._mark
        if near <= row:
            before += sum(self._byte_lengths[near:row])
        else:
            before -= sum(self._byte_lengths[row:near])
        self._mark = row, before
        return before

    def _bytes(self) -> bytes:
        return "\n".join(self._lines).encode("utf-8")


def _point(point: Any) -> Point:
    return point.row, point.column


def _byte_length(line: str) -> int:
    """Return the bytes of ``line`` with its newline."""
    return (len(line) if line.isascii() else len(line.encode("utf-8"))) + 1
