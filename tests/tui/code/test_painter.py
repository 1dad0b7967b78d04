"""What is drawn of a line."""

import time

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.code.cells import cell_offsets
from tui.code.painter import paint


@given(
    st.text("ab 字😀é\t\x1b\u0301", max_size=30),
    st.integers(0, 40),
    st.integers(0, 20),
    st.integers(1, 8),
)
def test_a_part_of_a_line_is_what_the_whole_shows_there(
    line: str, left: int, width: int, tab: int
) -> None:
    whole = _text(paint(line, [], Style(), left=0, width=100, tab_width=tab))
    part = _text(paint(line, [], Style(), left=left, width=width, tab_width=tab))
    assert cell_len(part) == width
    for cell in range(width):
        here, there = _at(part, cell), _at(whole, left + cell)
        # Half of a wide character at an edge is a space.
        assert here == there or here == " "


def _text(segments: list[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def _at(text: str, cell: int) -> str:
    """Return the character drawn at a cell."""
    width = 0
    for character in text:
        width += cell_len(character)
        if width > cell:
            return character
    return ""


def test_styles_lie_over_each_other_in_order() -> None:
    red, bold = Style(color="red"), Style(bold=True)
    segments = paint(
        "abcd", [(0, 3, red), (1, 2, bold), (4, 5, bold)], Style(), left=1, width=5, tab_width=4
    )
    assert [(segment.text, segment.style) for segment in segments] == [
        ("b", red + bold),
        ("c", red),
        ("d", Style()),
        (" ", bold),
        (" ", Style()),
    ]


def test_a_part_of_a_very_long_line_is_quick() -> None:
    line = "x" * 1_000_000
    start = time.perf_counter()
    for left in range(0, 1_000_000, 20_000):
        paint(
            line, [(left, left + 9, Style(bold=True))], Style(), left=left, width=100, tab_width=4
        )
    assert time.perf_counter() - start < 1.0


def test_joined_emoji_are_drawn_whole_or_not_at_all() -> None:
    line = "👩\u200d👩\u200d👧x❤\ufe0fy"
    assert list(cell_offsets(line, 4)) == [0, 2, 2, 2, 2, 2, 3, 5, 5, 6]

    def part(left: int) -> str:
        return _text(paint(line, [], Style(), left=left, width=4, tab_width=4))

    assert [part(left) for left in range(5)] == [
        "👩\u200d👩\u200d👧x ",
        " x❤\ufe0f",
        "x❤\ufe0fy",
        "❤\ufe0fy ",
        " y  ",
    ]
