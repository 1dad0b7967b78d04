"""Locates the parts of a Python file: its lines, its tokens and the nodes of its syntax tree.

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
"""A shorter line is trivial."""

MAX_CHARACTERS = 160
"""A longer line is more often data than code."""

_CLOSED = re.compile(r"[\W_]*(else|try|finally)?[\W_]*:?")
"""Trivial lines: brackets and other signs, ``else:``."""
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
    """A file that parses."""

    text: str
    starts: tuple[int, ...]
    """Where each line starts, and last the end of the text."""
    tree: ast.Module
    bounds: dict[int, tuple[int, ...]]
    """For each row (from 0) of non-trivial code: where tokens start and end inside the line."""

    @property
    def rows(self) -> list[int]:
        """The rows of non-trivial code, ascending."""
        return list(self.bounds)

    def line(self, row: int) -> tuple[int, int]:
        """Return where a line starts and ends, without its line break."""
        return self.starts[row], self.starts[row + 1] - 1

    def indent_end(self, row: int) -> int:
        """Return where the indentation of a line ends."""
        start, end = self.line(row)
        line = self.text[start:end]
        return end - len(line.lstrip(" \t"))

    def offset(self, lineno: int, byte: int) -> int:
        """Return the offset of a UTF-8 byte in a line (from 1), as `ast` counts them."""
        start, end = self.line(lineno - 1)
        line = self.text[start:end]
        return start + (byte if line.isascii() else len(line.encode()[:byte].decode()))

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node starts."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Return where a node ends."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)


@lru_cache(maxsize=512)  # all kinds of questions read the same files
def parse_python(text: str) -> PythonSource | None:
    """Return the parsed file; None if it is not Python of this version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes and the like
            tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    # ValueError: a NUL character.  RecursionError, MemoryError: brackets nested too deep.
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
    """Return whether a line of code is not trivial."""
    word = line.strip()
    return MIN_CHARACTERS <= len(word) <= MAX_CHARACTERS and not _CLOSED.fullmatch(word)


def _columns(tokens: list[tokenize.TokenInfo]) -> dict[int, list[int]]:
    """Return, by row, the columns inside the line's code where a token starts or ends."""
    edges: dict[int, set[int]] = {}
    for token in tokens:
        if token.type not in _NO_CODE:
            edges.setdefault(token.start[0] - 1, set()).add(token.start[1])
            edges.setdefault(token.end[0] - 1, set()).add(token.end[1])
    return {row: sorted(columns)[1:-1] for row, columns in edges.items()}


def _multi_line_rows(tokens: list[tokenize.TokenInfo]) -> Iterator[int]:
    """Yield the rows of tokens that span several lines: these are text, not code."""
    for token in tokens:
        if token.end[0] > token.start[0] and token.type not in _NO_CODE:
            yield from range(token.start[0] - 1, token.end[0])


def _import_rows(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from range(node.lineno - 1, node.end_lineno or node.lineno)


def _docstring_rows(tree: ast.Module) -> Iterator[int]:
    """Yield the rows of statements that are only a constant, which is mostly a docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from range(node.lineno - 1, node.end_lineno or node.lineno)
