"""The colours of each row of a text, kept until something that they depend on changes.

Asks the grammar's query only for rows that are drawn, and after an edit only for those whose
colours may be others.  From an edit until it is parsed, its rows have those that they had, moved
along with the characters.  Knows no styles.
"""

from collections.abc import Iterator

from textual.document._document import Location

from tui.code.fences import fence_rows
from tui.code.highlights import Grammar, Span, query_rows
from tui.code.query_reach import largest_pattern
from tui.code.text_buffer import Point, TextBuffer

__all__ = ["RowColours"]

_ROWS = 32
"""The most rows that are asked for at a time."""


class RowColours:
    """The colours of a text by row: on each character those that `query_rows` finds in all of it.

    Args:
        buffer: The text.
        grammar: Its grammar; None colours nothing.
        fenced: Whether the text is Markdown, whose fences have colours of other languages.
    """

    def __init__(self, buffer: TextBuffer, grammar: Grammar | None, *, fenced: bool) -> None:
        self._buffer = buffer
        self._grammar = grammar
        self._fenced = fenced
        self._rows: list[tuple[Span, ...] | None] = [None] * buffer.line_count
        self._edits = 0  # since the last parse
        self._from_old_tree = False  # whether rows were asked for since such an edit

    def follow(self) -> None:
        """Hear from now on which lines the buffer replaces and what a parse changes."""
        if self._grammar is not None:
            self._buffer.listeners.append(self._replaced)
            self._buffer.parse_listeners.append(self._parsed)

    @property
    def known(self) -> list[int]:
        """The rows whose colours are kept."""
        return [row for row, spans in enumerate(self._rows) if spans is not None]

    def spans(self, row: int) -> tuple[Span, ...]:
        """Return the colours of a row, in the order of drawing."""
        if self._grammar is None or row >= len(self._rows):
            return ()
        found = self._rows[row]
        if found is None:
            self._ask(row)
            found = self._rows[row]
        return found or ()

    def _ask(self, row: int) -> None:
        """Find the colours of a row, and of those below it in its block that are not known."""
        assert self._grammar is not None
        self._from_old_tree |= self._edits > 0
        end = min(len(self._rows), row - row % _ROWS + _ROWS)
        bottom = next((n for n in range(row, end) if self._rows[n] is not None), end)
        found = query_rows(self._buffer, self._grammar, row, bottom)
        if self._fenced:
            found.update(fence_rows(self._buffer, self._grammar.language, row, bottom))
        self._rows[row:bottom] = [found.get(each, ()) for each in range(row, bottom)]

    def forget(self) -> None:
        """Forget the colours of all rows."""
        self._rows = [None] * self._buffer.line_count

    def _replaced(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Move the colours of what stands beside and below an edit along with it."""
        self._edits += 1
        top, bottom = self._rows[start[0]], self._rows[old_end[0]]
        rows: list[tuple[Span, ...] | None] = [None] * (new_end[0] - start[0] + 1)
        if top is not None and bottom is not None:
            rows = _moved(top, bottom, start, old_end, new_end)
        self._rows[start[0] : old_end[0] + 1] = rows

    def _parsed(self, edited: tuple[Point, Point], changed: list[tuple[Point, Point]]) -> None:
        """Forget the rows of nodes that a parse found changed, and of patterns around them.

        Only the last edit is known; and until it is parsed, the old tree tells other words than
        the text has.
        """
        known = self._edits == 1 and not self._from_old_tree and not self._fenced
        self._edits, self._from_old_tree = 0, False
        if not known:
            self.forget()
            return
        for start, end in (edited, *changed):
            self._forget_rows(start[0], end[0])
            for first, last in self._touching(start, end):
                self._forget_patterns(first, last)

    def _touching(self, start: Point, end: Point) -> Iterator[tuple[Point, Point]]:
        """Yield a range, and with it the byte before it and the byte after it in its rows."""
        yield start, end
        if start[1]:
            yield (start[0], start[1] - 1), end
        if end[0] < len(self._rows) and end[1] < len(self._buffer[end[0]].encode()):
            yield start, (end[0], end[1] + 1)

    def _forget_rows(self, first: int, last: int) -> None:
        last = min(last, len(self._rows) - 1)
        self._rows[first : last + 1] = [None] * max(0, last + 1 - first)

    def _forget_patterns(self, start: Point, end: Point) -> None:
        """Forget the rows of all patterns that the smallest node around a range may belong to."""
        assert self._grammar is not None
        node = self._buffer.node_at(start, end)
        if node is None or node.parent is None:
            return  # space between what the text consists of
        around = largest_pattern(node, self._grammar.source, self._grammar.language)
        if around is not None:
            self._forget_rows(around.start_point[0], around.end_point[0])


def _moved(
    top: tuple[Span, ...],
    bottom: tuple[Span, ...],
    start: Location,
    old_end: Location,
    new_end: Location,
) -> list[tuple[Span, ...] | None]:
    """Return the colours of the rows of an edit: those that its characters had before it."""
    column, old, new = start[1], old_end[1], new_end[1]
    if start[0] == old_end[0] == new_end[0]:
        return [_stretched(top, column, old, new)]
    left = tuple((a, min(b, column), name) for a, b, name in top if a < column)
    right = tuple((new + max(0, a - old), new + b - old, name) for a, b, name in bottom if b > old)
    rows = new_end[0] - start[0]
    return [left, *[()] * (rows - 1), right] if rows else [left + right]


def _stretched(spans: tuple[Span, ...], column: int, old: int, new: int) -> tuple[Span, ...]:
    """Return the colours of a row after its columns from ``column`` to ``old`` became other ones.

    A span that reaches to where the edit starts goes on in it, as a word goes on.

    Args:
        spans: The colours before.
        column: The first column that was replaced.
        old: The column after the last of them.
        new: The column after those that came in.
    """

    def place(at: int) -> int:
        return at if at < column else new + max(0, at - old)

    moved = ((place(a), place(b), name) for a, b, name in spans)
    return tuple(span for span in moved if span[0] < span[1])
