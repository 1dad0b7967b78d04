"""Low-rank adapters: their gradients against the slow loss, their steps, their checkpoint."""

import numpy as np
import pytest

from engine.training.backpropagation import Backpropagation
from engine.training.frozen_weights import FrozenWeights, frozen_bytes
from engine.training.low_rank import AdaptedWeights, adapted_matrix, new_factors
from engine.training.movers import Rates
from engine.training.pullback import DOWN, UP, zero_gradients
from engine.training.slow_loss import slow_loss
from engine.training.trainer import Trainer, float_weights, matrices_of_layers
from tests.engine.training.test_gradients import KINDS, batch_of, gradients_of, model_of
from tests.graphs import Traits, decoder

MODEL = decoder(Traits(hidden=32, layers=2, heads=4, kv_heads=2, head_dim=8, ffn=32, vocab=40))
RANK, STEP = 3, 1e-30


@pytest.mark.parametrize("part", [DOWN, UP])
def test_gradients_of_factors_are_the_slow_derivatives(part) -> None:
    graph, weights = model_of(KINDS["qwen2"])
    names = {name: graph.weights[name] for name in matrices_of_layers(graph)}
    assert len(names) == 14
    factors = {n: f.astype(np.float64) for n, f in new_factors(names, RANK, seed=5).items()}
    random = np.random.default_rng(1)
    for name in names:
        factors[UP + name] += 0.1 * random.standard_normal(factors[UP + name].shape)
    batch, sums = batch_of(graph, 1, 9), zero_gradients(factors)
    adapted = AdaptedWeights(weights, factors)
    loss = Backpropagation(graph, np.float64).add_gradients(adapted, batch, sums)
    merged = {n: adapted_matrix(weights, factors, n) if n in names else weights[n] for n in weights}
    assert loss == pytest.approx(gradients_of(graph, merged, batch)[0], rel=1e-12)

    moved, expected = dict(weights), 0.0
    for name in names:
        each = {which: factors[which + name].astype(complex) for which in (DOWN, UP)}
        direction = random.standard_normal(each[part].shape)
        each[part] += 1j * STEP * direction
        moved[name] = weights[name] + each[UP] @ each[DOWN]
        expected += float(np.vdot(sums[part + name], direction))
    row = batch.tokens[0].tolist(), batch.targets[0].tolist(), batch.counts[0].tolist()
    slow = complex(slow_loss(graph, moved, *row)).imag / STEP
    assert expected == pytest.approx(slow, rel=1e-10)


def low_rank() -> Trainer:
    weights = float_weights(MODEL.graph, MODEL.tensors)
    return Trainer(MODEL.graph, weights, Rates(low_rank=0.02), rank=RANK)


def batch(seed):
    return batch_of(MODEL.graph, 2, 8, seed)


def test_only_matrices_of_layers_get_factors_and_they_learn() -> None:
    learner = low_rank()
    names = matrices_of_layers(MODEL.graph)
    assert set(learner.learnt) == {which + name for which in (DOWN, UP) for name in names}
    base = float_weights(MODEL.graph, MODEL.tensors)
    learner.add(batch(1))
    losses = [learner.step().loss]
    for name, weight in base.items():
        assert (learner.weights[name] == weight).all()  # kept as it is
        moved = adapted_matrix(base, learner.learnt, name) - weight
        assert (0 < np.linalg.matrix_rank(moved, tol=1e-6) <= RANK) == (name in names)
        half = adapted_matrix(base, learner.learnt, name, 0.5) - weight
        np.testing.assert_allclose(half, moved / 2, atol=1e-6)
    for _ in range(40):
        learner.add(batch(1))
        losses.append(learner.step().loss)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("room", [0, 5_000, 1 << 30])
def test_weights_that_are_decoded_for_each_use_give_the_same_bits(room) -> None:
    frozen = FrozenWeights(MODEL.graph, MODEL.tensors, room)
    whole = frozen_bytes(MODEL.graph)
    assert frozen.kept_bytes <= room
    assert (frozen.kept_bytes == whole) == (room > whole)
    learners = [low_rank(), Trainer(MODEL.graph, frozen, Rates(low_rank=0.02), rank=RANK)]
    for learner in learners:
        learner.add(batch(1))
        learner.step()
        learner.add(batch(2))
        learner.step()
    for name, factor in learners[0].learnt.items():
        np.testing.assert_array_equal(factor, learners[1].learnt[name])


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
    for name, weight in first.learnt.items():
        np.testing.assert_array_equal(weight, second.learnt[name])
