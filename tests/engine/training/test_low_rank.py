"""Low-rank adapters: their gradients against the slow loss, their steps, their checkpoint."""

import numpy as np
import pytest

from engine.training.low_rank import LowRankAdapters
from engine.training.movers import Rates
from engine.training.slow_loss import slow_loss
from engine.training.trainer import Trainer, float_weights
from tests.engine.training.test_gradients import KINDS, batch_of, gradients_of, model_of
from tests.graphs import Traits, decoder

MODEL = decoder(Traits(hidden=32, layers=2, heads=4, kv_heads=2, head_dim=8, ffn=32, vocab=40))
RANK, STEP = 3, 1e-30


@pytest.mark.parametrize("part", ["down", "up"])
def test_gradients_of_factors_are_the_slow_derivatives(part) -> None:
    graph, weights = model_of(KINDS["qwen2"])
    base = {name: w.copy() for name, w in weights.items() if w.ndim == 2 and "layer" in name}
    assert len(base) == 14
    adapters = LowRankAdapters({name: weights[name] for name in base}, RANK, seed=5)
    random = np.random.default_rng(1)
    for name, factor in adapters.factors.items():
        if name.startswith("up."):
            factor[...] = 0.1 * random.standard_normal(factor.shape)
    adapters.merge()
    batch = batch_of(graph, 1, 9)
    pulled = adapters.pull(gradients_of(graph, weights, batch)[1])

    moved, expected = dict(weights), 0.0
    for name, matrix in base.items():
        factors = {
            each: adapters.factors[f"{each}.{name}"].astype(complex) for each in ("down", "up")
        }
        direction = random.standard_normal(factors[part].shape)
        factors[part] += 1j * STEP * direction
        moved[name] = matrix + factors["up"] @ factors["down"]
        expected += float(np.vdot(pulled[f"{part}.{name}"], direction))
    row = batch.tokens[0].tolist(), batch.targets[0].tolist(), batch.counts[0].tolist()
    slow = complex(slow_loss(graph, moved, *row)).imag / STEP
    assert expected == pytest.approx(slow, rel=1e-10)


def low_rank() -> Trainer:
    weights = float_weights(MODEL.graph, MODEL.tensors)
    return Trainer(MODEL.graph, weights, Rates(low_rank=0.02), rank=RANK)


def batch(seed):
    return batch_of(MODEL.graph, 2, 8, seed)


def test_only_matrices_of_layers_move_and_by_no_more_than_the_rank() -> None:
    learner = low_rank()
    before = {name: weight.copy() for name, weight in learner.weights.items()}
    learner.add(batch(1))
    losses = [learner.step().loss]
    for name, weight in before.items():
        moved = (
            np.linalg.matrix_rank(learner.weights[name] - weight, tol=1e-6)
            if weight.ndim == 2
            else 0
        )
        in_layer = weight.ndim == 2 and name != "embed"
        assert (0 < moved <= RANK) if in_layer else (weight == learner.weights[name]).all()
    for _ in range(40):
        learner.add(batch(1))
        losses.append(learner.step().loss)
    assert losses[-1] < 0.7 * losses[0]


def test_a_restored_trainer_of_adapters_gives_the_same_bits() -> None:
    first, second = low_rank(), low_rank()
    for seed in (1, 2):
        first.add(batch(seed))
        first.step()
    second.add(batch(9))
    second.step()
    second.restore({name: part.copy() for name, part in first.state().items()})
    for learner in (first, second):
        learner.add(batch(3))
        learner.step(0.5)
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, second.weights[name])
