import importlib.util
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[2] / "scripts" / "fit_knowledge.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("fit_knowledge", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def observed(script, seed: int = 0, count: int = 60):
    random = np.random.default_rng(seed)
    right = random.uniform(0.01, 0.6, (count, 4))
    possible = np.minimum(1.0, right + random.uniform(0.0, 0.4, (count, 4)))
    present = random.random((count, 3)) < 0.7
    right[:, 1:] *= present
    possible[:, 1:] *= present
    return script.Observed(right, possible, random.normal(size=(count, 3, 5)), present)


def test_the_gradient_is_the_slope_of_the_loss(script):
    data = observed(script)
    at = np.random.default_rng(1).normal(size=(3, 5))
    slope = script.gradient(at, data)
    for place in ((0, 0), (1, 3), (2, 4)):
        step = np.zeros_like(at)
        step[place] = 1e-6
        rise = script.loss(at + step, data) - script.loss(at - step, data)
        expected = rise / 2e-6 + script.PENALTY * at[place]
        assert slope[place] == pytest.approx(expected, abs=1e-6)


def test_fitting_lowers_the_loss_below_the_models_own(script):
    data = observed(script)
    fitted = script.fit(data)
    nothing = np.zeros_like(fitted)
    assert script.loss(fitted, data) < script.loss(nothing, data)
    assert script.loss(fitted, data) < script.loss(nothing, data, alone=True)


def test_an_absent_expert_has_no_weight(script):
    data = observed(script)
    weights = script.mixture_weights(np.ones((3, 5)), data)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights[:, 1:][~data.present] == 0).all()


def test_the_threshold_lies_where_the_chance_is_what_it_should_be(script):
    random = np.random.default_rng(0)
    means = -random.exponential(1.0, 4000)
    chances = 1 / (1 + np.exp(-(1.0 + 2.0 * means)))
    answers = list(zip(means.tolist(), (random.random(4000) < chances).tolist(), strict=True))
    a, b = script.chance_of_being_right(answers)
    assert (a, b) == (pytest.approx(1.0, abs=0.2), pytest.approx(2.0, abs=0.3))
    tuning = script.with_threshold(script._start(), answers)
    chance = 1 / (1 + np.exp(-(a + b * tuning.threshold)))
    assert chance == pytest.approx(script.WORTH_SHOWING, abs=0.01)
    shown = [right for mean, right in answers if mean >= tuning.threshold]
    assert tuning.fitted_on["right_of_shown"] == pytest.approx(np.mean(shown), abs=1e-3)
