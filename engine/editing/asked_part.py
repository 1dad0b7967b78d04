"""Cuts an answer to what was asked for, by Python's syntax: what stands around it is left out.

A small model that is asked for one method likes to write its class again, or all of the file.  The
lines around the range would then stand in the file twice.  Other languages are left as they are.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

from engine.completion.code.syntax import is_python
from engine.editing.edit_prompt import LinesToEdit
from engine.protocol.editing import EditRequest

__all__ = ["asked_part", "text_of_answer"]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class _Scope:
    """A block of statements that the range lies in."""

    owner: ast.AST
    """Whose block it is; the module for the outermost."""
    field: str
    """Which of its blocks: ``"body"``, ``"orelse"``."""
    statements: Sequence[ast.stmt]


def text_of_answer(request: EditRequest, lines: LinesToEdit, answer: str) -> str:
    """Return what takes the place of the lines: an answer without what stands around them."""
    return lines.alone(lines.indented(asked_part(request, answer)))


def asked_part(request: EditRequest, answer: str) -> str:
    """Return the part of an answer that stands for the lines of the range.

    The blocks around the range are unwrapped where the answer has them, too, and what stands there
    beside the range is dropped: definitions by their names, everything else if it is the same.  A
    new definition stays.  An answer that has only what stands around becomes the lines as they are,
    which is refused like every other edit that changes nothing.

    Args:
        request: The lines and the instruction.
        answer: With or without the indentation of the lines.

    Returns:
        Text without the indentation of the lines; ``answer`` itself where nothing is to be cut.
    """
    file, written = _parsed(request.text), _parsed(dedent(answer))
    if not is_python(request.path) or file is None or written is None:
        return answer
    scopes = _around(file, request.first, request.last)
    scope, level = _unwrapped(scopes, written.body)
    unwrapped = level is not written.body
    kept = _without_neighbours(scope, level, request, everything=unwrapped)
    if not unwrapped and len(kept) == len(level):
        return answer
    if not kept:
        return dedent("\n".join(request.text.split("\n")[request.first - 1 : request.last]))
    return dedent(_source(dedent(answer).split("\n"), level, kept))


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _around(file: ast.Module, first: int, last: int) -> list[_Scope]:
    """Return the blocks that the range lies in, the module first."""
    scopes = [_Scope(file, "body", file.body)]
    while (inner := _scope_within(scopes[-1].statements, first, last)) is not None:
        scopes.append(inner)
    return scopes


def _scope_within(statements: Sequence[ast.AST], first: int, last: int) -> _Scope | None:
    """Return the block of one of the statements that the range lies in."""
    for owner in statements:
        for field, block in ast.iter_fields(owner):
            if not isinstance(block, list) or not block:
                continue
            if isinstance(block[0], ast.ExceptHandler | ast.match_case):
                found = _scope_within(block, first, last)
                if found is not None:
                    return found
            elif isinstance(block[0], ast.stmt) and _holds(owner, block, first, last):
                return _Scope(owner, field, block)
    return None


def _holds(owner: ast.AST, block: Sequence[ast.stmt], first: int, last: int) -> bool:
    """Return whether a range lies below the head of a block, and not beyond its end."""
    head = getattr(owner, "lineno", block[0].lineno - 1)
    return head < first and _begin(block[0]) <= last and last <= (block[-1].end_lineno or 0)


def _unwrapped(
    scopes: Sequence[_Scope], written: list[ast.stmt]
) -> tuple[_Scope, Sequence[ast.stmt]]:
    """Return the innermost block that an answer writes again, and its statements there."""
    reached, level = scopes[-1], written
    for scope in scopes[1:]:
        again = next((node for node in level if _is_same_block(node, scope.owner)), None)
        inside = getattr(again, scope.field, None)
        if inside:
            reached, level = scope, inside
    return reached, level


def _is_same_block(node: ast.AST, owner: ast.AST) -> bool:
    if isinstance(owner, _Definition):
        return isinstance(node, _Definition) and node.name == owner.name
    return type(node) is type(owner) and _head(node) == _head(owner)


def _head(node: ast.AST) -> list[str]:
    """Return what stands before the blocks of a statement, as trees."""
    parts = [value for _, value in ast.iter_fields(node)]
    single = [value for value in parts if isinstance(value, ast.AST)]
    return [ast.dump(value) for value in single]


def _without_neighbours(
    scope: _Scope, level: Sequence[ast.stmt], request: EditRequest, *, everything: bool
) -> list[ast.stmt]:
    """Return the statements of an answer that do not stand beside the range already.

    Args:
        scope: The block in the file.
        level: The statements of the answer.
        request: Has the range.
        everything: Whether the answer certainly repeats the block; else only an answer that
            repeats a definition does.
    """
    before = [node for node in scope.statements if (node.end_lineno or 0) < request.first]
    after = [node for node in scope.statements if _begin(node) > request.last]
    own = {
        node.name
        for node in scope.statements
        if isinstance(node, _Definition) and node not in before and node not in after
    }
    kept = [node for node in level if not (_name(node) not in own and _among(node, before + after))]
    if everything or any(_name(node) for node in level if node not in kept):
        for node in before:
            _drop(kept, node)
        for node in reversed(after):
            _drop(kept, node, last=True)
    return kept


def _name(node: ast.stmt) -> str:
    return node.name if isinstance(node, _Definition) else ""


def _among(node: ast.stmt, others: Sequence[ast.stmt]) -> bool:
    """Return whether a definition's name is defined by one of the others."""
    return bool(_name(node)) and any(_name(node) == _name(other) for other in others)


def _drop(kept: list[ast.stmt], node: ast.stmt, *, last: bool = False) -> None:
    """Take a statement that is the same out, the first or the last one."""
    same = [at for at, each in enumerate(kept) if ast.dump(each) == ast.dump(node)]
    if same:
        del kept[same[-1] if last else same[0]]


def _begin(node: ast.stmt) -> int:
    """Return the first line of a statement, decorators included."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(each.lineno for each in decorators)])


def _source(lines: Sequence[str], level: Sequence[ast.stmt], kept: Sequence[ast.stmt]) -> str:
    """Return the lines of statements: with what stands between two that follow each other."""
    parts: list[str] = []
    end = 0
    for node in kept:
        at = level.index(node)
        follows = bool(parts) and level[at - 1] is kept[kept.index(node) - 1]
        begin = end + 1 if follows else _with_comments(lines, _begin(node))
        if parts and not follows and _name(node):
            parts.append("")
        end = node.end_lineno or node.lineno
        parts += lines[begin - 1 : end]
    return "\n".join(parts)


def _with_comments(lines: Sequence[str], begin: int) -> int:
    """Return the first line of the comments right above a statement."""
    while begin > 1 and lines[begin - 2].lstrip().startswith("#"):
        begin -= 1
    return begin
