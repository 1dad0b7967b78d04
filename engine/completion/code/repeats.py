"""Finds parts of a piece of Python that stand in the file already and must not stand there twice.

Each rule yields the copies in the piece, never the person's own.  What is repeated on purpose, such
as a call, is let be.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.completion.code.piece import Flaw, Function, Piece, Placed, Position, blocks, span

__all__ = ["copied_body", "repeated_imports", "repeated_parts", "repeated_statements"]

_EFFECTS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
"""Code that may mean something else the second time."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One of several parts that must differ."""

    key: str
    first: Position
    last: Position


# ── parts of one list ───────────────────────────────────────────────────────────────────────────


def repeated_parts(piece: Piece) -> Iterator[Flaw]:
    """Yield keys, elements, arguments, cases, handlers, fields and definitions that come twice."""
    for node in piece.nodes():
        for what, parts in _lists(node):
            yield from _copies(what, parts, piece)


def _copies(what: str, parts: Sequence[_Part], piece: Piece) -> Iterator[Flaw]:
    """Yield the parts in the piece whose key another part has, which came first or is outside."""
    own = [part for part in parts if piece.overlaps(part.first, part.last)]
    known = {part.key for part in parts if part not in own}
    for part in own:
        if part.key in known:
            yield Flaw(part.first, f"repeats {what}")
        known.add(part.key)


def _lists(node: ast.AST) -> Iterator[tuple[str, list[_Part]]]:
    """Yield (what the parts are, the parts) for each list of a node whose parts must differ."""
    match node:
        case ast.Dict():
            yield "a key", _plain(node.keys)
        case ast.Set():
            yield "a set element", _plain(node.elts)
        case ast.Call():
            yield (
                "a keyword argument",
                [_named(each, each.arg) for each in node.keywords if each.arg],
            )
        case ast.arguments():
            single = [each for each in (node.vararg, node.kwarg) if each]
            every = [*node.posonlyargs, *node.args, *node.kwonlyargs, *single]
            yield "a parameter", [_named(each, each.arg) for each in every]
        case ast.Import() | ast.ImportFrom():
            yield "an imported name", [_part(each, ast.dump(each)) for each in node.names]
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as value):
            yield "an exported name", _plain(value.elts)
        case ast.Try():
            yield "a handler", _plain(_caught(node.handlers))
        case ast.Match():
            cases = [each.pattern for each in node.cases if each.guard is None]
            yield "a case", [_part(each, ast.dump(each)) for each in cases]
        case ast.If():
            yield "a condition", _plain(_conditions(node))
        case ast.ClassDef():
            yield "a base class", _plain(node.bases)
            yield "a field", _fields(node.body)
    if isinstance(node, ast.ClassDef | ast.Module):
        yield "a definition", _definitions(node.body)


def _plain(nodes: Iterable[ast.expr | None]) -> list[_Part]:
    """Return the parts that are the same whenever they are written the same."""
    return [
        _part(node, ast.dump(node))
        for node in nodes
        if node is not None and not any(isinstance(each, _EFFECTS) for each in ast.walk(node))
    ]


def _part(node: Placed, key: str) -> _Part:
    return _Part(key, *span(node))


def _named(node: ast.keyword | ast.arg, name: str) -> _Part:
    """Return a part that is known by the name that it begins with."""
    line, column = node.lineno, node.col_offset
    return _Part(name, (line, column), (line, column + len(name.encode())))


def _caught(handlers: Sequence[ast.ExceptHandler]) -> Iterator[ast.expr]:
    """Yield the types that handlers of one ``try`` catch."""
    for handler in handlers:
        if isinstance(handler.type, ast.Tuple):
            yield from handler.type.elts
        elif handler.type is not None:
            yield handler.type


def _conditions(node: ast.If) -> Iterator[ast.expr]:
    """Yield the conditions of an ``if`` and of each ``elif`` that belongs to it."""
    yield node.test
    match node.orelse:
        case [ast.If() as other]:
            yield from _conditions(other)


def _fields(body: Iterable[ast.stmt]) -> list[_Part]:
    """Return the annotated names of a class body."""
    return [
        _named_target(each.target)
        for each in body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def _named_target(node: ast.Name) -> _Part:
    return _part(node, node.id)


def _definitions(block: Iterable[ast.stmt]) -> list[_Part]:
    """Return the functions and classes of a block; a decorator may make copies meaningful."""
    found = []
    for each in block:
        if isinstance(each, Function | ast.ClassDef) and not each.decorator_list:
            words = {ast.FunctionDef: "def ", ast.AsyncFunctionDef: "async def "}
            column = each.col_offset + len(words.get(type(each), "class "))
            end = column + len(each.name.encode())
            found.append(_Part(each.name, (each.lineno, column), (each.lineno, end)))
    return found


# ── statements ──────────────────────────────────────────────────────────────────────────────────


def repeated_statements(piece: Piece) -> Iterator[Flaw]:
    """Yield statements that repeat the one above or below, other than calls."""
    for node in piece.nodes():
        for block in blocks(node):
            own = [each for each in block if piece.touches(each)]
            for i, each in enumerate(block):
                if each not in own or not _tells(each):
                    continue
                near = [block[i - 1]] if i else []
                near += [other for other in block[i + 1 : i + 2] if other not in own]
                if any(ast.dump(each) == ast.dump(other) for other in near):
                    yield Flaw(span(each)[0], "repeats a statement")


def _tells(node: ast.stmt) -> bool:
    """Return whether a statement is pointless right below its copy; it is if it changes nothing."""
    if isinstance(node, ast.Pass | ast.AugAssign | ast.Delete | Function | ast.ClassDef):
        return False
    return not any(isinstance(each, _EFFECTS) for each in ast.walk(node))


# ── imports ─────────────────────────────────────────────────────────────────────────────────────


def repeated_imports(piece: Piece) -> Iterator[Flaw]:
    """Yield imports of what is imported already where the import stands.

    A function that imports what the module around it imports is doubtful: some people do so.
    """
    yield from _imports_in(piece.module, frozenset(), frozenset(), piece)


def _imports_in(
    node: ast.AST, outer: frozenset[str], known: frozenset[str], piece: Piece
) -> Iterator[Flaw]:
    """Yield the repeated imports in a node.

    Args:
        node: Has blocks.
        outer: Imported in the scopes around the node.
        known: Imported in the node's own scope, in the blocks around it.
        piece: What is judged.
    """
    if isinstance(node, Function | ast.ClassDef):
        outer, known = outer | known, frozenset()
    for block in blocks(node):
        here = known.union(*(_imported(each) for each in block if not piece.touches(each)))
        for each in block:
            if piece.touches(each):
                names = frozenset(_imported(each))
                if names and names <= here | outer:
                    yield Flaw(span(each)[0], "repeats an import", doubtful=not names <= here)
                here |= names
                yield from _imports_in(each, outer, here, piece)
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from _imports_in(part, outer, known, piece)


def _imported(node: ast.stmt) -> Iterator[str]:
    """Yield a key for each name that an import statement binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        source = "import"
        if isinstance(node, ast.ImportFrom):
            source = f"from {'.' * node.level}{node.module or ''}"
        for alias in node.names:
            yield f"{source} {alias.name} {alias.asname or ''}"


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────


def copied_body(piece: Piece) -> Iterator[Flaw]:
    """Yield the whole body of a test that another test beside it has, statement by statement."""
    for node in piece.nodes():
        for block in blocks(node):
            tests = [each for each in block if isinstance(each, Function) and _is_test(each)]
            bodies = [_body(each) for each in tests]
            for body in bodies:
                own = bool(body) and all(piece.touches(each) for each in body)
                if own and [_dumped(each) for each in bodies].count(_dumped(body)) > 1:
                    yield Flaw(span(body[0])[0], "repeats the body of another test")


def _is_test(node: Function) -> bool:
    """Return whether a function is a test of its own; an inherited one is not."""
    inherited = any(isinstance(each, ast.Name) and each.id == "super" for each in ast.walk(node))
    return node.name.startswith("test_") and not node.decorator_list and not inherited


def _body(node: Function) -> list[ast.stmt]:
    """Return what a function does: its body, docstring and ``pass`` aside."""
    body = [each for each in node.body if not isinstance(each, ast.Pass)]
    return body[1:] if ast.get_docstring(node, clean=False) is not None else body


def _dumped(body: Iterable[ast.stmt]) -> list[str]:
    return [ast.dump(each) for each in body]
