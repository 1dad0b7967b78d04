"""Finds returned values that a Python function's signature, name or docstring rules out.

Knows types only where the syntax alone tells them: literals, comparisons, calls of built-ins.  All
else may be anything.
"""

import ast
import re
from collections.abc import Iterator

from engine.completion.code.piece import Flaw, Function, Piece, span

__all__ = ["contradicting_returns"]

_BUILTINS = ("bool", "int", "float", "str", "bytes", "list", "dict", "set", "tuple")
_NONE = "None"
_OBJECT = "object"
"""Any type but ``bool`` and None, from which no class can be derived."""
_FITS = {"int": {"bool"}, "float": {"bool", "int"}}
"""Types that do for another, beside itself."""

_SPECIAL = {
    "__init__": _NONE,
    "__setattr__": _NONE,
    "__setitem__": _NONE,
    "__delitem__": _NONE,
    "__post_init__": _NONE,
    "__str__": "str",
    "__repr__": "str",
    "__len__": "int",
    "__hash__": "int",
    "__bool__": "bool",
}
_QUESTION = re.compile(r"_*(is|has|can|should)_")
_WHETHER = re.compile(r"(Returns?\s+)?(whether|true if|true when|true iff|if the)\b", re.IGNORECASE)
_CALLED = {"len": "int", "sorted": "list", "repr": "str", "isinstance": "bool", "any": "bool"}
_CALLED |= {"all": "bool", "callable": "bool", "hasattr": "bool", "issubclass": "bool"}
_CALLED |= {name: name for name in _BUILTINS}


def contradicting_returns(piece: Piece) -> Iterator[Flaw]:
    """Yield values that the function around them cannot return."""
    tests = _tests(piece)
    for node in piece.nodes():
        if isinstance(node, Function):
            expected = _annotated(node.returns) or _SPECIAL.get(node.name)
            if node in tests:
                expected = _NONE
            sure = expected is not None
            if expected is None and _asks(node):
                expected = "bool"
            if expected is not None and not _yields(node):
                for each in _returns(node):
                    finished = span(each)[1] <= piece.end
                    if finished and piece.touches(each) and not _fits(each, expected, sure=sure):
                        yield Flaw(span(each)[0], f"returns what is no {expected}")


def _annotated(node: ast.expr | None) -> str | None:
    """Return the built-in type that an annotation names, None for any other."""
    match node:
        case ast.Constant(value=None):
            return _NONE
        case ast.Constant(value=str(text)):
            return text if text in (*_BUILTINS, _NONE) else None
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in _BUILTINS:
            return name
    return None


def _tests(piece: Piece) -> list[Function]:
    """Return the tests of a file: functions of the module or of a class, told by their names.

    If one of them returns something outside the piece, the names mean something else.
    """
    top = piece.module.body
    bodies = [top, *(each.body for each in top if isinstance(each, ast.ClassDef))]
    functions = (each for body in bodies for each in body if isinstance(each, Function))
    tests = [each for each in functions if each.name.startswith("test_")]
    returned = (each for test in tests for each in _returns(test) if each.value is not None)
    return tests if all(piece.touches(each) for each in returned) else []


def _asks(node: Function) -> bool:
    """Return whether a function's name or docstring says that it answers yes or no."""
    return bool(_QUESTION.match(node.name) or _WHETHER.match(ast.get_docstring(node) or ""))


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function that are not another function's."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own(child)


def _yields(node: Function) -> bool:
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own(node))


def _returns(node: Function) -> Iterator[ast.Return]:
    return (each for each in _own(node) if isinstance(each, ast.Return))


def _fits(node: ast.Return, expected: str, *, sure: bool) -> bool:
    """Return whether a function may return this.

    Args:
        node: The statement.
        expected: The type that the function returns.
        sure: Whether the signature says so; otherwise it may also return None or a number.
    """
    value = node.value
    if expected == _NONE and isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        return False  # a call may well return nothing
    found = _NONE if value is None else _type(value)
    if found is None or found in ({expected} | _FITS.get(expected, set())):
        return True
    if found == _OBJECT:
        return expected not in ("bool", _NONE)
    return not sure and found in (_NONE, "int")


def _type(node: ast.expr) -> str | None:
    """Return the type of a value, as far as syntax tells it."""
    match node:
        case ast.Constant(value=value):
            return type(value).__name__ if value is not None else _NONE
        case ast.JoinedStr():
            return "str"
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Tuple():
            return "tuple"
        case ast.UnaryOp(op=ast.Not()) | ast.Compare():
            return "bool"
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
            return None
        case ast.BinOp(op=ast.Add() | ast.Mod()) if "str" in (_type(node.left), _type(node.right)):
            return "str"
        case ast.BinOp() | ast.GeneratorExp() | ast.Lambda():
            return _OBJECT
        case ast.Call(func=ast.Name(id=name)):
            return _CALLED.get(name, _OBJECT if re.match(r"_*[A-Z]\w*[a-z]", name) else None)
        case ast.IfExp():
            first, second = _type(node.body), _type(node.orelse)
            return first if first == second else None
    return None
