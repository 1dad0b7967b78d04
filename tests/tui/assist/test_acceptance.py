"""What is learnt from a person's answers, and what never is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tui.assist.acceptance import Acceptance, chance, learn, least_logprob

T = -0.4
NEW = Acceptance()
LOGPROBS = some.floats(-30, 0)
ANSWERS = some.lists(some.tuples(LOGPROBS, some.booleans()), max_size=300)


def after(answers, known=NEW):
    for logprob, taken in answers:
        known = learn(known, logprob, T, taken=taken)
    return known


def test_nobody_known_yet_is_shown_what_the_model_would_show():
    assert least_logprob(NEW, 0.25, T) == pytest.approx(T)
    assert least_logprob(NEW, 0.25, None) == pytest.approx(-0.5)
    assert chance(NEW, T, T) == pytest.approx(0.25)
    assert chance(NEW, 0.0, T) == pytest.approx(0.75)


def test_who_takes_little_is_shown_less_and_who_takes_much_more():
    refusing = after([(-0.2, False)] * 20)
    taking = after([(-0.2, True)] * 20)
    assert least_logprob(refusing, 0.25, T) > T > least_logprob(taking, 0.25, T)
    assert (refusing.refused, refusing.taken, taking.taken) == (20, 0, 20)


def test_a_few_answers_change_little():
    assert abs(chance(after([(T, False)]), T, T) - 0.25) < 0.03


def test_a_curve_is_found_again():
    """Somebody who takes what is certain and nothing at the threshold."""
    known = after([(-0.02, True), (-0.38, False)] * 60)
    assert chance(known, -0.02, T) > 0.8
    assert chance(known, -0.38, T) < 0.2


def test_habits_may_change():
    known = after([(-0.1, False)] * 400)
    low = chance(known, -0.1, T)
    assert chance(after([(-0.1, True)] * 60, known), -0.1, T) > low + 0.4


@given(ANSWERS, LOGPROBS, LOGPROBS)
def test_it_stays_sound_and_likelier_is_never_worse(answers, one, other):
    known = after(answers)
    assert known.sound
    low, high = sorted((one, other))
    assert 0 <= chance(known, low, T) <= chance(known, high, T) <= 1


@given(ANSWERS, some.floats(0.01, 0.95))
def test_nearly_certain_texts_are_always_shown(answers, share):
    least = least_logprob(after(answers), share, T)
    assert 3 * T - 1e-9 <= least <= 0.2 * T + 1e-9


@given(ANSWERS, some.floats(0.05, 0.95))
def test_the_threshold_is_where_the_chance_is(answers, share):
    known = after(answers)
    least = least_logprob(known, share, T)
    if 2.99 * T < least < 0.21 * T:
        assert chance(known, least, T) == pytest.approx(share)


@pytest.mark.parametrize(
    "odd",
    [
        Acceptance(a=math.nan),
        Acceptance(b=-1.0),
        Acceptance(precision=(0.0, 0.0, 0.0)),
        Acceptance(precision=(1.0, 5.0, 1.0)),
        Acceptance(a=math.inf),
    ],
)
def test_odd_numbers_are_noticed(odd):
    assert not odd.sound
