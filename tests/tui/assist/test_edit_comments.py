"""Comments that end in AI!: what they ask for, and of which lines."""

from collections.abc import Sequence

import pytest

from tui.assist.edit_comments import commented_edit
from tui.code.statements import statement_lines

TEXT = """\
import os

# make it a loop AI!

def f(x):
    y = g(
        x,  # name it AI!
    )
    # log it AI!

    # AI!
    return y  # use z   AI!


# read the files AI!"""


def python(lines: Sequence[str], row: int) -> tuple[int, int] | None:
    return statement_lines(lines, row, "python")


def found(row: int, text: str = TEXT) -> tuple[str, list[str], list[str]] | None:
    """The instruction, the lines in the file, and the lines that a model sees."""
    lines = text.split("\n")
    edit = commented_edit(lines, row, "#", python)
    if edit is None:
        return None
    seen = edit.lines[edit.shown_first : edit.shown_last + 1]
    assert not any(edit.instruction in line for line in seen)
    before, after = lines[: edit.first], lines[edit.last + 1 :]
    assert edit.lines[: edit.shown_first][: len(before)] == before
    assert edit.lines[edit.shown_last + 1 :] == after
    return edit.instruction, lines[edit.first : edit.last + 1], seen


def test_a_comment_above_a_statement_is_about_that() -> None:
    lines = TEXT.split("\n")
    assert found(2) == ("make it a loop", lines[2:12], lines[4:12])
    assert found(8) == ("log it", lines[8:11], ["    # AI!"])


def test_a_comment_behind_code_is_about_its_statement() -> None:
    lines = TEXT.split("\n")
    assert found(6) == ("name it", lines[5:8], [lines[5], "        x,", lines[7]])
    assert found(11) == ("use z", [lines[11]], ["    return y"])


def test_a_comment_with_nothing_below_is_about_what_is_around_or_its_place() -> None:
    assert found(14) == ("read the files", ["# read the files AI!"], [""])
    text = "def f():\n    a = 1\n    # print it AI!\n\nb = 2"
    assert found(2, text) == ("print it", text.split("\n")[:3], text.split("\n")[:2])


@pytest.mark.parametrize("row", [0, 1, 4, 10])
def test_nothing_else_asks(row: int) -> None:
    assert found(row) is None


def test_a_language_without_such_comments_has_none() -> None:
    assert commented_edit(["<!-- do it AI! -->"], 0, None, python) is None
    assert commented_edit(["// do it AI!"], 0, "//", python) is not None
