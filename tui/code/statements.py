"""Finds the lines of the statement at a cursor, with a tree-sitter grammar.  Knows no widget.

A statement is the smallest node with a statement's name that covers all of the cursor's line: of
the first line of a function the whole function, of a line inside a call over several lines the
statement with the call.  A blank line belongs to the statement around it.
"""

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node, Parser

from tui.code.highlights import grammar

__all__ = ["statement_lines", "wider_lines"]

_STATEMENT = re.compile(
    r"(statement|definition|declaration|_item|comment|rule_set|mapping_pair|section|element|table)$"
)
"""Ends of the names that grammars give to what stands on lines of its own."""
_LINES = 50_000
"""A longer text is not parsed for this."""


def statement_lines(lines: Sequence[str], row: int, language: str | None) -> tuple[int, int] | None:
    """Return the first and the last row of the statement at a row; None: there is none.

    Args:
        lines: All of the text.
        row: Index of the cursor's line.
        language: Name of the grammar; None for a text without one.
    """
    found = grammar(language) if language is not None else None
    if found is None or len(lines) > _LINES:
        return None
    tree = Parser(found.language).parse("\n".join(lines).encode("utf-8", "replace"))
    candidates = [node for node in _around(tree.root_node, lines, row) if _is_statement(node)]
    return _rows(candidates[-1], lines) if candidates else None


def wider_lines(
    lines: Sequence[str], first: int, last: int, language: str | None
) -> tuple[int, int]:
    """Return the rows of the smallest statement with more than some rows; all where there is none.

    Args:
        lines: All of the text.
        first: The first row that it has to hold.
        last: The last one.
        language: Name of the grammar; None for a text without one.
    """
    end = len(lines) - 1
    found = grammar(language) if language is not None else None
    if found is not None and len(lines) <= _LINES:
        tree = Parser(found.language).parse("\n".join(lines).encode("utf-8", "replace"))
        around = [
            _rows(each, lines)
            for each in _around(tree.root_node, lines, first)
            if _is_statement(each)
        ]
        for top, bottom in reversed(around):
            if top <= first and last <= bottom and (top, bottom) != (first, last):
                return top, bottom
    return 0, end - 1 if end > 0 and not lines[end] else end


def _is_statement(node: Node) -> bool:
    return _STATEMENT.search(node.type) is not None


def _around(root: Node, lines: Sequence[str], row: int) -> Iterator[Node]:
    """Yield the nodes below ``root`` that cover all of a row, the outermost first."""
    line = lines[row].encode("utf-8", "replace")
    left, right = len(line) - len(line.lstrip()), len(line.rstrip(b" \t\r;"))
    if not line.strip():
        left = right = 0
    start, end = (row, left), (row, right)
    node: Node | None = root
    while node is not None:
        node = next((each for each in node.children if _covers(each, start, end)), None)
        if node is not None and node.is_named:
            yield node


def _covers(node: Node, start: tuple[int, int], end: tuple[int, int]) -> bool:
    return tuple(node.start_point) <= start and end <= tuple(node.end_point)


def _rows(node: Node, lines: Sequence[str]) -> tuple[int, int]:
    """Return the first and the last row of a node; with its decorators, without blank ends."""
    while node.parent is not None and node.parent.type == "decorated_definition":
        node = node.parent
    first, last = node.start_point[0], node.end_point[0]
    if node.end_point[1] == 0:
        last -= 1
    while last > first and not lines[last].strip():
        last -= 1
    return first, last
