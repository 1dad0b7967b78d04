"""Ranges of code around a selection: a word, a node of the syntax tree, a line, the whole text.

Knows no widget.  Where there is no tree, brackets and lines have to do.
"""

from collections.abc import Iterator

from textual.document._document import Location
from tree_sitter import Node

from tui.code.text_buffer import TextBuffer

__all__ = ["enclosing", "word_at"]

Range = tuple[Location, Location]


def word_at(line: str, column: int) -> tuple[int, int]:
    """Return the columns of the word around ``column``; an empty range if there is none."""
    start = end = column
    while start and _is_word(line[start - 1]):
        start -= 1
    while end < len(line) and _is_word(line[end]):
        end += 1
    return start, end


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def enclosing(buffer: TextBuffer, start: Location, end: Location) -> Range | None:
    """Return the smallest range around a selection that is larger; None if it is all there is."""
    candidates = [_word(buffer, start, end), *_nodes(buffer, start, end), _line(buffer, start, end)]
    whole = ((0, 0), buffer.end)
    larger = [
        each
        for each in (*candidates, whole)
        if each is not None and each[0] <= start and each[1] >= end and each != (start, end)
    ]
    return min(larger, key=lambda each: _size(buffer, each), default=None)


def _size(buffer: TextBuffer, found: Range) -> tuple[int, int]:
    """Return what orders ranges around one place by size."""
    (top, left), (bottom, right) = found
    return bottom - top, right - left if top == bottom else right + len(buffer[top]) - left


def _word(buffer: TextBuffer, start: Location, end: Location) -> Range | None:
    if start[0] != end[0]:
        return None
    left, right = word_at(buffer[start[0]], start[1])
    return ((start[0], left), (start[0], right)) if left < right else None


def _line(buffer: TextBuffer, start: Location, end: Location) -> Range:
    """Return the lines of a selection, without the space before the first."""
    first = buffer[start[0]]
    left = len(first) - len(first.lstrip())
    return (start[0], min(left, start[1])), (end[0], len(buffer[end[0]]))


def _nodes(buffer: TextBuffer, start: Location, end: Location) -> Iterator[Range]:
    """Yield the ranges of the nodes around a selection, and what lies inside their brackets."""
    node = buffer.node_around(start, end)
    while node is not None:
        top, bottom = buffer.location_of(node.start_point), buffer.location_of(node.end_point)
        yield top, bottom
        yield from _inside(buffer, node)
        node = node.parent


def _inside(buffer: TextBuffer, node: Node) -> Iterator[Range]:
    """Yield what lies between the brackets or quotes that a node begins and ends with."""
    if node.child_count > 2:
        first, last = node.children[0], node.children[-1]
        if not first.is_named and not last.is_named:
            yield buffer.location_of(first.end_point), buffer.location_of(last.start_point)
