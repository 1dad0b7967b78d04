import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.quality.code_words import split_open_word, split_words


@given(st.text())
def test_the_words_are_the_text_again(text: str):
    assert "".join(split_words(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a_1=b2", ["a_1", "=", "b2"]),
        ("1.5e3+x", ["1", ".", "5e3", "+", "x"]),
        ("a\n\t b\n\nc", ["a", "\n\t ", "b", "\n", "\n", "c"]),
        ("a  b", ["a", "  ", "b"]),
        ("é→ß", ["é", "→", "ß"]),
    ],
)
def test_code_is_cut_into_words(text: str, words: list[str]):
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("text", "open_word"),
    [("x = ab", "ab"), ("x = ", " "), ("f(", ""), ("a\n  ", "\n  "), ("", "")],
)
def test_a_word_that_may_grow_is_set_apart(text: str, open_word: str):
    whole, last = split_open_word(split_words(text))
    assert last == open_word
    assert "".join(whole) + last == text
