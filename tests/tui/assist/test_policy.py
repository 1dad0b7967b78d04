"""When to ask, how much, and why not."""

import pytest

from engine.protocol.messages import ModelInfo
from tests.tui.assist.places import at
from tui.assist.policy import Decision, decide, wants_lines
from tui.settings import SuggestionSettings

SETTINGS = SuggestionSettings()
OFF = SuggestionSettings(off=("*.md", "doc/"))


def model(language: str = "python") -> ModelInfo:
    return ModelInfo("spark-nano", "", 1, 1, 1, 1, 2048, language, 1, True)


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
        (at("x", path="A.MD"), "typed", {"settings": OFF}, "off for *.md; Ctrl+L asks"),
        (at("x", path="doc/s/a.py"), "moved", {"settings": OFF}, "off for doc/; Ctrl+L asks"),
    ],
)
def test_a_refusal_says_why(place, trigger, options, reason):
    settings = options.pop("settings", SETTINGS)
    decision = decide(place, trigger, settings, **options)
    assert not decision.ask
    assert decision.reason.startswith(reason)


def test_who_asks_gets_one_also_where_none_comes_by_itself():
    assert decide(at("x", path="a.md", language="markdown"), "asked", OFF).ask
    assert decide(at("x", path="a.py"), "typed", OFF).ask


@pytest.mark.parametrize("after", [" + y", "nt", "_"])
def test_a_moved_cursor_inside_a_line_asks_nothing_and_is_not_worth_a_word(after):
    assert decide(at("x", after), "moved", SETTINGS) == Decision(False, "", 300, warm=True)
    assert decide(at("x", ") \nnext"), "moved", SETTINGS).ask


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
    decision = decide(place, "asked", settings, **options)
    assert (decision.ask, decision.reason, decision.delay_ms) == (True, note, 0)


def test_the_rest_before_asking():
    delays = {
        trigger: decide(at("x ="), trigger, SETTINGS).delay_ms
        for trigger in ("typed", "moved", "accepted", "asked")
    }
    assert delays == {"typed": 100, "moved": 300, "accepted": 0, "asked": 0}
    slow = SuggestionSettings(delay_ms=400)
    assert decide(at("x ="), "moved", slow).delay_ms == 1200


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
    assert decide(at(before, after), "typed", SETTINGS).multi_line is lines
    single = SuggestionSettings(multi_line=False)
    assert not decide(at(before, after), "typed", single).multi_line


def test_after_an_accepted_suggestion_several_lines_may_come_but_not_before_code():
    assert wants_lines(at("x = 1"), after_accept=True)
    assert decide(at("x = 1"), "accepted", SETTINGS).multi_line
    assert not wants_lines(at("x = ", "y"), after_accept=True)
