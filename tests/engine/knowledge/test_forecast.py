import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.forecast import DISCOUNT, MAX_LENGTHS, Forecast, blend

FOLLOWERS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=30), min_size=1, max_size=8)


def followers(*lists):
    return [(len(lists) - i, np.array(each, np.int32)) for i, each in enumerate(lists)]


def shares_of(forecast: Forecast) -> dict[int, float]:
    return dict(zip(forecast.tokens.tolist(), forecast.shares.tolist(), strict=True))


@settings(deadline=None)
@given(FOLLOWERS)
def test_the_shares_of_a_forecast_sum_to_one(lists):
    forecast = blend(followers(*lists))
    assert forecast.shares.sum() == pytest.approx(1.0)
    assert (forecast.shares >= 0).all()
    assert len(set(forecast.tokens.tolist())) == len(forecast.tokens)


def test_longer_contexts_leave_the_discount_to_shorter_ones():
    forecast = blend(followers([5, 5, 5, 7], [5, 5, 5, 7, 8, 8]))
    shares = shares_of(forecast)
    short = np.array([3 - DISCOUNT, 1 - DISCOUNT, 2 - DISCOUNT])
    short = short / short.sum()
    left = 2 * DISCOUNT / 4
    assert shares[5] == pytest.approx((3 - DISCOUNT) / 4 + left * short[0])
    assert shares[8] == pytest.approx(left * short[2])
    assert (forecast.length, forecast.count, forecast.kinds, forecast.purity) == (2, 4, 2, 0.75)


def test_one_context_is_its_discounted_counts_scaled_to_one():
    assert shares_of(blend(followers([3, 3, 3, 4]))) == pytest.approx({3: 2.5 / 3, 4: 0.5 / 3})


def test_contexts_beyond_the_longest_lengths_are_left_out():
    lists = [[number] for number in range(MAX_LENGTHS + 2)]
    assert blend(followers(*lists)).tokens.tolist() == list(range(MAX_LENGTHS))


def test_of_equally_likely_tokens_the_lowest_id_is_the_guess():
    assert blend(followers([7, 2, 9])).top == 2
    assert blend(followers([7, 2, 9, 9])).top == 9


def test_without_continuations_there_is_no_forecast():
    assert blend([]) is None
