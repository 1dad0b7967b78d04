"""A piece of a parsed Python file, as the rules that judge it see it.  Pure data.

The piece is what a suggestion adds; the file around it is the person's.  A rule yields a `Flaw`
for each part of the piece that should not stand there.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Flaw", "Function", "Piece", "Placed", "Position", "blocks", "span"]

Position = tuple[int, int]
"""(line from 1, column from 0 in UTF-8 bytes), as `ast` counts."""

Placed = ast.stmt | ast.expr | ast.arg | ast.keyword | ast.alias | ast.ExceptHandler | ast.pattern
"""Nodes that know where in the file they stand."""

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that speaks against a piece."""

    at: Position
    """Where the faulty part begins."""
    what: str
    """What is wrong, as a person would say it."""
    doubtful: bool = field(default=False, compare=False)
    """Whether it may yet be right, because the person may write elsewhere what is missing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The code from ``start`` to ``end`` in a file."""

    module: ast.Module
    start: Position
    end: Position
    grows: bool = False
    """Whether more text may follow ``end`` on the same line or below it."""

    def touches(self, node: ast.AST) -> bool:
        """Return whether a node, decorators included, overlaps the piece."""
        return not isinstance(node, Placed) or self.overlaps(*span(node))

    def overlaps(self, first: Position, last: Position) -> bool:
        """Return whether some of the code from ``first`` to ``last`` is in the piece."""
        return first < self.end and last > self.start

    def nodes(self, root: ast.AST | None = None) -> Iterator[ast.AST]:
        """Yield the nodes that overlap the piece, outer ones first."""
        node = root or self.module
        yield node
        for child in ast.iter_child_nodes(node):
            if self.touches(child):
                yield from self.nodes(child)


def span(node: Placed) -> tuple[Position, Position]:
    """Return where a node, decorators included, begins and ends."""
    parts = [node, *getattr(node, "decorator_list", [])]
    first = min((part.lineno, part.col_offset) for part in parts)
    return first, (node.end_lineno or first[0], node.end_col_offset or first[1])


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements directly in a node."""
    for name in _BLOCKS:
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
