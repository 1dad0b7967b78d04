"""Blocks of code from answers on their way into a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.assist.code_fitting import inserted_text, lines_to_replace, plain_code, replacing_text

FILE = """\
import a


@cache
def f(x):
    return x


class C:
    def g(self):
        pass

    def h(self):
        return 1


def f2(): pass
"""

GO = "func Add(a int) int {\n\treturn a\n}\n\nfunc Next() {\n}\n"


@pytest.mark.parametrize(
    ("code", "before", "after", "whole"),
    [
        ("x = 1\ny = 2", "", "    best = None", "    x = 1\n    y = 2\n    best = None"),
        ("x = 1\ny = 2", "  ", "  best = None", "    x = 1\n    y = 2\n    best = None"),
        ("x = 1", "    ", "best = None", "    x = 1\n    best = None"),
        ("x = 1", "", "x = 2", "x = 1\nx = 2"),
        ("x", "    f(", ")", "    f(x)"),
        ("x = 1\ny = 2", "    a = 1", "  # one", "    a = 1\n    x = 1\n    y = 2\n    # one"),
        ("x = 1\ny = 2", "    ", "  ", "    x = 1\n    y = 2  "),
    ],
)
def test_inserted_code_shares_no_line(code: str, before: str, after: str, whole: str) -> None:
    assert before + inserted_text(code, before, after) + after == whole


@pytest.mark.parametrize(
    ("code", "before", "text"),
    [
        ("x = 1", "", "x = 1"),
        ("x = 1\ny = 2", "    ", "x = 1\n    y = 2"),
        ("    x = 1\n\n    y = 2\n", "  ", "x = 1\n\n  y = 2"),
        ("x = 1", "    z = ", "x = 1"),
        ("if x:\n    y", "    z", "\n    if x:\n        y"),
    ],
)
def test_inserted_code_gets_the_cursors_indentation(code: str, before: str, text: str) -> None:
    assert inserted_text(code, before) == text


def test_replacing_code_gets_the_indentation_of_what_it_replaces() -> None:
    assert replacing_text("def g(self):\n    x", "\n    def g(self):\n") == (
        "    def g(self):\n        x"
    )
    assert replacing_text("x", "") == "x"


@pytest.mark.parametrize(
    ("code", "selected", "lines"),
    [
        ("def f(x):\n    return 2", None, (4, 6)),
        ("    def g(self):\n        return 2", None, (10, 11)),
        ("class C:\n    pass", None, (9, 14)),
        ("def f(x): ...", (1, 1), (4, 6)),
        ("x = 2", (13, 14), (13, 14)),
        ("x = 2", (13, 99), None),
        ("x = 2", None, None),
        ("def new(): ...", None, None),
        ("def f(): ...\ndef f2(): ...", None, None),
    ],
)
def test_which_lines_code_replaces(
    code: str, selected: tuple[int, int] | None, lines: tuple[int, int] | None
) -> None:
    assert lines_to_replace(code, FILE, "a.py", selected) == lines


def test_two_definitions_of_a_name_are_none() -> None:
    text = "class A:\n    def f(self): pass\nclass B:\n    def f(self): pass\n"
    assert lines_to_replace("def f(self): ...", text, "a.py", None) is None


def test_other_languages_and_files_that_cannot_be_parsed() -> None:
    assert lines_to_replace("func Add(a int) int {\n}", GO, "a.go", None) == (1, 3)
    assert lines_to_replace("def f(x): ...", f"(\n{FILE}", "a.py", None) == (6, 7)


def test_what_cannot_be_seen_is_taken_out() -> None:
    assert plain_code("x\u200b = \x1b'\u202e'\n\ty") == "x = ''\n\ty"


@given(st.text(st.sampled_from(" \t\nabc:(){}defclass"), max_size=80), st.text(max_size=20))
def test_any_code_finds_some_lines_of_the_file_or_none(code: str, before: str) -> None:
    found = lines_to_replace(code, FILE, "a.py", (1, 2))
    assert found is not None
    assert 1 <= found[0] <= found[1] <= FILE.count("\n") + 1
    assert isinstance(inserted_text(code, before), str)
    assert isinstance(replacing_text(code, before), str)
