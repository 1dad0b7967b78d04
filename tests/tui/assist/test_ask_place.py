"""Where a question is asked, and how much of the file goes with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.asking import TEXT_CHARACTERS
from tui.assist.ask_place import asked_from, selected_lines


@pytest.mark.parametrize(
    ("start", "end", "lines"),
    [
        ((3, 2), (3, 2), (0, 0)),
        ((3, 2), (3, 5), (4, 4)),
        ((3, 0), (5, 1), (4, 6)),
        ((5, 1), (3, 0), (4, 6)),
        ((3, 0), (5, 0), (4, 5)),
        ((3, 4), (4, 0), (4, 4)),
    ],
)
def test_selected_lines(
    start: tuple[int, int], end: tuple[int, int], lines: tuple[int, int]
) -> None:
    assert selected_lines(start, end) == lines


def test_a_short_file_goes_whole() -> None:
    place = asked_from("a.py", ["x", "y", ""], (1, 0), (0, 0))
    assert (place.text, place.start, place.line, place.first) == ("x\ny\n", 1, 2, 0)


@given(st.integers(0, 2999), st.integers(0, 2999), st.booleans())
def test_of_a_long_file_the_lines_near_go(row: int, other: int, selects: bool) -> None:
    lines = [f"{i:<98}" for i in range(3000)]
    first, last = sorted((row, other))
    last = min(last, first + 600)
    selected = (first + 1, last + 1) if selects else (0, 0)
    place = asked_from("a.py", lines, (first, 0), selected)
    assert len(place.text) <= TEXT_CHARACTERS
    assert len(place.text) > TEXT_CHARACTERS - 100
    shown = place.text.split("\n")
    assert shown == lines[place.start - 1 : place.start - 1 + len(shown)]
    assert lines[first] in shown
    assert not selects or lines[last] in shown


def test_a_selection_that_is_too_long_goes_alone() -> None:
    """The engine shows what has room and says what has not."""
    lines = ["x" * TEXT_CHARACTERS, "y"]
    assert asked_from("a.py", lines, (0, 0), (1, 1)).text == lines[0]
