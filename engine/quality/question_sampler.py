"""Draws questions evenly from a corpus: places in files where some text is cut out.

=========  =====================================================================================
``line``   a whole line with its indentation
``mid``    the rest of a line, from a place where two tokens meet
``block``  the body of a statement, without its first indentation
``api``    the arguments of a call
``cross``  the line that first uses a name from another file of the repository
=========  =====================================================================================

All lines are non-trivial code: 8 characters or more, no import, no ``else:``, not only brackets.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

from engine.quality.corpus import Corpus, SourceFile
from engine.quality.imported_names import names_from_other_files
from engine.quality.python_source import PythonSource, parse_python
from engine.quality.round_robin import round_robin

__all__ = ["KINDS", "Hole", "QuestionItem", "QuestionSampler"]

MAX_BLOCK_ROWS = 8
MAX_BLOCK_CHARACTERS = 400
MIN_ARGUMENTS = 3
"""Least characters of a call's arguments; fewer are not worth a question."""


@dataclass(frozen=True, slots=True)
class Hole:
    """The text that is cut out: the characters from ``start`` to ``end``."""

    start: int
    end: int
    name: str = ""
    """In ``cross``, the name that is first used here."""


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """One question with its answer."""

    file: SourceFile
    hole: Hole

    @property
    def prefix(self) -> str:
        """The text before the hole."""
        return self.file.text[: self.hole.start]

    @property
    def suffix(self) -> str:
        """The text after the hole."""
        return self.file.text[self.hole.end :]

    @property
    def target(self) -> str:
        """The text that is cut out: the right answer."""
        return self.file.text[self.hole.start : self.hole.end]


Finder = Callable[[PythonSource, Random], list[Hole]]
"""Returns the holes of one kind in a file, in the order of the file."""


class QuestionSampler:
    """Draws questions from a corpus.

    Args:
        corpus: The files.
        seed: The same seed, corpus, kind and number give the same questions.
    """

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self._corpus = corpus
        self._seed = seed
        self._paths: dict[Path, frozenset[str]] = {}
        for root in corpus.repositories:
            paths = (file.path for file in corpus.files if file.root == root)
            self._paths[root] = frozenset(paths)

    def draw(self, kind: str, count: int) -> list[QuestionItem]:
        """Return at most ``count`` questions, drawn from each repository and each file in turn.

        They come in the order of the files, so that neighbours share caches.
        """
        items = round_robin(self._repository(kind, root) for root in self._corpus.repositories)
        return sorted(islice(items, count), key=lambda item: (item.file.name, item.hole.start))

    def _repository(self, kind: str, root: Path) -> Iterator[QuestionItem]:
        """Yield the questions of one repository, from each file in turn."""
        files = [file for file in self._corpus.files if file.root == root]
        Random(f"{self._seed}/{kind}/{root.name}").shuffle(files)
        yield from round_robin(self._file(kind, file) for file in files)

    def _file(self, kind: str, file: SourceFile) -> Iterator[QuestionItem]:
        """Yield the questions of one file in random order; none if it does not parse."""
        code = parse_python(file.text)
        if code is None:
            return
        random = Random(f"{self._seed}/{kind}/{file.root.name}/{file.path}")
        find = _FINDERS.get(kind) or partial(self._cross, file)
        holes = find(code, random)
        random.shuffle(holes)
        for hole in holes:
            yield QuestionItem(file, hole)

    def _cross(self, file: SourceFile, code: PythonSource, random: Random) -> list[Hole]:
        """Return the lines that first use a name from another file."""
        names = names_from_other_files(code.tree, file.path, file.root.name, self._paths[file.root])
        first: dict[int, str] = {}
        for name, lineno in _first_uses(code.tree, names):
            first.setdefault(lineno - 1, name)
        return [Hole(*code.line(row), name) for row, name in first.items() if row in code.bounds]


def _first_uses(tree: ast.Module, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield each name that occurs, with the line (from 1) of its first occurrence."""
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    yield from sorted(lines.items())


def _lines(code: PythonSource, random: Random) -> list[Hole]:
    return [Hole(*code.line(row)) for row in code.rows]


def _middles(code: PythonSource, random: Random) -> list[Hole]:
    """Return one random cut inside each line that has a place for one."""
    return [
        Hole(random.choice(bounds), code.line(row)[1])
        for row, bounds in code.bounds.items()
        if bounds
    ]


def _blocks(code: PythonSource, random: Random) -> list[Hole]:
    """Return the bodies of statements, of at most `MAX_BLOCK_ROWS` lines."""
    holes = []
    for body in _bodies(code.tree):
        first, last = body[0], body[-1]
        top = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
        bottom = last.end_lineno or last.lineno
        start, end = code.indent_end(top - 1), code.end(last)
        text = code.text[start:end]
        alone = code.text[end : code.line(bottom - 1)[1]].strip() == ""
        own_line = start == code.start(first) or top < first.lineno
        if alone and own_line and _is_worth_asking(text, bottom - top + 1):
            holes.append(Hole(start, end))
    return sorted(holes, key=lambda hole: hole.start)


def _is_worth_asking(body: str, rows: int) -> bool:
    return rows <= MAX_BLOCK_ROWS and 8 <= len(body) <= MAX_BLOCK_CHARACTERS


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield the indented bodies of all statements, without their docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module):
            continue
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if not isinstance(body, list) or not body or not isinstance(body[0], ast.stmt):
                continue
            if field == "orelse" and isinstance(node, ast.If) and isinstance(body[0], ast.If):
                continue  # perhaps an elif, which is not indented
            kept = body[1:] if _is_docstring(body[0]) else body
            if kept:
                yield kept


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _calls(code: PythonSource, random: Random) -> list[Hole]:
    """Return the arguments of calls that fit on one line of code."""
    holes = set()
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.Call) or node.end_lineno != node.func.end_lineno:
            continue
        if (node.end_lineno or 0) - 1 not in code.bounds:
            continue
        end = code.end(node) - 1
        start = code.text.find("(", code.end(node.func), end) + 1
        if start and len(code.text[start:end].strip()) >= MIN_ARGUMENTS:
            holes.add(Hole(start, end))
    return sorted(holes, key=lambda hole: (hole.start, hole.end))


_FINDERS: dict[str, Finder] = {"line": _lines, "mid": _middles, "block": _blocks, "api": _calls}

KINDS = (*_FINDERS, "cross")
"""The kinds of questions."""
