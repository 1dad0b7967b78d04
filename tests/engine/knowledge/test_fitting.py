import numpy as np
import pytest

from engine.knowledge import fitting
from engine.knowledge.tuning import neutral_tuning


def observed(seed: int = 0, count: int = 60):
    random = np.random.default_rng(seed)
    right = random.uniform(0.01, 0.6, (count, 4))
    possible = np.minimum(1.0, right + random.uniform(0.0, 0.4, (count, 4)))
    present = random.random((count, 3)) < 0.7
    right[:, 1:] *= present
    possible[:, 1:] *= present
    return fitting.Observed(right, possible, random.normal(size=(count, 3, 5)), present)


def test_the_gradient_is_the_slope_of_the_loss():
    data = observed()
    at = np.random.default_rng(1).normal(size=(3, 5))
    slope = fitting.gradient(at, data)
    for place in ((0, 0), (1, 3), (2, 4)):
        step = np.zeros_like(at)
        step[place] = 1e-6
        rise = fitting.loss(at + step, data) - fitting.loss(at - step, data)
        expected = rise / 2e-6 + fitting.PENALTY * at[place]
        assert slope[place] == pytest.approx(expected, abs=1e-6)


def test_fitting_lowers_the_loss_below_the_models_own():
    data = observed()
    fitted = fitting.fit_mixture(data)
    nothing = np.zeros_like(fitted)
    assert fitting.loss(fitted, data) < fitting.loss(nothing, data)
    assert fitting.loss(fitted, data) < fitting.loss(nothing, data, alone=True)


def test_an_absent_expert_has_no_weight():
    data = observed()
    weights = fitting.mixture_weights(np.ones((3, 5)), data)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights[:, 1:][~data.present] == 0).all()


def test_the_threshold_lies_where_the_chance_is_what_it_should_be():
    random = np.random.default_rng(0)
    means = -random.exponential(1.0, 4000)
    chances = 1 / (1 + np.exp(-(1.0 + 2.0 * means)))
    answers = list(zip(means.tolist(), (random.random(4000) < chances).tolist(), strict=True))
    a, b = fitting.chance_of_being_right(answers)
    assert (a, b) == (pytest.approx(1.0, abs=0.2), pytest.approx(2.0, abs=0.3))
    tuning = fitting.with_threshold(neutral_tuning(), answers)
    chance = 1 / (1 + np.exp(-(a + b * tuning.threshold)))
    assert chance == pytest.approx(fitting.WORTH_SHOWING, abs=0.01)
    shown = [right for mean, right in answers if mean >= tuning.threshold]
    assert tuning.fitted_on["right_of_shown"] == pytest.approx(np.mean(shown), abs=1e-3)


@pytest.mark.parametrize("right", [lambda i: i % 2 == 0, lambda i: i > 50])
def test_answers_that_tell_nothing_give_no_threshold(right) -> None:
    """Too few answers; or the likelier ones are wrong."""
    many = [(-i / 100, right(i)) for i in range(100)]
    assert fitting.with_threshold(neutral_tuning(), many[:10]).threshold is None
    if right(99):
        assert fitting.with_threshold(neutral_tuning(), many).threshold is None


def test_a_fit_is_pulled_to_where_it_began():
    data, start = observed(), np.full((3, 5), 0.7)
    near, far = (fitting.fit_mixture(data, start, penalty) for penalty in (10.0, 1e-3))
    assert np.abs(near - start).max() < 0.02 < np.abs(far - start).max()
    assert fitting.loss(far, data) < fitting.loss(near, data) < fitting.loss(start, data)
