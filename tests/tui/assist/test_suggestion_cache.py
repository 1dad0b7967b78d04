"""What was suggested before, and what is left of it."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.assist.places import at
from tui.assist.suggestion_cache import SuggestionCache


def test_typing_what_was_suggested_finds_the_rest():
    cache = SuggestionCache()
    cache.put(at("def f(x):\n    ", "\n"), "return x\n    y", multi_line=True)
    assert cache.get(at("def f(x):\n    ", "\n"), multi_line=True) == "return x\n    y"
    assert cache.get(at("def f(x):\n    ret", "\n"), multi_line=False) == "urn x\n    y"
    assert cache.get(at("def f(x):\n    return x\n    ", "\n"), multi_line=True) == "y"
    assert cache.get(at("def f(x):\n    return x\n    y", "\n"), multi_line=True) is None
    assert cache.get(at("def f(x):\n    rex", "\n"), multi_line=True) is None
    assert cache.get(at("def f(x):\n    ", "other"), multi_line=True) is None


def test_a_single_line_does_not_do_for_several():
    cache = SuggestionCache()
    cache.put(at("x = "), "1", multi_line=False)
    assert cache.get(at("x = "), multi_line=True) is None
    assert cache.get(at("x = "), multi_line=False) == "1"
    cache.put(at("if x:"), "\n    y\n    z", multi_line=True)
    assert cache.get(at("if x:"), multi_line=False) is None
    cache.put(at("y = ["), "1,\n2]", multi_line=True)
    assert cache.get(at("y = ["), multi_line=False) == "1,"


def test_that_there_is_nothing_is_remembered_for_its_place_only():
    cache = SuggestionCache()
    cache.put(at("x"), "", multi_line=True)
    assert cache.get(at("x"), multi_line=True) == ""
    assert cache.get(at("xy"), multi_line=True) is None


def test_the_sure_beginning_of_a_text_is_no_answer_to_a_person_who_asks():
    cache = SuggestionCache()
    cache.put(at("x = "), "self.", multi_line=False, whole=False)
    assert cache.get(at("x = "), multi_line=False) == "self."
    assert cache.get(at("x = se"), multi_line=False) == "lf."
    assert cache.get(at("x = "), multi_line=False, asked=True) is None
    assert cache.get(at("x = se"), multi_line=False, asked=True) is None


def test_only_the_text_near_the_cursor_counts():
    cache = SuggestionCache()
    cache.put(at("a" * 500 + "x = "), "1", multi_line=True)
    assert cache.get(at("b" + "a" * 400 + "x = "), multi_line=True) == "1"


def test_the_least_used_goes_first():
    cache = SuggestionCache(size=3)
    for name in "abc":
        cache.put(at(name), name * 2, multi_line=True)
    cache.get(at("a"), multi_line=True)
    cache.put(at("d"), "dd", multi_line=True)
    assert len(cache) == 3
    assert [cache.get(at(name), multi_line=True) for name in "abcd"] == ["aa", None, "cc", "dd"]
    cache.put(at("a"), "again", multi_line=True)
    cache.put(at("e"), "ee", multi_line=True)
    assert [cache.get(at(name), multi_line=True) for name in "ae"] == ["again", "ee"]


@given(st.text("ab(", max_size=150), st.text("ab(\n", min_size=1, max_size=140), st.data())
def test_look_back_gives_the_rest_for_every_beginning(prefix, text, data):
    cache = SuggestionCache()
    cache.put(at(prefix), text, multi_line=True)
    typed = data.draw(st.integers(0, min(len(text) - 1, 128)))
    assert cache.get(at(prefix + text[:typed]), multi_line=True) == text[typed:]
