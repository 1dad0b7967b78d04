"""The colours of code, as captures (``"keyword"``) of a grammar's query by row and columns.

Queries only the rows that are asked for.  Knows no styles.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from textual._tree_sitter import get_language
from textual.widgets import TextArea
from tree_sitter import Language, Query, QueryError

from tui.code.text_buffer import TextBuffer

__all__ = ["Grammar", "Span", "grammar", "query_rows"]

Span = tuple[int, int, str]
"""First column, column after the last, capture name."""


@dataclass(frozen=True)
class Grammar:
    """A language that can be parsed and its highlight query."""

    language: Language
    query: Query
    order: dict[str, int] = field(repr=False)
    """Rank of each capture name: of two captures of one node, the higher one is drawn."""
    source: str = field(repr=False)
    """The text of the query."""


@lru_cache(maxsize=32)
def grammar(name: str) -> Grammar | None:
    """Return the grammar of a language, or None if it is not installed or its query does not fit.

    A query for another version of the grammar is refused as a whole: no colours are better than
    wrong ones.
    """
    language = get_language(name)
    if language is None:
        return None
    source = TextArea._get_builtin_highlight_query(name)
    try:
        query = Query(language, source)
    except QueryError:
        return None
    names = [query.capture_name(number) for number in range(query.capture_count)]
    return Grammar(language, query, {name: rank for rank, name in enumerate(names)}, source)


def query_rows(
    buffer: TextBuffer, grammar: Grammar, top: int, bottom: int
) -> dict[int, tuple[Span, ...]]:
    """Return the highlights of the rows ``top`` to ``bottom`` - 1, in the order of drawing.

    An inner node lies over an outer one.  Of two captures of one node, the one that the query
    mentions later lies on top.  So the colours of a row depend on no other row.
    """
    bottom = min(bottom, buffer.line_count)
    captures = buffer.query_syntax_tree(grammar.query, (top, 0), (bottom, 0))
    found = [
        (node.start_byte - node.end_byte, grammar.order[name], node.start_byte, name, node)
        for name, nodes in captures.items()
        for node in nodes
    ]
    found.sort(key=lambda capture: capture[:3])
    rows: dict[int, list[Span]] = defaultdict(list)
    for _, _, _, name, node in found:
        (first, start), (last, end) = node.start_point, node.end_point
        for row in range(max(first, top), min(last + 1, bottom)):
            line = buffer[row]
            left = _column(line, start) if row == first else 0
            right = _column(line, end) if row == last else len(line)
            if left < right:
                rows[row].append((left, right, name))
    return {row: tuple(spans) for row, spans in rows.items()}


def _column(line: str, byte: int) -> int:
    """Return the column of ``line`` whose UTF-8 form starts at ``byte``."""
    return byte if line.isascii() else len(line.encode("utf-8")[:byte].decode("utf-8", "ignore"))
