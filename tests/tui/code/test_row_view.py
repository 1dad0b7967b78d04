"""Rows of wrapped and unwrapped texts: locations and offsets map there and back, edits follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.code.row_view import RowView
from tui.code.text_buffer import TextBuffer

TEXT = st.text("ab字\t e\u0301😀\n", max_size=60)


@given(TEXT, st.sampled_from([0, 3, 7, 20]))
def test_locations_map_there_and_back(text, width):
    buffer = TextBuffer(text)
    view = RowView(buffer, width)
    assert view.height == sum(len(sections) for sections in view.lines)
    for row, line in enumerate(buffer.lines):
        for column in range(len(line) + 1):
            offset = view.location_to_offset((row, column))
            assert view.location_to_offset(view.offset_to_location(offset)) == offset
            assert view.place_of_row(offset.y)[0] == row
    with pytest.raises(ValueError, match="does not exist"):
        view.get_offsets(buffer.line_count)


@given(TEXT, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), TEXT), max_size=4))
def test_a_view_after_edits_equals_a_new_one(text, edits):
    buffer = TextBuffer(text)
    view = RowView(buffer, 6)
    for start, length, new in edits:
        row = start % buffer.line_count
        buffer.replace_range((row, start), (row + length // 4, length), new)
        fresh = RowView(TextBuffer(buffer.text), 6)
        assert view.height == fresh.height
        assert [view.place_of_row(y) for y in range(view.height)] == [
            fresh.place_of_row(y) for y in range(fresh.height)
        ]


@given(TEXT.map(lambda text: text.replace("\n", "")), st.integers(4, 20))
def test_rows_fit_and_hold_the_whole_line(line, width):
    view = RowView(TextBuffer(line), width)
    sections = view.get_sections(0)
    assert "".join(sections) == line
    for section in range(len(sections) - 1):
        _, cells = view.span(0, section)
        assert 0 < cells <= width + 1  # the space at its end


def test_a_row_ends_after_a_space():
    view = RowView(TextBuffer("one two three four\nx"), 9)
    assert view.lines == [["one two ", "three ", "four"], ["x"]]
    assert view.wrapped
    view.wrap(0)
    assert view.lines == [["one two three four"], ["x"]]
