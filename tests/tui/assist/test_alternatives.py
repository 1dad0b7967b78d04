"""Which of several texts is shown, however they come."""

from hypothesis import given
from hypothesis import strategies as some

from tui.assist.alternatives import Alternatives
from tui.assist.scored_text import ScoredText


def scored(text, logprob=-0.5):
    return ScoredText(text, logprob)


def texts(several):
    return [each.text for each in several.texts]


FIRST = Alternatives((scored("a", -0.9),))


def test_those_not_seen_are_ranked_and_those_seen_stay():
    several = FIRST.with_other(scored("b", -0.8)).with_other(scored("c", -0.1))
    assert texts(several) == ["a", "c", "b"]
    seen = several.step(1)
    assert seen.shown.text == "c"
    assert texts(seen.with_other(scored("d", -0.01))) == ["a", "c", "d", "b"]


def test_who_waits_for_the_next_gets_it_when_it_comes():
    waiting = FIRST.step(1)
    assert waiting.shown.text == "a"
    assert waiting.with_other(scored("b")).shown.text == "b"
    assert FIRST.with_other(scored("b")).shown.text == "a"


def test_it_goes_round_once_all_are_there():
    several = FIRST.with_other(scored("b")).with_other(scored("c")).all_there()
    assert [several.step(1).shown.text, several.step(-1).shown.text] == ["b", "c"]
    assert several.step(1).step(1).step(1).shown.text == "a"


def test_where_there_is_no_other_the_first_stays():
    assert FIRST.step(1).all_there().shown.text == "a"
    assert FIRST.step(-1).shown.text == "a"
    assert FIRST.all_there().step(1).shown.text == "a"


def test_the_same_line_and_an_empty_text_are_no_other():
    assert FIRST.with_other(scored("a\nmore")) == FIRST
    assert FIRST.with_other(scored(" \n")) == FIRST


@given(some.lists(some.one_of(some.sampled_from([1, -1]), some.floats(-5, 0)), max_size=30))
def test_a_number_never_leads_to_another_text(events):
    several, known = FIRST, {0: "a"}
    for number, event in enumerate(events):
        if isinstance(event, int):
            several = several.step(event)
        else:
            several = several.with_other(scored(f"t{number}", event))
        assert known.setdefault(several.at, several.shown.text) == several.shown.text
        assert len(set(texts(several))) == len(texts(several))
