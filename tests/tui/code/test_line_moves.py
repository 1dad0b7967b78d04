"""Whole lines: moved past a neighbour, joined."""

import pytest

from tui.code.line_moves import joined, moved

LINES = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("rows", "by", "change"),
    [
        ((1, 2), -1, (0, ["b", "c", "a"])),
        ((1, 2), 1, (1, ["d", "b", "c"])),
        ((0, 0), -1, None),
        ((3, 3), 1, None),
    ],
)
def test_lines_move_past_their_neighbour(rows, by, change):
    assert moved(LINES, *rows, by) == change


@pytest.mark.parametrize(
    ("lines", "line", "seam"),
    [
        (["a ", "  b"], "a b", 1),
        (["f(", "    a,", "    b", ")"], "f(a, b)", 6),
        (["    x", ""], "    x", 5),
        (["", "  x"], "x", 0),
    ],
)
def test_lines_become_one(lines, line, seam):
    assert joined(lines) == (line, seam)
