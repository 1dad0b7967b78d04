"""Places that move along with edits elsewhere, and cursors that meet."""

from hypothesis import given
from hypothesis import strategies as st
from textual.document._document import Selection

from tui.code.cursors import merged, next_match, shifted
from tui.code.text_buffer import TextBuffer

PLACE = st.tuples(st.integers(0, 4), st.integers(0, 6))


@given(st.text("ab\n", max_size=30), PLACE, PLACE, st.text("xy\n", max_size=5), PLACE)
def test_a_place_stays_before_the_character_it_was_before(text, one, two, new, place):
    buffer = TextBuffer(text)
    top, bottom, place = (buffer._within(each) for each in (*sorted((one, two)), place))
    after = buffer.get_text_range(place, buffer.end)
    inside = top < place < bottom
    end = buffer.replace_range(top, bottom, new).end_location
    now = shifted(place, top, bottom, end)
    if place >= bottom and place != top:
        assert buffer.get_text_range(now, buffer.end) == after
    assert now == end if inside else now[0] < buffer.line_count


def test_cursors_that_meet_become_one():
    one = Selection((0, 0), (0, 3))
    two = Selection((0, 5), (0, 2))
    assert merged([two, one]) == [Selection((0, 5), (0, 0))]
    assert merged([Selection.cursor((1, 1))] * 2) == [Selection.cursor((1, 1))]
    apart = [Selection((0, 0), (0, 3)), Selection((0, 3), (0, 5))]
    assert merged(apart) == apart


def test_the_next_match_goes_round():
    lines = ["x a", "a", "b"]
    assert next_match(lines, "a", (0, 3)) == Selection((1, 0), (1, 1))
    assert next_match(lines, "a", (1, 1)) == Selection((0, 2), (0, 3))
    assert next_match(lines, "z", (0, 0)) is None
