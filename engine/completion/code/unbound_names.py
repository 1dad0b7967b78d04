"""Finds names that a piece of a Python file uses but the file does not bind.

Follows Python's scopes: module, classes, functions, comprehensions.  ``self.x`` counts as bound if
the class mentions ``x`` anywhere.  It also counts if the class alone does not determine what its
objects have: a class with bases, a decorator or a subclass in the file, or a mixin.

A name that only another scope of the file binds, such as another function's parameter, came with a
copied line.  One that the file binds nowhere may be imported or defined later, so it is doubtful.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.completion.code.piece import Flaw, Function, Piece, Position, span

__all__ = ["unbound_names"]

_EVERYWHERE = frozenset(dir(builtins)) | {
    *("__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__", "__loader__"),
    *("__builtins__", "__class__", "__annotations__", "__module__", "__qualname__", "__dict__"),
    *("__cached__", "WindowsError", "reveal_type", "_", "unicode", "xrange", "basestring", "long"),
}
_DYNAMIC = {"__getattr__", "__getattribute__", "__setattr__", "__dict__", "setattr", "vars"}
"""A class that mentions one of these may have any attribute."""


@dataclass(frozen=True, slots=True)
class _Class:
    """A class around a piece of code."""

    closed: bool
    """Whether its body tells all attributes of its objects."""
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names known at one point of the file."""

    names: frozenset[str]
    """Bound around the point; functions defined there see them."""
    local: frozenset[str] = frozenset()
    """Bound in the class body around the point; functions defined there do not see them."""
    owner: _Class | None = None
    in_body: bool = False
    """Whether the point is directly in the owner's body, not in a function of it."""
    once: frozenset[str] = frozenset()
    """Names that the function around the point binds at one place only."""
    unset: frozenset[str] = frozenset()
    """Names that the statement around the point is the only one to bind: not bound before it."""
    own_object: str = ""
    """The first parameter of the method around the point, usually ``self``."""


def unbound_names(piece: Piece) -> list[Flaw]:
    """Return, in order, the unbound names that a piece uses.

    Names that end where the piece begins are not looked at, nor those that begin where it ends.

    Raises:
        RecursionError: The code is nested deeper than Python's stack allows.
    """
    module = piece.module
    names = _bindings(module.body) | _globals(module)
    if "*" in names:
        return []  # ``from x import *`` may bind anything
    reader = _Reader(piece, _bases(module))
    reader.all(module.body, _Scope(_EVERYWHERE | names))
    elsewhere = _bound_elsewhere(piece) if reader.found else frozenset()
    settled = _settled(piece)
    return [
        Flaw(at, f"{name} is not bound here", doubtful=name not in elsewhere)
        for name, at in reader.found
        if at < settled
    ]


def _settled(piece: Piece) -> Position:
    """Return up to where the names of a piece are settled.

    The only element of a bracket that is still open may become that of a comprehension, whose
    ``for`` then binds names in it.
    """
    for node in piece.nodes() if piece.grows else ():
        match node:
            case (
                ast.List(elts=[element])
                | ast.Set(elts=[element])
                | ast.Dict(keys=[ast.expr() as element])
                | ast.Call(args=[element], keywords=[])
            ) if span(node)[1] > piece.end:
                return span(element)[0]
    return piece.end


def _bound_elsewhere(piece: Piece) -> frozenset[str]:
    """Return the names that some scope of the file binds, outside the piece."""
    nodes = [node for node in ast.walk(piece.module) if not piece.touches(node)]
    stored = {each.id for each in nodes if isinstance(each, ast.Name) and _is_bound_at(each)}
    return frozenset(stored | {each.arg for each in nodes if isinstance(each, ast.arg)})


def _is_bound_at(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


class _Reader:
    """Reads the nodes that overlap a piece of code."""

    def __init__(self, piece: Piece, bases: frozenset[str]) -> None:
        self._piece = piece
        self._bases = bases
        """Names of classes that others of the file derive from."""
        self.found: list[tuple[str, Position]] = []

    def all(self, nodes: Iterable[ast.AST | None], scope: _Scope) -> None:
        """Read those of the nodes that overlap the piece."""
        for node in nodes:
            if node is not None and self._piece.touches(node):
                self._one(node, scope)

    def _one(self, node: ast.AST, scope: _Scope) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope)
            case ast.Lambda():
                self.all(_defaults(node.args), scope)
                names = _parameters(node.args) | _bindings([node.body])
                self.all([node.body], _inside(scope, names))
            case ast.ClassDef():
                self._class(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                targets = _bindings([part.target for part in node.generators])
                names, unset = scope.names | targets, scope.unset - targets
                self.all(ast.iter_child_nodes(node), replace(scope, names=names, unset=unset))
            case ast.AugAssign(target=ast.Name(id=name) as target):
                if name in scope.once and self._piece.touches(target):
                    self.found.append((name, span(target)[0]))
                self.all([node.value], scope)
            case ast.Assign(targets=targets):
                unset = _bindings(targets) & scope.once
                self.all([node.value, *targets], replace(scope, unset=unset))
            case ast.Name(ctx=ast.Load()):
                known = node.id in scope.names or node.id in scope.local
                if not known or node.id in scope.unset:
                    self.found.append((node.id, span(node)[0]))
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Load()):
                self._attribute(node, name, scope)
            case _:
                typed = replace(scope, names=scope.names | _type_parameters(node))
                self.all(ast.iter_child_nodes(node), typed)

    def _function(self, node: Function, scope: _Scope) -> None:
        self.all(node.decorator_list, scope)
        self.all(_defaults(node.args), scope)
        typed = replace(scope, names=scope.names | _type_parameters(node))
        self.all([*(each.annotation for each in _all_parameters(node.args)), node.returns], typed)
        parameters = _parameters(node.args)
        inner = _inside(typed, parameters | _bindings(node.body))
        inner = replace(inner, once=_bound_once(node.body) - parameters)
        positional = [*node.args.posonlyargs, *node.args.args]
        if scope.in_body and positional and not _is_static(node):
            own = positional[0].arg
            inner = replace(inner, own_object="" if own in _bindings(node.body) else own)
        self.all(node.body, inner)

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        typed = replace(scope, names=scope.names | _type_parameters(node))
        self.all([*node.decorator_list, *node.bases, *node.keywords], typed)
        body = _bindings(node.body)
        attributes = body | self._mentioned(node)
        closed = _is_plain(node) and node.name not in self._bases and not attributes & _DYNAMIC
        owner = _Class(closed, attributes)
        outer = _inside(typed, frozenset())
        self.all(node.body, _Scope(outer.names, body, owner, in_body=True))

    def _mentioned(self, node: ast.ClassDef) -> frozenset[str]:
        """Return the attribute names in a class and the words of its strings.

        Attributes that the piece itself reads are left out.
        """
        found: set[str] = set()
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in _DYNAMIC:
                found.add(each.id)
            elif isinstance(each, ast.Attribute):
                if not (isinstance(each.ctx, ast.Load) and self._piece.touches(each)):
                    found.add(each.attr)
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                found.update(each.value.split())  # ``setattr``, ``__slots__``
        return frozenset(found)

    def _attribute(self, node: ast.Attribute, name: str, scope: _Scope) -> None:
        self.all([node.value], scope)
        owner = scope.owner
        if owner is None or not owner.closed or name != scope.own_object:
            return
        known = node.attr in owner.attributes or "__" in node.attr or hasattr(type, node.attr)
        if not known:
            self.found.append((f"{name}.{node.attr}", span(node)[0]))


def _is_plain(node: ast.ClassDef) -> bool:
    """Return whether the body of a class alone tells what its objects have."""
    own = all(isinstance(base, ast.Name) and base.id == "object" for base in node.bases)
    alone = not node.keywords and not node.decorator_list
    return own and alone and not node.name.endswith("Mixin")


def _is_static(node: Function) -> bool:
    return any(ast.unparse(each).endswith("staticmethod") for each in node.decorator_list)


def _bases(module: ast.Module) -> frozenset[str]:
    """Return the names of classes that others of the file derive from."""
    classes = (node for node in ast.walk(module) if isinstance(node, ast.ClassDef))
    bases = (base for each in classes for base in each.bases)
    return frozenset(base.id for base in bases if isinstance(base, ast.Name))


def _globals(module: ast.Module) -> frozenset[str]:
    """Return the names that functions declare ``global``."""
    nodes = (node for node in ast.walk(module) if isinstance(node, ast.Global))
    return frozenset(name for node in nodes for name in node.names)


def _inside(scope: _Scope, names: frozenset[str]) -> _Scope:
    """Return the scope of a function that begins at ``scope`` and binds ``names``."""
    own = "" if scope.own_object in names else scope.own_object
    inner = scope.names | names
    return _Scope(inner, owner=scope.owner, own_object=own)


def _bindings(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Return the names that nodes bind in their own scope; ``*`` for a star import."""
    return frozenset(name for node in nodes for name in _bound_by(node))


def _bound_once(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Return the names that nodes bind in their own scope at one place only."""
    counts = Counter(name for node in nodes for name in _bound_by(node))
    return frozenset(name for name, count in counts.items() if count == 1)


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
            return  # the names inside belong to another scope
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


def _type_parameters(node: ast.AST) -> frozenset[str]:
    """Return the type parameters of a definition, as in ``def f[T](x: T)`` (Python 3.12)."""
    return frozenset(each.name for each in getattr(node, "type_params", []))
