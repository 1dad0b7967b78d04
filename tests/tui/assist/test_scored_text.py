"""What is left of a suggestion, and how far a model is sure of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tui.assist.scored_text import ScoredText, sure_length


@pytest.mark.parametrize(
    ("text", "likelihoods", "sure"),
    [
        ("return x", [], None),
        ("return x", [(6, 0.99), (8, 0.98)], 8),
        ("return x", [(6, 0.3), (8, 0.98)], 0),
        ("a.bcd()", [(1, 0.9), (3, 0.9), (5, 0.2), (7, 1.0)], 2),  # not inside the word
        ("a = b", [(1, 0.8), (3, 0.8), (5, 0.7)], 3),  # together 0.448
        ("a", [(5, 0.9)], 0),  # an odd engine
        ("abc", [(2, 0.9), (1, 0.9)], 0),
        ("a b", [(2, float("nan"))], 0),
    ],
)
def test_the_sure_part(text, likelihoods, sure):
    assert sure_length(text, likelihoods) == sure


@given(
    some.text("ab _.", max_size=30),
    some.lists(some.tuples(some.integers(0, 40), some.floats(0, 1)), max_size=10),
)
def test_it_is_a_part_of_the_text_and_ends_no_word_in_the_middle(text, likelihoods):
    sure = sure_length(text, likelihoods)
    if sure is not None:
        assert 0 <= sure <= len(text)
        inside = 0 < sure < len(text)
        assert not (inside and (text[sure - 1] + text[sure]).replace("_", "a").isalnum())


def test_what_is_left_is_thought_of_as_before():
    text = ScoredText("ab\ncd", -0.5, 4)
    assert text.after(1) == ScoredText("b\ncd", -0.5, 3)
    assert text.after(5) == ScoredText("", -0.5, 0)
    assert text.first_line() == ScoredText("ab", -0.5, 2)
    assert ScoredText("ab\nc").after(1).first_line() == ScoredText("b")
