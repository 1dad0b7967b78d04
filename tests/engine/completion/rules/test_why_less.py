"""Why a completion is less than what the model wrote, in words."""

import pytest

from engine.completion.code.surroundings import Surroundings
from engine.completion.code.syntax import Syntax
from engine.completion.rules import trim
from engine.completion.rules.stop import StopRules
from engine.completion.rules.why_less import SAID, why_less


def why(written, text, before="def f(a):\n    ", after="\n", *, judged=True, multi_line=True):
    rules = StopRules(Surroundings.of(before, after, "a.py"), multi_line)
    return why_less(written, text, rules, Syntax(before, after) if judged else None)


@pytest.mark.parametrize(
    ("written", "text", "said"),
    [
        ("return a", "return a", ""),
        ("", "", ""),
        ("return a  ", "return a", ""),
        ("return a\n    b = 1", "return a", "it would never run"),
        ("# what it does\n    return a", "", "a comment that nobody began"),
        ("foo(foo(foo(foo(foo(foo(", "foo(", "it goes in circles"),
        ("return self.a", "", "self is not bound here"),
        ("return a b", "", "Python could not read it here"),
    ],
)
def test_the_rule_that_cut_is_named(written, text, said):
    assert why(written, text) == said


def test_of_a_line_that_was_asked_for_nothing_is_missed():
    assert why("return a\n    more", "return a", multi_line=False) == ""


def test_other_languages_have_the_rules_alone():
    above = "value = compute(1)"
    assert why(above, "", before=f"y\n{above}\n", judged=False) == "it repeats the line above"


def test_every_rule_has_words():
    assert {rule.__name__ for rule in (*trim.SETTLED, *trim.FINAL)} == set(SAID)
