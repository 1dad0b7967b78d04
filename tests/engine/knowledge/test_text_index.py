import pytest

from engine.knowledge import text_index
from engine.knowledge.text_index import IndexView, TextIndex
from tests.engine_tokenizers import byte_tokenizer

BYTES = byte_tokenizer()


def index_of(*texts: str) -> TextIndex:
    """An index with a token for every byte; its texts are called 0, 1, …"""
    return TextIndex(BYTES, [(str(i), text) for i, text in enumerate(texts)])


def said(followers) -> list[tuple[int, str]]:
    """The followers of each length as sorted letters."""
    return [(d, "".join(sorted(BYTES.decode(tokens.tolist())))) for d, tokens in followers]


def following(index: TextIndex, context: str, *without: str) -> list[tuple[int, str]]:
    return said(index.followers(BYTES.encode_part(context), without))


def test_every_length_of_a_context_has_its_followers():
    assert following(index_of("abc xbd yc"), "zab") == [(2, "c"), (1, "cd")]


def test_a_length_with_the_places_of_a_longer_one_is_left_out():
    assert following(index_of("abc abd"), "ab") == [(2, "cd")]


def test_an_unknown_context_has_no_followers():
    assert following(index_of("abc"), "z") == []
    assert following(index_of(), "a") == []
    assert following(index_of("", ""), "a") == []


def test_no_context_crosses_from_one_text_into_the_next():
    assert following(index_of("ab", "cd"), "ab") == []
    assert following(index_of("ab", "cd"), "abc") == [(1, "d")]


def test_a_hidden_text_has_no_followers():
    index = index_of("abc", "abd", "xbe")
    assert following(index, "ab") == [(2, "cd"), (1, "cde")]
    assert following(index, "ab", "0") == [(2, "d"), (1, "de")]
    assert following(index, "ab", "0", "1") == [(1, "e")]
    assert following(index, "ab", "no such text") == following(index, "ab")


def test_hiding_a_text_hides_it_to_its_last_token_and_no_other():
    index = index_of("xa", "xb", "xc")
    for hidden, left in (("0", "bc"), ("1", "ac"), ("2", "ab")):
        assert following(index, "x", hidden) == [(1, left)]


def test_lengths_that_differ_in_hidden_texts_alone_count_once():
    assert following(index_of("abc", "xbd"), "ab", "1") == [(2, "c")]


def test_a_view_hides_its_texts():
    view = IndexView(index_of("abc", "abd"), hidden=frozenset({"1"}))
    assert said(view.followers(BYTES.encode_part("ab"))) == [(2, "c")]


def test_of_many_places_evenly_spread_ones_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text_index, "MAX_FOLLOWERS", 4)
    letters = "0123456789"
    index = index_of("".join(f"a{letter}" for letter in letters))
    # The places are in the order of what stands before them, here of the letter before the a.
    assert following(index, "a") == [(1, "0369")]
    assert following(index_of("a1a2a3a4"), "a") == [(1, "1234")]


def test_the_first_length_with_too_many_places_is_the_last(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text_index, "MAX_FOLLOWERS", 2)
    index = index_of("xa1xa2xa3ya4")
    assert [d for d, _ in index.followers(BYTES.encode_part("1xa"))] == [3, 2]


def test_copies_are_texts_of_the_same_content():
    index = index_of("a", "b", "a")
    assert index.copies("0") == {"0", "2"}
    assert index.copies("1") == {"1"}
    assert index.copies("no such text") == set()


def test_the_size_is_that_of_all_texts():
    assert index_of("abc", "", "de").tokens == 5


def test_lines_and_contexts_are_of_the_same_texts():
    lines = index_of("one\ntwo\n", "three").lines
    contents = [lines.content(i) for i in range(len(lines))]
    assert [content for content in contents if content] == [b"one", b"two", b"three"]


def test_a_text_with_half_a_character_keeps_its_lines_in_place():
    # Half of a surrogate pair is one byte, "?", for the tokens and for the lines.
    lines = index_of("x\ud800\nwanted\n").lines
    alike = lines.likeness(BYTES.encode_part("wanted"))
    assert lines.content(int(alike.argmax())) == b"wanted"
    assert alike.max() == pytest.approx(1.0)


def continued(index: TextIndex, context: str, most: int, *without: str) -> tuple[int, str]:
    depth, tokens = index.continued(BYTES.encode_part(context), most, without)
    return depth, BYTES.decode(tokens)


def test_the_longest_match_is_continued_up_to_the_end_of_its_text():
    index = index_of("xabcdef", "yabcxyz")
    assert continued(index, "xabc", 2) == (4, "de")
    assert continued(index, "yabc", 9) == (4, "xyz")
    assert continued(index, "q", 2) == (0, "")
    assert continued(index, "def", 2) == (0, "")


def test_a_hidden_text_is_not_continued():
    index = index_of("xabcdef", "yabcxyz")
    assert continued(index, "xabc", 2, "0") == (3, "xy")
    assert continued(index, "xabc", 2, "0", "1") == (0, "")
