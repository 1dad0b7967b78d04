"""Ghost text as text."""

from hypothesis import given
from hypothesis import strategies as st

from tui.assist.ghost import first_line, first_word, rest_after


@given(st.text("ab_1 .(\n", min_size=1, max_size=30))
def test_word_by_word_and_line_by_line_give_the_whole(ghost):
    for step in (first_word, first_line):
        rest, parts = ghost, []
        while rest:
            parts.append(step(rest))
            assert parts[-1]
            rest = rest[len(parts[-1]) :]
        assert "".join(parts) == ghost


def test_words_are_names_or_runs_of_signs():
    assert first_word("self.x") == "self"
    assert first_word(" == y") == " =="
    assert first_word("\n\n    else") == "\n\n    else"
    assert first_word("naïve_1 x") == "naïve_1"


def test_what_was_typed_must_be_the_beginning():
    assert rest_after("abc", "ab") == "c"
    assert rest_after("abc", "abc") == ""
    assert rest_after("abc", "b") is None
    assert rest_after("abc", "") is None
