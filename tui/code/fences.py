"""The colours of fenced code in Markdown: each block by the grammar of the language it names.

Parses only blocks that touch the rows asked for, and keeps the newest.  Knows no styles.
"""

from collections.abc import Iterator
from functools import lru_cache

from tree_sitter import Language, Node, Query

from tui.code.highlights import Grammar, Span, grammar, query_rows
from tui.code.languages import language_of
from tui.code.text_buffer import TextBuffer

__all__ = ["fence_rows"]

_FENCES = """
(fenced_code_block (info_string (language) @language) (code_fence_content) @code)
"""
_CHARACTERS = 200_000
"""A longer block keeps the colour of plain code."""
_OTHER_NAMES = {"shell": "bash", "console": "bash", "golang": "go", "node": "javascript"}


def fence_rows(
    buffer: TextBuffer, markdown: Language, top: int, bottom: int
) -> dict[int, tuple[Span, ...]]:
    """Return the highlights of code in fences in the rows ``top`` to ``bottom`` - 1.

    Args:
        buffer: A text in Markdown.
        markdown: Its grammar.
        top: First row.
        bottom: Row after the last.
    """
    rows: dict[int, tuple[Span, ...]] = {}
    for first, last, found in _blocks(buffer, markdown, top, bottom):
        text = "\n".join(buffer.lines[first:last])
        if len(text) <= _CHARACTERS:
            block = _parsed(text, found.language)
            for row, spans in query_rows(block, found, max(0, top - first), bottom - first).items():
                rows[first + row] = spans
    return rows


def _blocks(
    buffer: TextBuffer, markdown: Language, top: int, bottom: int
) -> Iterator[tuple[int, int, Grammar]]:
    """Yield (first row, row after the last, grammar) of the blocks whose grammar is here."""
    for captures in buffer.matches(_query(markdown), (top, 0), (bottom, 0)):
        name, code = captures["language"][0], captures["code"][0]
        found = _grammar_named(_text(buffer, name))
        if found is not None:
            last = code.end_point[0] + (code.end_point[1] > 0)
            yield code.start_point[0], last, found


def _text(buffer: TextBuffer, node: Node) -> str:
    start, end = buffer.location_of(node.start_point), buffer.location_of(node.end_point)
    return buffer.get_text_range(start, end)


def _grammar_named(name: str) -> Grammar | None:
    """Return the grammar of a language by its name or by the ending of its files."""
    name = name.lower()
    name = _OTHER_NAMES.get(name, name)
    known = language_of(f"x.{name}")
    return grammar(known or name) if (known or name).isalnum() else None


@lru_cache(maxsize=4)
def _query(markdown: Language) -> Query:
    return Query(markdown, _FENCES)


@lru_cache(maxsize=64)
def _parsed(text: str, language: Language) -> TextBuffer:
    return TextBuffer(text, language)
