"""Typing key by key, with scripted suggestions and keys counted by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import CursorAnswer, Question, Stretch, Typed
from engine.quality.corpus import SourceFile
from tui.assist.latency import ASSUMED, Latency
from tui.assist.typist import type_stretch
from tui.settings import SuggestionSettings


class Script:
    """Suggests what a function of the text before the cursor says."""

    def __init__(self, say: Callable[[str], str], tokens: int = 4) -> None:
        self._say = say
        self._tokens = tokens
        self.asked: list[Question] = []

    def answer(self, question: Question) -> CursorAnswer:
        self.asked.append(question)
        return CursorAnswer(self._say(question.prefix), self._tokens)


def typed(
    target: str,
    say: Callable[[str], str] = lambda prefix: "",
    *,
    above: str = "",
    below: str = "",
    tokens: int = 4,
) -> Typed:
    text = above + target + below
    file = SourceFile(Path("/data/a"), "x.py", text)
    stretch = Stretch(file, len(above), len(above) + len(target), inside=bool(below))
    return type_stretch(stretch, Script(say, tokens))


def ending(whole: str) -> Callable[[str], str]:
    """Suggest the rest of ``whole`` once its beginning was typed."""
    return lambda prefix: whole[len(prefix) :] if whole.startswith(prefix) else ""


def test_without_suggestions_every_character_is_a_key() -> None:
    outcome = typed("value = compute(1)\nother = 2")
    assert (outcome.keys, outcome.characters) == (28, 28)
    assert (outcome.shown, outcome.accepted, outcome.wrong) == (0, 0, 0)
    assert outcome.lines == [("", "value = compute(1)"), ("", "other = 2")]


def test_indentation_is_neither_a_key_nor_a_character() -> None:
    outcome = typed("def f():\n    return 1\n\n\nx = 1\nif x:\n        y = 2")
    assert outcome.keys == outcome.characters == len("def f():|return 1|||x = 1|if x:|y = 2")


def test_a_right_suggestion_is_taken_with_one_key() -> None:
    target = "value = compute(1)"
    outcome = typed(target, ending(target))
    # The cursor stands on an empty line: the whole line is suggested before the first key.
    assert (outcome.keys, outcome.shown, outcome.accepted, outcome.wrong) == (1, 1, 1, 0)
    assert outcome.lines == [(target, target)]
    assert outcome.endings == {"line_right": 1}


def test_a_wrong_suggestion_is_counted_once_it_is_left() -> None:
    outcome = typed("value", lambda prefix: "" if prefix else "other = 1")
    assert (outcome.keys, outcome.shown, outcome.accepted, outcome.wrong) == (5, 1, 0, 1)


def test_a_suggestion_of_which_a_character_was_typed_is_not_wrong() -> None:
    outcome = typed("value", lambda prefix: "" if prefix else "vast = 1")
    assert (outcome.keys, outcome.shown, outcome.accepted, outcome.wrong) == (5, 1, 0, 0)


def test_the_right_words_of_a_half_wrong_suggestion_are_taken() -> None:
    # 'total' and ' =' are right; ' compute' is not: 2 accept keys, then ' other' by hand.
    outcome = typed("total = other", lambda prefix: "" if prefix else "total = compute(1)")
    assert (outcome.keys, outcome.accepted, outcome.wrong) == (2 + 6, 1, 0)


def test_the_right_line_of_a_longer_suggestion_is_taken() -> None:
    target = "if value:\n    return 1\nx = 22"
    outcome = typed(target, lambda prefix: "" if prefix else "if value:\n    return 1\ny = 33")
    # A line, the next line with its line break, then the words ``\nx`` … do not fit.
    assert outcome.keys == 2 + len("\nx = 22")
    assert outcome.accepted == 1
    assert outcome.lines[:2] == [("if value:", "if value:"), ("return 1", "return 1")]


def test_a_suggestion_for_the_next_line_counts_there_alone() -> None:
    said = "\n    return 1"
    outcome = typed(
        "def f():\n    return 1\n\n\nb = 2", lambda prefix: said if prefix == "def f():" else ""
    )
    assert outcome.accepted == 1
    assert outcome.lines == [("", "def f():"), ("return 1", "return 1"), ("", "b = 2")]


def test_one_character_is_typed_not_accepted() -> None:
    outcome = typed("f(x)", lambda prefix: ")" if prefix == "f(x" else "")
    assert (outcome.keys, outcome.shown, outcome.accepted, outcome.wrong) == (4, 1, 0, 0)


def test_a_slow_answer_comes_too_late_for_the_keys() -> None:
    quick = typed("value = compute(1)", ending("value = compute(1)"), above="x = 1\n", tokens=8)
    assert quick.keys == 18  # the text before the cursor is another one: nothing is suggested
    assert ASSUMED.answer_ms(8) < 100 < ASSUMED.answer_ms(64)
    assert typed("abcdefgh", ending("abcdefgh"), tokens=8).keys == 1
    assert typed("abcdefgh", ending("abcdefgh"), tokens=64).shown == 0


def test_another_table_lets_the_same_answer_come_in_time() -> None:
    file = SourceFile(Path("/data/a"), "x.py", "abcdefgh")
    for latency, shown in ((ASSUMED, 0), (Latency("quick", 10, ((64, 20),)), 1)):
        script = Script(ending("abcdefgh"), 64)
        assert type_stretch(Stretch(file, 0, 8, inside=False), script, latency).shown == shown


def test_tab_does_not_accept_where_it_indents() -> None:
    # Under the def the editor asks for indentation; the file's next line has none.
    above = "def f():\n"
    outcome = typed("x = 11", lambda prefix: "x = 11" if prefix == above else "", above=above)
    assert outcome.keys == 1  # the line key takes it instead


@pytest.mark.parametrize("blank", ["\n\n", "\n    \n", "\n\n\n"])
def test_blank_lines_are_typed_as_line_ends(blank: str) -> None:
    outcome = typed(f"def f():\n    pass{blank}x = 1")
    assert outcome.keys == outcome.characters


def test_requests_hold_the_text_around_and_nothing_of_what_is_to_come() -> None:
    target, below = "first = 1\nsecond = 2", "\nthird = 3\n"
    script = Script(lambda prefix: "")
    file = SourceFile(Path("/data/a"), "x.py", "zero = 0\n" + target + below)
    type_stretch(Stretch(file, 9, 9 + len(target), inside=True), script)
    assert {question.suffix for question in script.asked} == {below}
    for question in script.asked:
        assert ("zero = 0\n" + target).startswith(question.prefix)


def test_typing_is_the_same_twice() -> None:
    target = "value = compute(value)\nreturn value"
    say = ending("value = compute(other)\nreturn")
    assert typed(target, say) == typed(target, say)


def test_settings_say_what_is_asked_and_when() -> None:
    text = "def f():\n    return 1"
    file = SourceFile(Path("/data/a"), "x.py", text)
    stretch = Stretch(file, 0, len(text), inside=False)

    def asked(**settings) -> list[bool]:
        script = Script(lambda prefix: "")
        type_stretch(stretch, script, settings=SuggestionSettings(**settings))
        return [question.multi_line for question in script.asked]

    assert any(asked())
    assert not any(asked(multi_line=False))
    assert len(asked(delay_ms=300)) < len(asked())
