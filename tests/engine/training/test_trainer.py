"""The trainer: what is taken in, what a step does with it, and what a checkpoint holds."""

import numpy as np
import pytest

from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.movers import Rates, clip
from engine.training.pullback import zero_gradients
from engine.training.trainer import Trainer, float_weights
from tests.graphs import Traits, decoder

MODEL = decoder(Traits(hidden=32, layers=2, heads=4, kv_heads=2, head_dim=8, ffn=32, vocab=40))


def trainer(**rates):
    weights = float_weights(MODEL.graph, MODEL.tensors)
    return Trainer(MODEL.graph, weights, Rates(**rates) if rates else None)


def batch(seed, rows=2, tokens=8):
    ids = np.random.default_rng(seed).integers(0, 40, (rows, tokens + 1))
    return TokenBatch(ids[:, :-1], ids[:, 1:], np.ones((rows, tokens), np.float32))


def test_a_model_learns_what_it_sees_again_and_again():
    learner, seen = trainer(), batch(1)
    losses = []
    for _ in range(30):
        learner.add(seen)
        losses.append(learner.step().loss)
    assert losses[0] > 3.0
    assert losses[-1] < 0.2 * losses[0]


def test_a_step_takes_the_mean_of_its_batches_by_their_tokens():
    learner = trainer()
    losses = learner.add(batch(1, rows=3)), learner.add(batch(2, rows=1))
    assert learner.tokens == 32
    report = learner.step()
    assert report.tokens == 32
    assert report.loss == pytest.approx((3 * losses[0] + losses[1]) / 4)
    assert learner.tokens == 0


def test_two_batches_are_one_batch_of_their_rows():
    rows = batch(1, rows=4)
    whole, parts = trainer(), trainer()
    whole.add(rows)
    for part in (slice(0, 2), slice(2, 4)):
        parts.add(TokenBatch(rows.tokens[part], rows.targets[part], rows.counts[part]))
    assert whole.step().gradient_norm == pytest.approx(parts.step().gradient_norm, rel=1e-5)
    for name, weight in whole.weights.items():
        np.testing.assert_allclose(weight, parts.weights[name], atol=2e-4)


def test_the_gradient_norm_is_that_of_the_mean_gradient():
    learner, rows = trainer(), batch(3)
    sums = zero_gradients(learner.weights)
    Backpropagation(MODEL.graph).add_gradients(learner.weights, rows, sums)
    learner.add(rows)
    expected = np.sqrt(sum(np.sum(np.square(part, dtype=np.float64)) for part in sums.values()))
    assert learner.step().gradient_norm == pytest.approx(expected, rel=1e-5)


def test_nothing_moves_at_a_rate_of_zero_and_everything_does_otherwise():
    learner = trainer()
    before = {name: weight.copy() for name, weight in learner.weights.items()}
    learner.add(batch(1))
    learner.step(0.0)
    for name, weight in learner.weights.items():
        np.testing.assert_array_equal(weight, before[name])
    learner.add(batch(1))
    learner.step(1.0)
    assert all(np.any(weight != before[name]) for name, weight in learner.weights.items())


def test_matrices_of_layers_are_muons_and_all_else_adams():
    learner = trainer(muon=0.0, adam=0.01)
    before = {name: weight.copy() for name, weight in learner.weights.items()}
    learner.add(batch(1))
    learner.step()
    moved = {name for name, weight in learner.weights.items() if np.any(weight != before[name])}
    assert moved == {name for name in before if name == "embed" or before[name].ndim == 1}


def test_a_restored_trainer_gives_the_same_bits():
    first = trainer()
    for seed in (1, 2):
        first.add(batch(seed))
        first.step()
    kept = {name: part.copy() for name, part in first.state().items()}
    second = trainer()
    second.add(batch(9))  # forgotten: a checkpoint knows nothing of it
    second.restore(kept)
    for learner in (first, second):
        learner.add(batch(3))
        learner.step(0.5)
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, second.weights[name])


def test_a_step_without_a_batch_is_refused():
    with pytest.raises(ValueError, match="needs a batch"):
        trainer().step()


def test_a_state_that_lacks_a_part_is_refused():
    learner = trainer()
    state = learner.state()
    del state["adam.mean.embed"]
    with pytest.raises(KeyError, match="embed"):
        learner.restore(state)


def test_long_gradients_are_clipped_and_short_ones_left():
    long = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    assert clip(long, 1.0) == 5.0
    np.testing.assert_allclose(long["a"], [0.6, 0.0], rtol=1e-6)
    short = {"a": np.array([0.3])}
    assert clip(short, 1.0) == pytest.approx(0.3)
    assert short["a"][0] == 0.3


def test_workers_share_the_batches_and_give_the_same_bits_each_time():
    batches = [batch(seed, rows=1 + seed % 2) for seed in range(5)]
    alone, *shared = (
        Trainer(MODEL.graph, float_weights(MODEL.graph, MODEL.tensors), workers=workers)
        for workers in (1, 3, 3)
    )
    losses = [each.add(*batches) for each in (alone, *shared)]
    assert losses == pytest.approx([losses[0]] * 3)
    reports = [each.step() for each in (alone, *shared)]
    assert reports[1] == reports[2]
    assert reports[0].gradient_norm == pytest.approx(reports[1].gradient_norm, rel=1e-5)
    for name, weight in alone.weights.items():
        np.testing.assert_allclose(weight, shared[0].weights[name], atol=2e-4)
        np.testing.assert_array_equal(shared[0].weights[name], shared[1].weights[name])


def test_workers_begin_each_step_anew():
    learner = Trainer(MODEL.graph, float_weights(MODEL.graph, MODEL.tensors), workers=2)
    seen = [batch(1), batch(2)]
    learner.add(*seen)
    first = learner.step(0.0)
    learner.add(*seen)
    assert learner.step(0.0) == first


def test_losses_of_rows_are_those_that_a_gradient_is_worked_out_from():
    capped = decoder(
        Traits(
            hidden=32, layers=1, heads=4, kv_heads=2, head_dim=8, ffn=32, vocab=40, logits_cap=9.0
        )
    )
    for model in (MODEL, capped):
        weights, rows = float_weights(model.graph, model.tensors), batch(7, rows=3)
        rows.counts[1, 3:] = 0.0
        walk = Backpropagation(model.graph)
        found = walk.losses(weights, rows)
        assert found.shape == (3,)
        loss = walk.add_gradients(weights, rows, {})
        assert found.sum() / rows.counts.sum() == pytest.approx(loss, rel=1e-6)
