"""Whether the names that a piece of a file uses are bound there, as far as the file tells.

Follows Python's scopes: module, classes, functions, comprehensions.  An attribute of a method's own
object counts as bound where its class mentions it, or has bases that this file does not show.
When in doubt a name is bound.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

__all__ = ["unbound"]

_EVERYWHERE = frozenset(dir(builtins)) | {
    *("__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__", "__loader__"),
    *("__builtins__", "__class__", "__annotations__", "__module__", "__qualname__", "__dict__"),
    *("WindowsError", "reveal_type"),
}
_OPENING = {"__getattr__", "__getattribute__", "__dict__", "setattr", "vars"}
"""A class that mentions one of these may have any attribute."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True, slots=True)
class _Class:
    """A class around a place."""

    closed: bool
    """Whether all attributes of its objects can be known from its body."""
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is known at a place."""

    names: frozenset[str]
    """Bound around it, visible in functions that begin there."""
    local: frozenset[str] = frozenset()
    """Bound in the class body it stands in: functions there do not see them."""
    owner: _Class | None = None
    in_body: bool = False
    """Whether it stands directly in the owner's body."""
    own_object: str = ""
    """The first parameter of the owner's method that it stands in."""


def unbound(module: ast.Module, lines: range) -> list[str]:
    """Return the names that the code on ``lines`` uses and nothing binds, in their order.

    Args:
        module: The whole file.
        lines: From 1.
    """
    names = _bindings(module.body)
    if "*" in names:
        return []  # anything may come with ``from x import *``
    reader = _Reader(lines)
    reader.all(module.body, _Scope(_EVERYWHERE | names))
    return reader.found


class _Reader:
    """Reads the nodes that touch some lines."""

    def __init__(self, lines: range) -> None:
        self._lines = lines
        self.found: list[str] = []

    def all(self, nodes: Iterable[ast.AST | None], scope: _Scope) -> None:
        for node in nodes:
            if node is not None and self._touches(node):
                self._one(node, scope)

    def _touches(self, node: ast.AST) -> bool:
        """Return whether a node, its decorators included, lies on the lines in part."""
        if not isinstance(node, ast.stmt | ast.expr):
            return True
        parts = [node, *getattr(node, "decorator_list", [])]
        first = min(part.lineno for part in parts)
        return first < self._lines.stop and (node.end_lineno or first) >= self._lines.start

    def _one(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope)
            case ast.Lambda():
                self.all(_defaults(node.args), scope)
                self.all([node.body], _inside(scope, _parameters(node.args)))
            case ast.ClassDef():
                self._class(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                targets = _bindings([part.target for part in node.generators])
                self.all(ast.iter_child_nodes(node), replace(scope, names=scope.names | targets))
            case ast.Name(ctx=ast.Load()):
                if node.id not in scope.names and node.id not in scope.local:
                    self.found.append(node.id)
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Load()):
                self._attribute(node, name, scope)
            case _:
                self.all(ast.iter_child_nodes(node), scope)

    def _function(self, node: _Function, scope: _Scope) -> None:
        self.all(node.decorator_list, scope)
        self.all(_defaults(node.args), scope)
        typed = replace(scope, names=scope.names | _type_parameters(node))
        self.all([*(each.annotation for each in _all_parameters(node.args)), node.returns], typed)
        inner = _inside(typed, _parameters(node.args) | _bindings(node.body))
        positional = [*node.args.posonlyargs, *node.args.args]
        if scope.in_body and positional and not _is_static(node):
            inner = replace(inner, own_object=positional[0].arg)
        self.all(node.body, inner)

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        typed = replace(scope, names=scope.names | _type_parameters(node))
        self.all([*node.decorator_list, *node.bases, *node.keywords], typed)
        body = _bindings(node.body)
        attributes = body | self._mentioned(node)
        closed = _is_plain(node) and not attributes & _OPENING
        owner = _Class(closed, attributes)
        outer = _inside(typed, frozenset())
        self.all(node.body, replace(outer, local=body, owner=owner, in_body=True, own_object=""))

    def _mentioned(self, node: ast.ClassDef) -> frozenset[str]:
        """Return the attributes of anything that a class mentions, those read on the lines not."""
        found: set[str] = set()
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in _OPENING:
                found.add(each.id)
            elif isinstance(each, ast.Attribute):
                if not (isinstance(each.ctx, ast.Load) and each.lineno in self._lines):
                    found.add(each.attr)
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                found.update(each.value.split())  # ``setattr``, ``__slots__``
        return frozenset(found)

    def _attribute(self, node: ast.Attribute, name: str, scope: _Scope) -> None:
        self.all([node.value], scope)
        owner = scope.owner
        if owner is None or not owner.closed or name != scope.own_object:
            return
        if node.attr not in owner.attributes and not node.attr.startswith("__"):
            self.found.append(f"{name}.{node.attr}")


def _is_plain(node: ast.ClassDef) -> bool:
    """Return whether nothing but its body says what a class has."""
    own = all(isinstance(base, ast.Name) and base.id == "object" for base in node.bases)
    return own and not node.keywords and not node.decorator_list


def _is_static(node: _Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _inside(scope: _Scope, names: frozenset[str]) -> _Scope:
    """Return the scope of a function that begins at ``scope`` and binds ``names``."""
    return replace(scope, names=scope.names | names, local=frozenset(), in_body=False)


def _bindings(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Return the names that nodes bind in the scope they stand in; ``*`` for all of a module."""
    return frozenset(name for node in nodes for name in _bound_by(node))


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
            return  # what is inside is another scope's
        case ast.Lambda():
            return
        case ast.Name(ctx=ast.Store() | ast.Del()):
            yield node.id
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield (alias.asname or alias.name).partition(".")[0]
        case ast.Global() | ast.Nonlocal():
            yield from node.names
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from _bound_by(child)


def _all_parameters(arguments: ast.arguments) -> list[ast.arg]:
    single = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    return frozenset(each.arg for each in _all_parameters(arguments))


def _defaults(arguments: ast.arguments) -> list[ast.expr | None]:
    return [*arguments.defaults, *arguments.kw_defaults]


def _type_parameters(node: _Function | ast.ClassDef) -> frozenset[str]:
    """Return the names in brackets behind a definition's name (Python 3.12)."""
    return frozenset(each.name for each in getattr(node, "type_params", []))
