"""Expressions of a core's place: what parses, what it is worth, what is refused."""

import numpy as np
import pytest

from engine.wafer.fabric.fabric_program.core_expression import CoreExpression, ExpressionError

Y, X = np.indices((3, 4))
NAMES = {"x": X, "y": Y, "columns": np.asarray(4), "own": X + Y}


def over(text):
    return CoreExpression.parse(text).over(NAMES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x + 10 * y", X + 10 * Y),
        ("-x // 2 % 3", -X // 2 % 3),
        ("x / 4 - 0.5", X / 4 - 0.5),
        ("own == columns - 1", X + Y == 3),
        ("0 < x < columns - 1", (X > 0) & (X < 3)),
        ("x == 0 or not y >= 1 and x != 2", (X == 0) | (~(Y >= 1) & (X != 2))),
        ("true", True),
        (7, 7),
    ],
)
def test_python_means_the_same(text, value):
    assert np.array_equal(over(text), value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x +", "no expression"),
        ("z + 1", "'z' is not known; known are x, y, columns, own"),
        ("x ** 9", "no arithmetic"),
        ("x.T", "no arithmetic"),
        ("abs(x)", "no arithmetic"),
        ("[x]", "no arithmetic"),
        ("'x'", "no arithmetic"),
        ("x in y", "compare with"),
        ("y // x", "divides by zero"),
        ("1 / x", "divides by zero"),
        ("x" * 500, "400 at most"),
    ],
)
def test_anything_else_is_refused(text, why):
    with pytest.raises(ExpressionError, match=why.replace("(", r"\(")):
        over(text)
