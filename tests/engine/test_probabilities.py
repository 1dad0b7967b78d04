"""Logits → probabilities, against the same said slowly in Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.probabilities import LANES, probabilities, softmax
from engine.scalars import exp32

many_logits = arrays(np.float32, st.integers(1, 3000), elements=st.floats(-200, 80, width=32))


def barred(data, logits):
    """Logits of which some are −inf, but not all."""
    places = st.lists(st.integers(0, len(logits) - 1), max_size=len(logits) - 1)
    logits[data.draw(places)] = -np.inf
    return logits


def added(weights):
    """The sum of weights in the order that is said: lanes, then half of them to the other half."""
    lanes = [0.0] * LANES
    for number, weight in enumerate(weights.tolist()):
        lanes[number % LANES] += weight
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [low + high for low, high in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]


@given(many_logits, st.data())
def test_softmax_has_the_bits_of_the_engines_exponential(logits, data):
    logits = barred(data, logits)
    powers = exp32(np.where(np.isfinite(logits), logits - logits.max(), np.float32(0)))
    expected = np.where(np.isfinite(logits), powers, 0).astype(np.float64)
    assert softmax(logits).tobytes() == expected.tobytes()


@given(many_logits, st.data())
def test_probabilities_are_weights_over_their_sum_in_its_order(logits, data):
    logits = barred(data, logits)
    weights = softmax(logits)
    shares = probabilities(logits)
    assert shares.tobytes() == (weights * (1.0 / added(weights))).tobytes()
    assert shares.sum() == pytest.approx(1.0, rel=1e-12)


def test_where_nothing_can_be_chosen_every_weight_is_0():
    assert softmax(np.full(3, -np.inf, np.float32)).tolist() == [0.0, 0.0, 0.0]
