"""Differences as a person reads them, finished and under way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.assist.edit_diff import (
    DiffRow,
    Hunk,
    changed_columns,
    diff_rows,
    hunks_of,
    joined,
)

BEFORE = ["def f(x):", "    y = x", "    z = y", "    return z", "", "print(f(1))"]


def drawn(rows: list[DiffRow]) -> list[str]:
    signs = {"same": " ", "removed": "-", "added": "+", "accepted": "*", "ahead": "."}
    return [signs[row.kind] + row.text for row in rows]


def under_way(*after: str) -> list[str]:
    hunks = hunks_of(BEFORE, after, whole=False)
    return drawn(diff_rows(BEFORE, after, hunks, ["open"] * len(hunks), whole=False))


def test_lines_that_change_together_are_one_hunk() -> None:
    after = ["def f(x: int):", *BEFORE[1:3], "    return -z", "", "print(f(1))"]
    hunks = hunks_of(BEFORE, after)
    assert hunks == [Hunk(0, 1, 0, 1), Hunk(3, 4, 3, 4)]
    rows = diff_rows(BEFORE, after, hunks, ["open", "open"])
    assert drawn(rows) == [
        "-def f(x):", "+def f(x: int):", "     y = x", "     z = y",
        "-    return z", "+    return -z", " ", " print(f(1))",
    ]  # fmt: skip
    assert [row.number for row in rows] == [None, 0, 1, 2, None, 3, 4, 5]
    assert [row.hunk for row in rows] == [0, 0, None, None, 1, 1, None, None]


def test_what_is_decided_is_drawn_as_the_text_will_be() -> None:
    after = ["def f(x: int):", "    y = x", "    return y", "", "print(f(1))"]
    hunks = hunks_of(BEFORE, after)
    assert len(hunks) == 2
    rows = diff_rows(BEFORE, after, hunks, ["accepted", "rejected"])
    assert drawn(rows)[:3] == ["*def f(x: int):", "     y = x", "     z = y"]
    assert [row.number for row in rows] == list(range(6))


@pytest.mark.parametrize(
    ("after", "rows"),
    [
        ([""], []),
        (["def"], [" def f(x):"]),
        (["def f(x):", "    y"], [" def f(x):", "     y = x"]),
        (["def f(x):", "    q"], [" def f(x):", "-    y = x", "+    q"]),
        (["def f(x):", "    y = x", ""], [" def f(x):", "     y = x"]),
        (["import os", ""], ["-def f(x):", "+import os"]),
        (["import os", "def f(x):", "    y"], ["+import os", " def f(x):", "     y = x"]),
    ],
)
def test_what_an_edit_has_not_reached_is_neither_kept_nor_removed(
    after: list[str], rows: list[str]
) -> None:
    reached = sum(row[0] in "- " for row in rows)
    assert under_way(*after) == [*rows, *("." + line for line in BEFORE[reached:])]


def test_words_that_differ_are_marked() -> None:
    gone, come = changed_columns("    return a + other(b)", "    return a - other(c)")
    assert gone == ((13, 14), (21, 22))
    assert come == ((13, 14), (21, 22))
    assert changed_columns("x = 1", "import this as that") == ((), ())
    after = ["a = 2", "totally different"]
    rows = diff_rows(["a = 1"], after, hunks_of(["a = 1"], after), ["open"])
    assert [row.marks for row in rows] == [((4, 5),), ((4, 5),), ()]


LINES = st.lists(st.sampled_from(["", "a", "b", "  a", "字"]), max_size=12)


@given(LINES, LINES, st.data())
def test_accepting_and_rejecting_gives_the_new_and_the_old_lines(
    before: list[str], after: list[str], data: st.DataObject
) -> None:
    hunks = hunks_of(before, after)
    assert joined(before, after, hunks, ["accepted"] * len(hunks)) == after
    assert joined(before, after, hunks, ["rejected"] * len(hunks)) == before
    choice = st.sampled_from(["open", "accepted", "rejected"])
    verdicts = [data.draw(choice) for _ in hunks]
    rows = diff_rows(before, after, hunks, verdicts)  # type: ignore[arg-type]
    numbers = [row.number for row in rows if row.number is not None]
    assert numbers == list(range(len(numbers)))
    as_now = [row.text for row in rows if row.kind != "removed"]
    taken = ["accepted" if each == "open" else each for each in verdicts]
    assert as_now == joined(before, after, hunks, taken)  # type: ignore[arg-type]


@given(LINES.filter(bool), LINES, st.integers(0, 4))
def test_an_edit_under_way_loses_no_line(before: list[str], after: list[str], cut: int) -> None:
    text = "\n".join(after)
    so_far = text[: max(0, len(text) - cut)].split("\n")
    hunks = hunks_of(before, so_far, whole=False)
    rows = diff_rows(before, so_far, hunks, ["open"] * len(hunks), whole=False)
    assert [row.text for row in rows if row.kind in ("same", "removed", "ahead")] == before
