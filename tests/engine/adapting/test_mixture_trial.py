"""The mixture of a model that has learnt: fitted where it helps, judged on other questions."""

import numpy as np
import pytest

from engine.adapting.interpolation import ShareChoice
from engine.adapting.mixture_trial import MixtureTrial, fitted_tuning, try_mixture
from engine.knowledge import fitting
from engine.knowledge.fitting import Observed
from engine.knowledge.tuning import EXPERTS, Tuning, neutral_tuning

WIDTH = len(EXPERTS["lines"])


def question(right: float, buffer: float, tokens: int = 4) -> Observed:
    """Return a question at which the model and the buffer's expert are right to some degree."""
    features = np.zeros((tokens, 3, WIDTH))
    features[:, 0, 0] = 1.0
    present = np.zeros((tokens, 3), bool)
    present[:, 0] = True
    held = np.tile([right, buffer, 0.0, 0.0], (tokens, 1))
    possible = np.tile([1.0, 1.0, 0.0, 0.0], (tokens, 1))
    return Observed(held, possible, features, present)


def test_the_surer_expert_gets_more_weight_also_for_questions_it_was_not_fitted_to() -> None:
    each = [question(0.1, 0.8)] * 8
    trial = try_mixture(each, neutral_tuning())
    assert trial.plain_bits == pytest.approx(32 * -np.log2(0.45))
    assert trial.fitted_bits < 0.7 * trial.plain_bits
    assert trial.coefficients[0, 0] > 1.0
    assert (trial.coefficients[1:] == 0).all()  # nobody said anything there


def test_each_quarter_is_judged_by_coefficients_fitted_to_the_others() -> None:
    each = [question(0.1, 0.8)] * 6 + [question(0.8, 0.1)] * 2
    trial = try_mixture(each, neutral_tuning())
    fitted_to_all = fitting.loss(trial.coefficients, fitting.joined(each)) * 32 / np.log(2)
    assert trial.fitted_bits > fitted_to_all


def test_a_model_without_experts_keeps_writing_alone() -> None:
    each = [question(0.5, 0.0)] * 8
    for one in each:
        one.present[:] = False
    trial = try_mixture(each, None)
    assert trial.plain_bits == trial.fitted_bits == pytest.approx(32.0)
    assert not trial.coefficients.any()


def test_a_fitted_tuning_keeps_its_threshold_and_says_what_it_was_fitted_on() -> None:
    before = Tuning(neutral_tuning().mixture, -1.5, "old", {"questions": 240}, 7)
    coefficients = np.full((3, WIDTH), 0.5)
    after = fitted_tuning(before, coefficients, 200, "new")
    assert (after.threshold, after.weights_sha256, after.weight_bytes) == (-1.5, "new", 0)
    assert after.fitted_on == {"questions": 240, "repository_questions": 200}
    assert all((own == 0.5).all() for own in after.coefficients())


def trial(plain: float, fitted: float) -> MixtureTrial:
    return MixtureTrial(plain, fitted, np.full((3, WIDTH), plain))


@pytest.mark.parametrize(
    ("half", "share", "fitted"),
    [
        (trial(8.0, 7.0), 0.5, True),
        (trial(7.0, 8.0), 0.5, False),
        (trial(9.5, 9.2), 0.0, False),  # the model as it was has its own mixture
    ],
)
def test_share_and_mixture_are_chosen_together(half, share, fitted) -> None:
    choice = ShareChoice(4, 8, {0.0: trial(9.0, 6.0), 0.5: half})
    assert choice.share == share
    assert (choice.coefficients is not None) == fitted
    assert choice.figures["fitted"] == fitted
    assert choice.figures["bits_per_byte"] == {"0": 9.0 / 8, "0.5": half.plain_bits / 8}
