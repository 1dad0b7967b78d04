import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.forecast import Forecast
from engine.knowledge.line_proposals import LineForecast
from engine.knowledge.mixture import (
    CONTEXT_FEATURES,
    LINE_FEATURES,
    Certainty,
    context_features,
    line_features,
    mix,
    shares,
)

FLOATS = st.floats(-3, 3)


def forecast(tokens, values):
    values = np.array(values, float)
    return Forecast(np.array(tokens), values / values.sum(), 3, 7, len(tokens), 0.5)


@settings(deadline=None)
@given(st.lists(FLOATS, min_size=2, max_size=2), st.booleans(), st.integers(0, 4))
def test_the_mixture_sums_to_one(scores, absent, token):
    model = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    features = [None if absent else np.array([scores[0]]), np.array([scores[1]])]
    forecasts = [None if absent else forecast([token], [1.0]), forecast([0, 3], [1.0, 2.0])]
    weights = shares(features, [np.ones(1), np.ones(1)])
    mixed = mix(model, forecasts, weights)
    assert weights.sum() == pytest.approx(1.0)
    assert mixed.sum() == pytest.approx(1.0)
    assert mixed[3] == pytest.approx(
        weights[0] * model[3] + weights[2] * 2 / 3 + weights[1] * (token == 3)
    )


def test_an_expert_with_nothing_to_say_has_no_share():
    assert shares([None, None], [np.ones(1), np.ones(1)]).tolist() == [1.0, 0.0, 0.0]


def test_features_are_named_one_for_one():
    certainty = Certainty.of(np.array([0.25, 0.75]))
    assert certainty.entropy == pytest.approx(0.5623, abs=1e-4)
    context = context_features(forecast([1], [1.0]), certainty)
    assert len(context) == len(CONTEXT_FEATURES)
    assert context[CONTEXT_FEATURES.index("length>=3")] == 1.0
    lines = LineForecast(forecast([0, 1], [3.0, 1.0]), 1.5, 0.5, 1, 4, 9)
    named = dict(zip(LINE_FEATURES, line_features(lines, certainty), strict=True))
    assert (named["score"], named["margin"], named["token 1"], named["typed"]) == (1.5, 0.5, 1, 1)
