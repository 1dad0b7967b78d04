"""What was typed between two places."""

from hypothesis import given
from hypothesis import strategies as st

from tui.assist.cursor_place import typed_between


@given(st.text("ab\n", max_size=400), st.text("ab\n", max_size=60), st.integers(20, 400))
def test_what_was_typed_is_found_also_in_texts_cut_at_their_start(before, typed, limit):
    found = typed_between(before[-limit:], (before + typed)[-limit:])
    if len(before) + len(typed) <= limit:
        assert found == typed
    elif found is not None:
        # With a repeating text there may be two ways to read it; either must be right.
        assert (before[-limit:] + found)[-limit:] == (before + typed)[-limit:]


def test_other_changes_are_nothing_that_was_typed():
    assert typed_between("abc", "abx") is None
    assert typed_between("abc", "ab") is None
    assert typed_between("abc", "abc") == ""
    assert typed_between("x" * 300 + "abc", "x" * 290 + "abcd") == "d"
