"""Places in other files that somebody may have looked at before they came to a question.

Half of them are definitions that the file imports, half are anywhere in files of the same folder or
in imported ones, in random order.  Which names the answer uses plays no part.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from random import Random

from engine.protocol.completion import TextChunk
from engine.quality.corpus import SourceFile
from engine.quality.imported_names import imports_of
from engine.quality.python_source import parse_python

__all__ = ["VISITED_LINES", "visited_places"]

VISITED_LINES = 32
"""Lines of a place."""

_ANYWHERE = 8
"""Rows that are drawn in each file, before any is chosen."""

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def visited_places(
    file: SourceFile, others: Sequence[SourceFile], count: int, random: Random
) -> tuple[TextChunk, ...]:
    """Return at most ``count`` places of a file's repository, no two in one stretch of a file.

    Args:
        file: Where the question is.
        others: All files of the repository, this one or not.
        count: How many.
        random: Draws them.
    """
    texts = {each.path: each.text for each in others if each.path != file.path}
    defined = list(_definitions(file, texts))
    random.shuffle(defined)
    near = sorted({path for path, _ in defined} | set(_beside(file.path, texts)))
    anywhere = [(path, random.randrange(texts[path].count("\n") + 1)) for path in near * _ANYWHERE]
    random.shuffle(anywhere)
    half = defined[: (count + 1) // 2]
    places = dict.fromkeys((path, row // VISITED_LINES) for path, row in half + anywhere)
    chosen = list(places)[:count]
    random.shuffle(chosen)
    return tuple(TextChunk(path, _stretch(texts[path], part)) for path, part in chosen)


def _definitions(file: SourceFile, texts: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Yield file and row of what the file imports from its repository."""
    code = parse_python(file.text)
    if code is None:
        return
    for each in imports_of(code.tree, file.path, file.root.name, frozenset(texts)):
        other = parse_python(texts[each.file])
        found = _row(other.tree, each.name) if other is not None and each.name else None
        if found is not None:
            yield each.file, found


def _row(tree: ast.Module, name: str) -> int | None:
    """Return the row in which a module defines a name."""
    for node in tree.body:
        if isinstance(node, _DEFINITIONS) and node.name == name:
            return node.lineno - 1
    return None


def _beside(path: str, texts: dict[str, str]) -> Iterator[str]:
    folder = PurePosixPath(path).parent
    return (other for other in texts if PurePosixPath(other).parent == folder)


def _stretch(text: str, part: int) -> str:
    lines = text.splitlines()[part * VISITED_LINES : (part + 1) * VISITED_LINES]
    return "\n".join(lines)
