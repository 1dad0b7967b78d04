from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.forecast import Forecast
from engine.knowledge.line_proposals import LineForecast
from engine.knowledge.mixture import (
    CONTEXT_FEATURES,
    LENGTHS,
    LINE_FEATURES,
    Certainty,
    context_features,
    line_features,
    mix,
    shares,
)

FLOATS = st.floats(-3, 3)


def forecast(tokens, values, length=3, count=7):
    values = np.array(values, float)
    return Forecast(np.array(tokens), values / values.sum(), length, count, len(tokens), 0.5)


def context_named(**options) -> dict[str, float]:
    features = context_features(
        forecast([1, 0], [3.0, 1.0], **options), Certainty.of(np.array([0.25, 0.75]))
    )
    return dict(zip(CONTEXT_FEATURES, features.tolist(), strict=True))


def line_named(best=1.5, left=0.5, steps=1, typed=4, found=9) -> dict[str, float]:
    lines = LineForecast(forecast([0, 1], [3.0, 1.0]), best, left, steps, typed, found)
    features = line_features(lines, Certainty.of(np.array([0.25, 0.75])))
    return dict(zip(LINE_FEATURES, features.tolist(), strict=True))


# ── the mixture ─────────────────────────────────────────────────────────────────────────────


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


def test_mixing_leaves_the_models_own_prediction_as_it_is():
    model = np.array([0.5, 0.5])
    mix(model, [forecast([0], [1.0])], np.array([0.5, 0.5]))
    assert model.tolist() == [0.5, 0.5]


def test_an_expert_with_nothing_to_say_has_no_share():
    assert shares([None, None], [np.ones(1), np.ones(1)]).tolist() == [1.0, 0.0, 0.0]


def test_shares_are_a_softmax_in_which_the_model_scores_0():
    weights = shares(
        [np.array([1.0, 2.0]), np.array([3.0])], [np.array([0.5, -1.0]), np.array([0.25])]
    )
    powers = np.exp([0.0, -1.5, 0.75])
    assert weights == pytest.approx(powers / powers.sum())


@pytest.mark.parametrize(("score", "share"), [(1e4, 1.0), (-1e4, 0.0)])
def test_extreme_scores_are_no_accident(score: float, share: float):
    assert shares([np.array([score])], [np.ones(1)])[1] == share


# ── features ────────────────────────────────────────────────────────────────────────────────


def test_the_models_certainty_is_in_nats():
    certainty = Certainty.of(np.array([0.25, 0.75]))
    assert certainty.entropy == pytest.approx(0.5623, abs=1e-4)
    assert certainty.highest == pytest.approx(np.log(0.75))
    guessed = certainty.of_guess(SimpleNamespace(top=0))
    assert guessed == pytest.approx([np.log(0.25) / 4, 0.5623 / 3, np.log(0.75) / 2], abs=1e-4)


def test_an_impossible_token_has_a_finite_logarithm():
    certainty = Certainty.of(np.array([0.0, 1.0]))
    assert certainty.of_guess(SimpleNamespace(top=0))[0] == pytest.approx(np.log(1e-12) / 4)
    assert certainty.entropy == pytest.approx(0.0)


def test_the_entropy_of_a_large_vocabulary_is_nearly_whole():
    shares_of_all = np.exp(np.random.default_rng(0).normal(0, 3, 150_000))
    shares_of_all /= shares_of_all.sum()
    whole = -(shares_of_all * np.log(shares_of_all)).sum()
    assert Certainty.of(shares_of_all).entropy == pytest.approx(whole, rel=0.01)


@pytest.mark.parametrize(
    ("length", "least"),
    [(n, n) for n in LENGTHS] + [(7, 6), (9, 8), (12, 10), (16, 13), (24, 17), (32, 25)],
)
def test_a_context_is_of_one_class_of_lengths(length: int, least: int):
    named = context_named(length=length)
    classes = {name: value for name, value in named.items() if name.startswith("length")}
    assert {name: value for name, value in classes.items() if value} == {f"length>={least}": 1.0}


def test_the_features_of_a_context():
    named = context_named(count=7)
    assert named["log count"] == pytest.approx(np.log(7) / 3)
    assert named["purity"] == 0.5
    assert named["log kinds"] == pytest.approx(np.log(2) / 2)
    assert named["log share"] == pytest.approx(np.log(0.75))
    assert named["model's log of the guess"] == pytest.approx(np.log(0.75) / 4)
    assert named["model's entropy"] == pytest.approx(0.5623 / 3, abs=1e-4)
    assert named["model's highest log"] == pytest.approx(np.log(0.75) / 2)


def test_the_features_of_found_lines():
    named = line_named()
    assert named["one"] == 1.0
    assert (named["score"], named["score squared"]) == (1.5, 0.75)
    assert named["log left"] == pytest.approx(np.log(0.5001) / 3)
    assert named["log share"] == pytest.approx(np.log(0.75))
    assert named["margin"] == 0.5
    assert named["token times score"] == pytest.approx(0.5)
    assert (named["typed"], named["typed times score"]) == (1.0, 1.5)
    assert named["log typed"] == pytest.approx(np.log(5) / 3)
    assert named["log found"] == pytest.approx(np.log(9) / 3)
    assert named["all left"] == 0.0
    assert named["model's log of the guess"] == pytest.approx(np.log(0.25) / 4)


def test_at_the_start_of_a_line_nothing_is_typed():
    named = line_named(typed=0, left=1.0)
    assert (named["typed"], named["log typed"], named["typed times score"]) == (0.0, 0.0, 0.0)
    assert named["all left"] == 1.0


@pytest.mark.parametrize(("steps", "place"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (9, 3)])
def test_a_token_is_of_one_class_of_places(steps: int, place: int):
    named = line_named(steps=steps)
    classes = [named[name] for name in ("token 0", "token 1", "token 2", "later tokens")]
    assert classes == [float(i == place) for i in range(4)]
    assert named["token times score"] == pytest.approx(min(steps, 4) * 1.5 / 3)


def test_a_single_vote_has_the_whole_margin():
    lines = LineForecast(forecast([1], [1.0]), 1.0, 1.0, 0, 0, 1)
    features = line_features(lines, Certainty.of(np.array([0.5, 0.5])))
    assert features[LINE_FEATURES.index("margin")] == 1.0
