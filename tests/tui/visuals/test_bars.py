"""Bars and history lines."""

from hypothesis import given
from hypothesis import strategies as st

from tui.visuals.bars import history_lines, progress_bar, stacked_bar


@given(st.integers(1, 60), st.floats(-0.5, 1.5))
def test_a_progress_bar_has_its_width(width: int, fraction: float) -> None:
    assert progress_bar(width, fraction, "red", "blue").cell_len == width


def test_a_small_part_of_a_bar_does_not_disappear() -> None:
    bar = stacked_bar(10, [(1, "red"), (990, "blue"), (0, "green")], 1000, "black")
    assert bar.cell_len == 10
    assert [(span.start, span.end, span.style) for span in bar.spans] == [
        (0, 1, "red"),
        (1, 10, "blue"),
    ]


def test_history_grows_from_the_right_and_leaves_gaps() -> None:
    assert history_lines([4.0, None, 8.0], 5, 1) == ["  ▄ █"]
    assert history_lines([1.0] * 9, 3, 2) == ["███", "███"]
    assert history_lines([0.0, None], 2, 1) == ["▁ "]
