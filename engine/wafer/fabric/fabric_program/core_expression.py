"""CoreExpression: a formula of a core's column and row, worked out for all cores at once.

The text is Python's arithmetic, comparisons, ``and``, ``or`` and ``not`` over named numbers.
Nothing else parses: no call, no attribute, no power, so a file of somebody else's can do no harm.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CoreExpression", "ExpressionError"]

_LONGEST = 400
"""Characters of an expression; longer ones are a mistake."""

_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARED: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

Values = NDArray[Any]


class ExpressionError(Exception):
    """An expression does not parse, names something unknown, or has no value at some core."""


@dataclass(frozen=True, slots=True)
class CoreExpression:
    """A parsed formula.

    Example:
        >>> CoreExpression.parse("x % 2 == 0").over({"x": np.arange(3)})
        array([ True, False,  True])
    """

    text: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: object) -> "CoreExpression":
        """Return the formula of a text, or of a number.

        Raises:
            ExpressionError: It is none.
        """
        text = str(text).lower() if isinstance(text, bool) else str(text)
        if len(text) > _LONGEST:
            raise ExpressionError(f"an expression of {len(text)} characters: {_LONGEST} at most")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            raise ExpressionError(f"{text!r} is no expression of x and y") from error
        return cls(text, tree)

    def over(self, names: Mapping[str, Values]) -> Values:
        """Return the value at every core.

        Args:
            names: Arrays that broadcast against each other, and numbers.

        Raises:
            ExpressionError: A name is unknown, something else than arithmetic stands here, or a
                division has no value.
        """
        try:
            with np.errstate(divide="raise", invalid="raise"):
                return np.asarray(self._value(self.tree, names))
        except (FloatingPointError, ZeroDivisionError) as error:
            raise ExpressionError(f"{self.text!r} divides by zero") from error
        except OverflowError as error:
            raise ExpressionError(f"{self.text!r} has too large a number") from error

    def _value(self, node: ast.expr, names: Mapping[str, Values]) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return np.asarray(number)
            case ast.Name(id=name):
                return self._named(name, names)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                combine = _ARITHMETIC[type(op)]
                return combine(self._value(left, names), self._value(right, names))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._value(operand, names)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(self._value(operand, names))
            case ast.BoolOp(op=op, values=parts):
                both = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return both.reduce(np.broadcast_arrays(*(self._value(p, names) for p in parts)))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._compared([left, *others], ops, names)
        raise ExpressionError(
            f"{ast.unparse(node)!r} is no arithmetic; use + - * / // % < == and or not"
        )

    def _compared(
        self, parts: list[ast.expr], ops: list[ast.cmpop], names: Mapping[str, Values]
    ) -> Values:
        values = [self._value(part, names) for part in parts]
        found = np.asarray(True)
        for left, op, right in zip(values, ops, values[1:], strict=False):
            if type(op) not in _COMPARED:
                raise ExpressionError(f"{self.text!r}: compare with < <= > >= == !=")
            found = found & _COMPARED[type(op)](left, right)
        return found

    def _named(self, name: str, names: Mapping[str, Values]) -> Values:
        if name in names:
            return names[name]
        if name in ("true", "false"):
            return np.asarray(name == "true")
        known = ", ".join(names)
        raise ExpressionError(f"{self.text!r}: {name!r} is not known; known are {known}")
