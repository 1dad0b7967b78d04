"""Whether an accepted text is found again after edits around it and in it."""

import pytest

from tui.assist.numbers.still_there import Planted, is_still_there

TEXT = "total = sum(item.price for item in items)\n    return total"
LINES = ["def f(items):", *("    " + TEXT).split("\n"), "", "x = 1"]


@pytest.fixture
def planted() -> Planted:
    return Planted(TEXT, 1, len(LINES))


def test_an_untouched_text_is_still_there(planted):
    assert is_still_there(planted, LINES)


@pytest.mark.parametrize("above", [0, 50, 2_000])
@pytest.mark.parametrize("below", [0, 50])
def test_lines_above_and_below_do_not_matter(planted, above, below):
    lines = ["import os"] * above + LINES + ["y = 2"] * below
    assert is_still_there(planted, lines)


def test_a_few_words_may_change(planted):
    lines = [line.replace("item", "thing").replace("total", "sum_") for line in LINES]
    assert is_still_there(
        planted, [*LINES[:1], "    total = sum(i.cost for i in items)", *LINES[2:]]
    )
    assert is_still_there(planted, lines)


def test_a_deleted_text_is_gone(planted):
    assert not is_still_there(planted, ["def f(items):", "", "x = 1"])
    assert not is_still_there(planted, [])


def test_a_rewritten_text_is_gone(planted):
    assert not is_still_there(planted, ["def f(items):", "    raise NotImplementedError", "x = 1"])


def test_a_text_that_grew_is_looked_for_as_a_whole():
    planted = Planted("return a", 0, 1)
    planted.extend("bc + defg + hij + klm + nop\nx = 1")
    assert is_still_there(planted, ["return abc + defg + hij + klm + nop", "x = 1"])
    assert not is_still_there(planted, ["return a"])


def test_far_away_copies_do_not_count(planted):
    lines = ["def f(items):", "    pass", *["a = 0"] * 300, *LINES[1:]]
    planted = Planted(TEXT, 1, len(lines) - len(LINES) + 2)
    assert not is_still_there(planted, lines)
