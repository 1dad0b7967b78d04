"""AdamW and Muon against their formulas, one number or one matrix at a time."""

import math

import numpy as np
import pytest

from engine.training.adamw import AdamW
from engine.training.learning_rate import rate_factor
from engine.training.muon import Muon, orthogonalise


def test_adamw_is_its_formula():
    weight, (keep_mean, keep_square), rate, decay = 0.5, (0.9, 0.95), 0.01, 0.1
    weights = {"w": np.array([weight])}
    adam = AdamW(weights, decay=decay)
    mean = square = 0.0
    for step, gradient in enumerate((0.3, -2.0, 0.01), start=1):
        adam.step({"w": np.array([gradient])}, rate)
        mean = keep_mean * mean + (1 - keep_mean) * gradient
        square = keep_square * square + (1 - keep_square) * gradient**2
        unbiased = mean / (1 - keep_mean**step), square / (1 - keep_square**step)
        weight -= rate * decay * weight
        weight -= rate * unbiased[0] / (math.sqrt(unbiased[1]) + 1e-8)
        assert weights["w"][0] == pytest.approx(weight, rel=1e-12)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_an_orthogonal_matrix_keeps_its_singular_vectors(shape):
    matrix = np.random.default_rng(1).standard_normal(shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    x = values / (np.linalg.norm(values) + 1e-7)
    for _ in range(5):  # the iteration acts on each singular value alone
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    np.testing.assert_allclose(orthogonalise(matrix[None])[0], (left * x) @ right, atol=1e-12)
    assert 0.6 < x.min() < x.max() < 1.3


def test_muon_steps_along_the_orthogonal_nesterov_momentum():
    random = np.random.default_rng(2)
    start = {"tall": random.standard_normal((6, 3)), "wide": random.standard_normal((3, 6))}
    weights = {name: weight.copy() for name, weight in start.items()}
    gradients = {name: random.standard_normal(weight.shape) for name, weight in start.items()}
    Muon(weights, decay=0.5).step(gradients, 0.1)
    for name, scale in (("tall", math.sqrt(2.0)), ("wide", 1.0)):
        momentum = 0.05 * gradients[name]
        ahead = 0.05 * gradients[name] + 0.95 * momentum
        expected = start[name] * 0.95 - 0.1 * scale * orthogonalise(ahead[None])[0]
        np.testing.assert_allclose(weights[name], expected, rtol=1e-12)


def test_matrices_of_one_shape_do_not_disturb_each_other():
    random = np.random.default_rng(3)
    start = {name: random.standard_normal((4, 4)) for name in "abc"}
    gradients = {name: random.standard_normal((4, 4)) for name in "abc"}
    together = {name: weight.copy() for name, weight in start.items()}
    Muon(together).step(gradients, 0.02)
    for name in "abc":
        alone = {name: start[name].copy()}
        Muon(alone).step({name: gradients[name]}, 0.02)
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-12)


@pytest.mark.parametrize("optimiser", [AdamW, Muon])
def test_a_restored_optimiser_goes_on_as_if_nothing_had_happened(optimiser):
    random = np.random.default_rng(4)
    gradients = [{"w": random.standard_normal((4, 3)).astype(np.float32)} for _ in range(4)]
    weights = {"w": np.ones((4, 3), np.float32)}
    first = optimiser(weights)
    for gradient in gradients[:2]:
        first.step(gradient, 0.1)
    kept = {name: part.copy() for name, part in first.state().items()}
    copy = {"w": weights["w"].copy()}
    second = optimiser(copy)
    second.restore(kept)
    for gradient in gradients[2:]:
        first.step(gradient, 0.1)
        second.step(gradient, 0.1)
    np.testing.assert_array_equal(copy["w"], weights["w"])


def test_the_rate_warms_up_stays_and_falls():
    factors = [rate_factor(step / 100, step, warmup=10, decay=0.5) for step in range(101)]
    assert factors[:10] == [pytest.approx((step + 1) / 10) for step in range(10)]
    assert set(factors[10:51]) == {1.0}
    assert factors[75] == pytest.approx(0.5)
    assert factors[100] == 0.0
