"""What was suggested before, and what is left of it."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.assist.places import at
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_cache import SuggestionCache


def found(cache, place, **options):
    """Return the text that a cache finds, None if it finds nothing."""
    scored = cache.get(place, **options)
    return None if scored is None else scored.text


def test_typing_what_was_suggested_finds_the_rest():
    cache = SuggestionCache()
    cache.put(at("def f(x):\n    ", "\n"), ScoredText("return x\n    y"), multi_line=True)
    assert found(cache, at("def f(x):\n    ", "\n"), multi_line=True) == "return x\n    y"
    assert found(cache, at("def f(x):\n    ret", "\n"), multi_line=False) == "urn x\n    y"
    assert found(cache, at("def f(x):\n    return x\n    ", "\n"), multi_line=True) == "y"
    assert found(cache, at("def f(x):\n    return x\n    y", "\n"), multi_line=True) is None
    assert found(cache, at("def f(x):\n    rex", "\n"), multi_line=True) is None
    assert found(cache, at("def f(x):\n    ", "other"), multi_line=True) is None


def test_a_single_line_does_not_do_for_several():
    cache = SuggestionCache()
    cache.put(at("x = "), ScoredText("1"), multi_line=False)
    assert found(cache, at("x = "), multi_line=True) is None
    assert found(cache, at("x = "), multi_line=False) == "1"
    cache.put(at("if x:"), ScoredText("\n    y\n    z"), multi_line=True)
    assert found(cache, at("if x:"), multi_line=False) is None
    cache.put(at("y = ["), ScoredText("1,\n2]"), multi_line=True)
    assert found(cache, at("y = ["), multi_line=False) == "1,"


def test_that_there_is_nothing_is_remembered_for_its_place_only():
    cache = SuggestionCache()
    cache.put(at("x"), ScoredText(""), multi_line=True)
    assert found(cache, at("x"), multi_line=True) == ""
    assert found(cache, at("xy"), multi_line=True) is None


def test_the_sure_beginning_of_a_text_is_no_answer_to_a_person_who_asks():
    cache = SuggestionCache()
    cache.put(at("x = "), ScoredText("self."), multi_line=False, whole=False)
    assert found(cache, at("x = "), multi_line=False) == "self."
    assert found(cache, at("x = se"), multi_line=False) == "lf."
    assert found(cache, at("x = "), multi_line=False, asked=True) is None
    assert found(cache, at("x = se"), multi_line=False, asked=True) is None


def test_only_the_text_near_the_cursor_counts():
    cache = SuggestionCache()
    cache.put(at("a" * 500 + "x = "), ScoredText("1"), multi_line=True)
    assert found(cache, at("b" + "a" * 400 + "x = "), multi_line=True) == "1"


def test_the_least_used_goes_first():
    cache = SuggestionCache(size=3)
    for name in "abc":
        cache.put(at(name), ScoredText(name * 2), multi_line=True)
    found(cache, at("a"), multi_line=True)
    cache.put(at("d"), ScoredText("dd"), multi_line=True)
    assert len(cache) == 3
    assert [found(cache, at(name), multi_line=True) for name in "abcd"] == ["aa", None, "cc", "dd"]
    cache.put(at("a"), ScoredText("again"), multi_line=True)
    cache.put(at("e"), ScoredText("ee"), multi_line=True)
    assert [found(cache, at(name), multi_line=True) for name in "ae"] == ["again", "ee"]


@given(st.text("ab(", max_size=150), st.text("ab(\n", min_size=1, max_size=140), st.data())
def test_look_back_gives_the_rest_for_every_beginning(prefix, text, data):
    cache = SuggestionCache()
    cache.put(at(prefix), ScoredText(text), multi_line=True)
    typed = data.draw(st.integers(0, min(len(text) - 1, 128)))
    assert found(cache, at(prefix + text[:typed]), multi_line=True) == text[typed:]
