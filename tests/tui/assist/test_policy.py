"""When to ask, how much, and why not; the cache."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.messages import ModelInfo
from tui.assist.policy import Place, SuggestionCache, Verdict, judge, typed_between, wants_lines
from tui.settings import SuggestionSettings

SETTINGS = SuggestionSettings()


def model(language: str = "python") -> ModelInfo:
    return ModelInfo("spark-nano", "", 1, 1, 1, 1, 2048, language, 1, True)


def at(before: str, after: str = "", path: str = "a.py", language: str | None = "python", **more):
    return Place(path, language, before, after, **more)


@pytest.mark.parametrize(
    ("place", "trigger", "options", "reason"),
    [
        (at("x", path="deploy/.env"), "asked", {}, "secret file (.env)"),
        (at("x", secret="*.pem"), "asked", {}, "secret file (*.pem)"),
        (at("x", path="private/a.py"), "typed", {"secret_patterns": ["private/"]}, "secret file"),
        (at("x", read_only=True), "asked", {}, "read only"),
        (at("x", selection=True), "asked", {}, "text is selected"),
        (at("x"), "typed", {"paused": True}, "paused"),
        (at("x", language="rust"), "typed", {"model": model()}, "spark-nano knows only python"),
        (at("x", language=None), "typed", {"model": model()}, "spark-nano knows only python"),
        (at("pri", "nt"), "typed", {}, "inside a word"),
        (at("x", "_y"), "typed", {}, "inside a word"),
        (at("x"), "typed", {"settings": SuggestionSettings(automatic=False)}, "Ctrl+L asks"),
    ],
)
def test_a_refusal_says_why(place, trigger, options, reason):
    settings = options.pop("settings", SETTINGS)
    verdict = judge(place, trigger, settings, **options)
    assert not verdict.ask
    assert verdict.reason.startswith(reason)


@pytest.mark.parametrize("after", [" + y", "nt", "_"])
def test_a_moved_cursor_inside_a_line_asks_nothing_and_is_not_worth_a_word(after):
    assert judge(at("x", after), "moved", SETTINGS) == Verdict(False)
    assert judge(at("x", ") \nnext"), "moved", SETTINGS).ask


@pytest.mark.parametrize(
    ("place", "options", "note"),
    [
        (at("x"), {"paused": True}, ""),
        (at("pri", "nt"), {}, ""),
        (at("x", language="rust"), {"model": model()}, "spark-nano knows only python"),
        (at("x", language="rust"), {"model": model("any")}, ""),
        (at("x", language="rust"), {}, ""),
    ],
)
def test_who_asks_gets_an_answer_at_once(place, options, note):
    settings = SuggestionSettings(automatic=False)
    verdict = judge(place, "asked", settings, **options)
    assert (verdict.ask, verdict.reason, verdict.delay_ms) == (True, note, 0)


def test_the_rest_before_asking():
    delays = {
        trigger: judge(at("x ="), trigger, SETTINGS).delay_ms
        for trigger in ("typed", "moved", "accepted", "asked")
    }
    assert delays == {"typed": 100, "moved": 300, "accepted": 0, "asked": 0}
    slow = SuggestionSettings(delay_ms=400)
    assert judge(at("x ="), "moved", slow).delay_ms == 1200


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("def f():", "\nrest", True),
        ("def f():\n    ", "\nrest", True),
        ("x = [", "]", True),
        ("f(", '"), ', True),
        ("", "", True),
        ("x = ", "", False),
        ("    # a note:", "", False),
        ("def f():", " pass", False),
        ("x = [", "a]", False),
        ("if x:", "\r\nrest", True),
    ],
)
def test_several_lines_only_where_a_block_or_a_blank_line_is(before, after, lines):
    assert wants_lines(at(before, after)) is lines
    assert judge(at(before, after), "typed", SETTINGS).multi_line is lines
    single = SuggestionSettings(multi_line=False)
    assert not judge(at(before, after), "typed", single).multi_line


def test_after_an_accepted_suggestion_several_lines_may_come_but_not_before_code():
    assert wants_lines(at("x = 1"), after_accept=True)
    assert judge(at("x = 1"), "accepted", SETTINGS).multi_line
    assert not wants_lines(at("x = ", "y"), after_accept=True)


# ── what was typed ──────────────────────────────────────────────────────────────────────────────


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


# ── the cache ───────────────────────────────────────────────────────────────────────────────────


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
