"""Measures long lines: marks every so many columns, between which it measures only what is asked.

An edited line takes over the marks of the line that it was, so a key costs what is new and in view.
What remains for each key is to copy and compare memory.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

from rich.cells import get_character_cell_size, split_graphemes

from engine.visible_text import visible

__all__ = ["LONG", "Ruler", "is_simple", "measured", "ruler_of"]

LONG = 512
"""A line with more columns has a ruler; a shorter one is measured as a whole."""

_SPAN = 256
"""Columns between two marks."""
_RULERS = 64
_CHARACTERS = 4_000_000
"""Rulers kept, and characters of their lines; a few are kept however long the lines are."""
_FEW_RULERS = 4
_PROBE = 64
"""Characters at one of its ends that an edited line has in common with what it was."""


def is_simple(text: str) -> bool:
    """Return whether every character of ``text`` is itself, one cell wide."""
    return text.isascii() and text.isprintable()


def measured(text: str, cell: int, tab_width: int) -> Sequence[int]:
    """Return the cell of each column of ``text``, the first at ``cell``, and last of its end."""
    if is_simple(text):
        return range(cell, cell + len(text) + 1)
    offsets: list[int] = []
    for start, end, before, after in _graphemes(text, cell, tab_width):
        offsets.append(before)
        offsets.extend([after] * (end - start - 1))
        cell = after
    return (*offsets, cell)


def _graphemes(text: str, cell: int, tab_width: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first column, column after the last, first cell, cell after the last) of each."""
    column = 0
    for number, part in enumerate(text.split("\t")):
        if number:
            stop = cell + tab_width - cell % tab_width
            yield column, column + 1, cell, stop
            column, cell = column + 1, stop
        for start, end, width in _spans(visible(part)):
            yield column + start, column + end, cell, cell + width
            cell += width
        column += len(part)


def _spans(text: str) -> Sequence[tuple[int, int, int]]:
    """Return what `split_graphemes` does, faster where no character joins another."""
    widths = list(map(get_character_cell_size, text))
    if all(widths):
        return [(column, column + 1, width) for column, width in enumerate(widths)]
    return split_graphemes(text)[0]


class Ruler:
    """Where the columns of one line lie.

    Args:
        text: The line.
        tab_width: Cells between tab stops.
        marks: Columns at which a grapheme starts, ascending from 0, and their cells; measured from
            the last of them on.
    """

    def __init__(
        self, text: str, tab_width: int, marks: tuple[Sequence[int], Sequence[int]] = ((0,), (0,))
    ) -> None:
        self.text = text
        self.tab_width = tab_width
        self._columns, self._cells = map(list, marks)
        self._mark_until(len(text))

    @property
    def width(self) -> int:
        """The cells of the whole line."""
        return self._cells[-1]

    def cell_of_column(self, column: int) -> int:
        """Return the cell where ``column`` starts."""
        mark = bisect_right(self._columns, column) - 1
        if mark + 1 == len(self._columns):
            return self.width
        return self._between(mark)[column - self._columns[mark]]

    def around(self, left: int, right: int) -> tuple[int, Sequence[int]]:
        """Return a mark before the cell ``left``, and the cells from there to a mark at ``right``.

        The first number is the mark's column; the cells are those of each column from there on.
        """
        mark = max(0, min(bisect_right(self._cells, left), len(self._cells) - 1) - 1)
        start = self._columns[mark]
        offsets: list[int] = [self._cells[mark]]
        while mark + 1 < len(self._columns) and offsets[-1] < right:
            offsets += self._between(mark)[1:]
            mark += 1
        return start, offsets

    def edited(self, text: str, before: int, after: int) -> "Ruler":
        """Return the ruler of another text that begins and ends like this one.

        Args:
            text: The other text.
            before: Characters at the start that are the same.
            after: Characters at the end that are the same; none is counted twice.
        """
        kept = max(1, bisect_left(self._columns, before))
        ruler = Ruler.__new__(Ruler)
        ruler.text, ruler.tab_width = text, self.tab_width
        ruler._columns, ruler._cells = self._columns[:kept], self._cells[:kept]
        moved = len(text) - len(self.text)
        first = bisect_left(self._columns, len(self.text) - after)
        for mark in range(first, len(self._columns) - 1):
            column = self._columns[mark] + moved
            if column > ruler._columns[-1] and ruler._mark_until(column):
                ruler._take_over(self, mark, moved)
                return ruler
        ruler._mark_until(len(text))
        return ruler

    def _between(self, mark: int) -> Sequence[int]:
        """Return the cell of each column from one mark to the next."""
        piece = self.text[self._columns[mark] : self._columns[mark + 1]]
        return measured(piece, self._cells[mark], self.tab_width)

    def _mark_until(self, column: int) -> bool:
        """Add marks up to ``column``; return whether a grapheme starts there, or the line ends."""
        while (last := self._columns[-1]) < column:
            start, cell = self._next_start(last, min(last + _SPAN, column))
            if start > column:
                return False
            self._columns.append(start)
            self._cells.append(cell)
        return True

    def _next_start(self, mark: int, column: int) -> tuple[int, int]:
        """Return the last start of a grapheme after ``mark`` up to ``column``, and its cell.

        If all of it is one grapheme, return where that ends.
        """
        text, cell = self.text, self._cells[bisect_right(self._columns, mark) - 1]
        length = column - mark
        while True:
            # One more character shows whether a grapheme starts at `column`.
            piece = text[mark : mark + length + 1]
            ends = mark + len(piece) >= len(text)
            if is_simple(piece):
                whole = len(piece) if ends and column == len(text) else len(piece) - 1
                return mark + whole, cell + whole
            *_, last = _graphemes(piece, cell, self.tab_width)
            start, _, before, after = last
            if ends and column == len(text):
                return len(text), after
            if start:
                return mark + start, before
            if ends:
                return len(text), after
            length *= 2

    def _take_over(self, old: "Ruler", mark: int, moved: int) -> None:
        """Take the marks of ``old`` after ``mark``, which is this ruler's last, moved.

        From the first tab on, cells move by whole tab stops.
        """
        shift = self._cells[-1] - old._cells[mark]
        columns, cells = old._columns[mark + 1 :], old._cells[mark + 1 :]
        tab = self.text.find("\t", self._columns[-1]) if shift % self.tab_width else -1
        shifted = len(columns) if tab < 0 else bisect_right(columns, tab - moved)
        self._columns += [column + moved for column in columns]
        self._cells += [cell + shift for cell in cells[:shifted]]
        if shifted < len(columns):
            there = old.cell_of_column(tab - moved)
            shift = _next_stop(there + shift, self.tab_width) - _next_stop(there, self.tab_width)
            self._cells += [cell + shift for cell in cells[shifted:]]


def _next_stop(cell: int, tab_width: int) -> int:
    return cell + tab_width - cell % tab_width


_recent: deque[Ruler] = deque()
"""Rulers of the lines that were measured last, the newest first."""


def ruler_of(text: str, tab_width: int) -> Ruler:
    """Return the ruler of a line: one that is kept, else one made from that of a similar line."""
    for ruler in _recent:
        if ruler.tab_width == tab_width and (ruler.text is text or ruler.text == text):
            if ruler is not _recent[0]:
                _recent.remove(ruler)
                _recent.appendleft(ruler)
            return ruler
    ruler = _from_similar(text, tab_width) or Ruler(text, tab_width)
    _recent.appendleft(ruler)
    characters = sum(len(each.text) for each in _recent)
    while len(_recent) > _RULERS or (characters > _CHARACTERS and len(_recent) > _FEW_RULERS):
        characters -= len(_recent.pop().text)
    return ruler


def _from_similar(text: str, tab_width: int) -> Ruler | None:
    """Return the ruler of a line that was edited, made from the one that it was; None if new."""
    for ruler in _recent:
        old = ruler.text
        probably = text[:_PROBE] == old[:_PROBE] or text[-_PROBE:] == old[-_PROBE:]
        if ruler.tab_width != tab_width or not probably:
            continue
        before = _shared_start(text, old)
        after = _shared_end(text, old, min(len(text), len(old)) - before)
        if 2 * (before + after) > len(text):
            return ruler.edited(text, before, after)
    return None


def _shared_start(one: str, two: str) -> int:
    """Return how many characters two texts begin with in common, by comparing halves."""
    same, most = 0, min(len(one), len(two))
    while same < most:
        middle = (same + most + 1) // 2
        if one.startswith(two[same:middle], same):
            same = middle
        else:
            most = middle - 1
    return same


def _shared_end(one: str, two: str, most: int) -> int:
    """Return how many characters two texts end with in common, ``most`` at the most."""
    same = 0
    while same < most:
        middle = (same + most + 1) // 2
        if one.endswith(two[len(two) - middle : len(two) - same], 0, len(one) - same):
            same = middle
        else:
            most = middle - 1
    return same
