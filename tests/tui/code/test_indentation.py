"""Indentation and comments as functions of lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.code.indentation import (
    after_enter,
    dedented,
    expected_width,
    indent_unit,
    indented,
    toggled_comments,
)

LINES = st.lists(st.text("ab \t#:", max_size=10), max_size=6)


@pytest.mark.parametrize(
    ("lines", "unit"),
    [
        (["def f():", "    x"], "    "),
        (["a:", "  b:", "    c"], "  "),
        (["if x {", "\ty", "}"], "\t"),
        (["x = f(", "        long)"], "    "),
        ([], "    "),
    ],
)
def test_the_unit_is_what_most_lines_show(lines, unit):
    assert indent_unit(lines) == unit


def test_expected_width_looks_at_the_last_line_that_is_not_blank():
    lines = ["class A:", "    def f(self):", "", "  ", ""]
    assert expected_width(lines, 4, "    ", 4) == 8
    assert expected_width(lines, 1, "    ", 4) == 4
    assert expected_width(lines, 0, "    ", 4) == 0
    assert expected_width(["\tif x:", ""], 1, "\t", 4) == 8


@pytest.mark.parametrize(
    ("left", "indentation"),
    [
        ("x = {  # why (", "    "),
        ("url = 'http://a:'", ""),
        ('s = "it\'s # :"', ""),
        ("    a[", "        "),
        ("#:", ""),
    ],
)
def test_comments_and_strings_open_no_block(left, indentation):
    assert after_enter(left, "    ") == indentation


@given(LINES)
def test_dedent_takes_back_indent(lines):
    unit = "    "
    lines = [line.replace("\t", unit) for line in lines]
    lines = [line if len(line) - len(line.lstrip(" ")) in (0, 4, 8) else "x" for line in lines]
    filled = [line for line in lines if line.strip()]
    assert dedented(indented(filled, unit), unit) == filled


@given(LINES, st.sampled_from(["#", "//", "--"]))
def test_comments_toggled_twice_are_gone(lines, sign):
    lines = [f"{line}x" for line in lines if not line.lstrip().startswith(sign)]
    once = toggled_comments(lines, sign)
    assert all(line.lstrip().startswith(sign) for line in once)
    assert toggled_comments(once, sign) == lines


def test_a_partly_commented_block_is_commented_whole():
    assert toggled_comments(["# a", "b"], "#") == ["# # a", "# b"]
    assert toggled_comments(["#a", "", "  # b"], "#") == ["a", "", "  b"]
