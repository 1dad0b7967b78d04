"""The lines of the statement at a cursor, in several languages."""

import pytest

from tui.code.statements import statement_lines, wider_lines

PYTHON = '''\
import os

@cached
def f(x):
    """Doc."""
    y = g(
        x,
        "a": 1
    )

    if y:
        return 1
    return {
        "a": 1,
        "b": 2
    }
'''

SCRIPT = """\
const a = {
  b: 1,
  c: 2
};

function f(x) {
  if (x) {
    return 1;
  } else {
    g();
  }
}
"""


def found(text: str, row: int, language: str | None) -> tuple[int, int] | None:
    return statement_lines(text.split("\n"), row, language)


@pytest.mark.parametrize(
    ("row", "rows"),
    [
        (0, (0, 0)), (1, None), (2, (2, 15)), (3, (2, 15)), (4, (4, 4)), (9, (2, 15)),
        (10, (10, 11)), (11, (11, 11)), (12, (12, 15)), (13, (12, 15)), (14, (12, 15)),
        (15, (12, 15)), (16, None),
    ],
)  # fmt: skip
def test_a_statement_of_python(row: int, rows: tuple[int, int] | None) -> None:
    assert found(PYTHON.replace('"a": 1\n    )', "2\n    )"), row, "python") == rows


def test_a_text_that_does_not_parse_has_statements_too() -> None:
    assert found(PYTHON, 11, "python") == (11, 11)


@pytest.mark.parametrize(
    ("row", "rows"),
    [(0, (0, 3)), (1, (0, 3)), (3, (0, 3)), (4, None), (5, (5, 11)), (7, (7, 7)), (8, (6, 10))],
)
def test_a_statement_of_javascript(row: int, rows: tuple[int, int] | None) -> None:
    assert found(SCRIPT, row, "javascript") == rows


def test_wide_characters_count_as_one() -> None:
    assert found("def f():\n    x = '字字'  \n", 1, "python") == (1, 1)


def test_a_text_without_a_grammar_has_none() -> None:
    assert found("a = 1", 0, None) is None
    assert found("a = 1", 0, "no such language") is None


@pytest.mark.parametrize(
    ("rows", "wider"),
    [((11, 11), (10, 11)), ((10, 11), (2, 15)), ((5, 8), (2, 15)), ((2, 15), (0, 15)),
     ((0, 15), (0, 15)), ((0, 0), (0, 15)), ((7, 11), (2, 15))],
)  # fmt: skip
def test_wider_lines_are_those_of_the_statement_around(
    rows: tuple[int, int], wider: tuple[int, int]
) -> None:
    assert wider_lines(PYTHON.split("\n"), *rows, "python") == wider


def test_without_a_grammar_all_lines_are_wider() -> None:
    assert wider_lines(["a", "b", ""], 0, 0, None) == (0, 1)
