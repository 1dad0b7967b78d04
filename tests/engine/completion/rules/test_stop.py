import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.stop import StopDecision, StopRules
from engine.completion.rules.trim import trim


def rules(view, multi_line=True):
    prefix, _, suffix = view.partition("|")
    return StopRules(Surroundings.of(prefix, suffix), multi_line)


@pytest.mark.parametrize(
    ("view", "multi_line", "text", "ended"),
    [
        # the line that was asked for, or has room
        ("x = |", False, "1", None),
        ("x = |", False, "1\n", "stop"),
        ("x = |", True, "1\n", None),
        ("f(|)", True, "1\n", "stop"),
        # a rule cuts
        ("def f():|", True, "\n    return 1\n", None),
        ("def f():|", True, "\n    return 1\nd", "trimmed"),
        ("def f():|", True, "\n    return 1\n\n\n", "trimmed"),
        ("f(|)", True, "a)", "trimmed"),
        ("a|\nsome_line = 1", True, "\nsome_line = 1\n", "trimmed"),
        # indentation that is there already is no cut
        ("    a\n    |", True, "    b", None),
    ],
)
def test_when_a_completion_ends(view, multi_line, text, ended):
    assert rules(view, multi_line).decide(text).ended == ended


def test_text_on_the_way_is_shown_without_its_blank_end():
    assert rules("def f():|").decide("\n    a\n    ") == StopDecision("\n    a", None)
    assert rules("x = |", multi_line=False).decide("1\n    2") == StopDecision("1", "stop")
    assert rules("    a\n    |").decide("    b ") == StopDecision("b", None)


@given(st.text(st.sampled_from("ab() \n:'x="), max_size=60), st.booleans())
def test_stopping_loses_nothing_of_the_final_text(text, multi_line):
    where = rules("if a:\n    |\n)", multi_line)
    for end in range(len(text) + 1):
        if where.decide(text[:end]).ended:
            early = trim(text[:end], where.around, multi_line=multi_line)
            assert early == trim(text, where.around, multi_line=multi_line)
            break
