"""The rest of the keys that fits how somebody types."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.tui.assist.places import at
from tui.assist.pace import NO_PACE, Pace, PaceMeter, fitting_rest_ms

INSIDE = at("retu", "\nx")
LINE_END = at("x = ", "\ny")


@pytest.mark.parametrize(
    ("pace", "place", "rest"),
    [
        (NO_PACE, INSIDE, 100),
        (Pace(120, None), INSIDE, 100),
        (Pace(None, 50), INSIDE, 100),
        (Pace(200, 60), at("ab", "c"), 100),  # the answer is there before the next key
        (Pace(150, 80), at("ab", "c"), 220),
        (Pace(150, 80), LINE_END, 100),
        (Pace(150, 60), at("ab", ""), 165),
        (Pace(200, 300), at("ab", "c"), 100),  # asking early is what a slow model needs
        (Pace(20, 60), at("ab", "c"), 140),
    ],
)
def test_the_rest(pace, place, rest):
    assert fitting_rest_ms(100, pace, place) == rest


@given(some.integers(0, 10_000), some.floats(0, 2000), some.floats(0, 20_000))
def test_it_is_never_shorter_than_what_the_person_set_nor_endless(base, gap, answer):
    for place in (INSIDE, LINE_END, at("ab", "c"), at("", "")):
        assert base <= fitting_rest_ms(base, Pace(gap, answer), place) <= max(base, 1000)


def test_a_rhythm_is_known_after_some_keys_and_pauses_are_no_part_of_it():
    meter = PaceMeter()
    now = 0.0
    for _ in range(10):
        meter.key(now)
        now += 0.2
    assert meter.pace.gap_ms is None
    now += 30
    meter.key(now)
    meter.key(now + 0.2)
    assert meter.pace.gap_ms == pytest.approx(200)


def test_one_slow_answer_says_little():
    meter = PaceMeter()
    for seconds in (0.05, 0.06, 3.0):
        meter.answer(seconds)
    assert meter.pace.answer_ms == pytest.approx(60)
