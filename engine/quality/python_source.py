"""A Python file as its lines, tokens and tree: where the parts of its code stand.

Offsets count characters of the text.  Knows nothing of questions.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

__all__ = ["PythonSource", "parse_python"]

MIN_CHARACTERS = 8
MAX_CHARACTERS = 160
"""Longer lines are data more often than code."""

_CLOSED = re.compile(r"[\W_]*(else|try|finally)?[\W_]*:?")
"""Lines that say nothing of their own: brackets and signs, ``else:``."""
_NO_CODE = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


@dataclass(frozen=True, slots=True)
class PythonSource:
    """One file that parses."""

    text: str
    starts: tuple[int, ...]
    """Where each line starts; one more, the end of the text."""
    tree: ast.Module
    bounds: dict[int, tuple[int, ...]]
    """Of each line of non-trivial code (row from 0): where tokens start and end inside it."""

    @property
    def rows(self) -> list[int]:
        """The rows of non-trivial code, from 0, ascending."""
        return list(self.bounds)

    def line(self, row: int) -> tuple[int, int]:
        """Return where a line starts and ends, its line break not included."""
        return self.starts[row], self.starts[row + 1] - 1

    def indent_end(self, row: int) -> int:
        """Return where the indentation of a line ends."""
        start, end = self.line(row)
        line = self.text[start:end]
        return end - len(line.lstrip(" \t"))

    def offset(self, lineno: int, byte: int) -> int:
        """Return the character at a line (from 1) and a UTF-8 byte in it, as `ast` counts."""
        start, end = self.line(lineno - 1)
        line = self.text[start:end]
        return start + (byte if line.isascii() else len(line.encode()[:byte].decode()))

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node starts."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node ends."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)


@lru_cache(maxsize=512)  # every kind of question looks at the same files
def parse_python(text: str) -> PythonSource | None:
    """Return the file, None where it is no Python of this version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like are the file's affair
            tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    # ValueError: a NUL character; the last two: brackets in brackets too deep.
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError, MemoryError):
        return None
    lines = text.split("\n")
    starts = tuple(accumulate((len(line) + 1 for line in lines), initial=0))
    excluded = {*_import_rows(tree), *_docstring_rows(tree), *_multi_line_rows(tokens)}
    bounds = {
        row: tuple(starts[row] + column for column in columns)
        for row, columns in sorted(_columns(tokens).items())
        if row not in excluded and _says_something(lines[row])
    }
    return PythonSource(text, starts, tree, bounds)


def _says_something(line: str) -> bool:
    """Return whether a line of code is worth a question."""
    word = line.strip()
    return MIN_CHARACTERS <= len(word) <= MAX_CHARACTERS and not _CLOSED.fullmatch(word)


def _columns(tokens: list[tokenize.TokenInfo]) -> dict[int, list[int]]:
    """Return, by row, the columns strictly inside the line's code at which tokens meet."""
    edges: dict[int, set[int]] = {}
    for token in tokens:
        if token.type not in _NO_CODE:
            edges.setdefault(token.start[0] - 1, set()).add(token.start[1])
            edges.setdefault(token.end[0] - 1, set()).add(token.end[1])
    return {row: sorted(columns)[1:-1] for row, columns in edges.items()}


def _multi_line_rows(tokens: list[tokenize.TokenInfo]) -> Iterator[int]:
    """Yield the rows of tokens of several lines: text, not code."""
    for token in tokens:
        if token.end[0] > token.start[0] and token.type not in _NO_CODE:
            yield from range(token.start[0] - 1, token.end[0])


def _import_rows(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from range(node.lineno - 1, node.end_lineno or node.lineno)


def _docstring_rows(tree: ast.Module) -> Iterator[int]:
    """Yield the rows of statements that are nothing but a constant: mostly documentation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from range(node.lineno - 1, node.end_lineno or node.lineno)
