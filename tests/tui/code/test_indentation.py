"""Indentation and comments as functions of lines, and the language of a file name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.assist.ghost import GhostRows, first_line, first_word, rest_after
from tui.code.indentation import (
    after_enter,
    dedented,
    expected_width,
    indent_unit,
    indented,
    toggled_comments,
)
from tui.code.languages import comment_sign, language_of

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


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("x/decoder.py", "python"),
        ("stub.PYI", "python"),
        ("README.md", "markdown"),
        ("Cargo.toml", "toml"),
        (".bashrc", "bash"),
        ("Makefile", None),
        ("notes.txt", None),
        ("", None),
    ],
)
def test_the_name_tells_the_language(name, language):
    assert language_of(name) == language


def test_a_first_line_tells_it_where_the_name_does_not():
    assert language_of("tool", "#!/usr/bin/env python3") == "python"
    assert language_of("tool", "#!/bin/sh") == "bash"
    assert language_of("tool", "#!/usr/bin/perl") is None
    assert (comment_sign("rust"), comment_sign("json"), comment_sign(None)) == ("//", None, "#")


# ── ghost text as text ──────────────────────────────────────────────────────────────────────────


@given(st.text("ab_1 .(\n", min_size=1, max_size=30))
def test_word_by_word_and_line_by_line_give_the_whole(ghost):
    for step in (first_word, first_line):
        rest, parts = ghost, []
        while rest:
            parts.append(step(rest))
            assert parts[-1]
            rest = rest[len(parts[-1]) :]
        assert "".join(parts) == ghost


def test_words_are_names_or_runs_of_signs():
    assert first_word("self.x") == "self"
    assert first_word(" == y") == " =="
    assert first_word("\n\n    else") == "\n\n    else"
    assert first_word("naïve_1 x") == "naïve_1"


def test_what_was_typed_must_be_the_beginning():
    assert rest_after("abc", "ab") == "c"
    assert rest_after("abc", "abc") == ""
    assert rest_after("abc", "b") is None
    assert rest_after("abc", "") is None


def test_virtual_rows_push_the_rows_below_down():
    rows = GhostRows(2, ("x", "y"))
    assert [rows.split(row) for row in range(7)] == [
        (0, None),
        (1, None),
        (2, None),
        (2, 0),
        (2, 1),
        (3, None),
        (4, None),
    ]
