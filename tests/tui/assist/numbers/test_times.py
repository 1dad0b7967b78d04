"""Histograms of times."""

import math

import pytest

from tui.assist.numbers.times import add_time, percentile


def test_a_percentile_is_right_to_a_twentieth():
    histogram = {}
    for milliseconds in range(1, 1001):
        add_time(histogram, milliseconds)
    for share in (0.05, 0.5, 0.95, 1):
        assert percentile(histogram, share) == pytest.approx(1000 * share, rel=0.06)


def test_of_nothing_there_is_no_percentile():
    assert percentile({}, 0.5) is None


def test_what_is_no_time_is_not_counted():
    histogram = {}
    for wrong in (-1, math.nan, math.inf):
        add_time(histogram, wrong)
    assert histogram == {}


def test_very_short_and_very_long_times_have_a_step_each():
    histogram = {}
    for milliseconds in (0, 0.99, 1e30, 1e300):
        add_time(histogram, milliseconds)
    assert sorted(histogram.values()) == [2, 2]
