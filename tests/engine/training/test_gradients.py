"""Gradients of whole small models against a loss in complex numbers, which knows no derivative."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ModelError
from engine.model.families.builder import GraphBuilder
from engine.model.reference.fp32 import Fp32Reference
from engine.model.roles import Role
from engine.model.tensors.floats import FloatTensor
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.pullback import zero_gradients
from engine.training.slow_loss import slow_derivative, slow_loss
from tests.graphs import Traits, decoder, decoder_graph_of

SMALL = Traits(hidden=32, layers=2, heads=4, kv_heads=2, head_dim=8, ffn=32, vocab=50)

KINDS = {
    "llama": SMALL,
    "tuple of windows": replace(SMALL, windows=(3, 0), bases=(10000.0, 500.0)),
    "qwen2": replace(SMALL, biases=frozenset("qkv")),
    "qwen3": replace(SMALL, head_norms=True, factors=((1.0, 2.0, 4.0, 8.0),)),
    "gemma2": replace(
        SMALL,
        kv_heads=1,
        post_norms=True,
        activation="gelu",
        embedding_scale=5.5,
        score_caps=(2.0, 0.0),
        logits_cap=0.5,
    ),
    "starcoder2": replace(
        SMALL,
        layer_norms=True,
        gated=False,
        activation="gelu",
        biases=frozenset({"q", "k", "v", "o", "up", "down"}),
    ),
    "granite": replace(SMALL, residual_scale=0.4, logits_scale=0.25, embedding_scale=6.0),
}


def model_of(traits, seed=0, dtype=np.float64):
    """A graph and its weights."""
    built = decoder(traits, seed)
    weights = {name: t.dequantise().astype(dtype) for name, t in built.tensors.items()}
    return built.graph, weights


def batch_of(graph, rows, tokens, seed=0):
    """Random rows; some targets count more than others, one not at all."""
    random = np.random.default_rng(seed)
    counts = random.choice([1.0, 3.0], (rows, tokens))
    counts[0, tokens // 2] = 0.0
    ids = random.integers(0, graph.vocabulary, (rows, tokens + 1))
    return TokenBatch(ids[:, :-1], ids[:, 1:], counts)


def gradients_of(graph, weights, batch):
    dtype = next(iter(weights.values())).dtype.type
    sums = zero_gradients(weights)
    loss = Backpropagation(graph, dtype).add_gradients(weights, batch, sums)
    return loss, sums


def direction(name, shape, seed):
    return np.random.default_rng([seed, sum(name.encode())]).standard_normal(shape)


def rows_of(batch):
    return zip(batch.tokens.tolist(), batch.targets.tolist(), batch.counts.tolist(), strict=True)


def slow(graph, weights, batch, directions=None):
    """The slow loss, or derivative, of several rows: rows meet in the mean by their counts."""
    total = 0.0
    for tokens, targets, counts in rows_of(batch):
        share = sum(counts) / batch.counts.sum()
        total += share * (
            slow_loss(graph, weights, tokens, targets, counts)
            if directions is None
            else slow_derivative(graph, weights, directions, tokens, targets, counts)
        )
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_is_the_derivative_of_the_slow_loss(kind):
    graph, weights = model_of(KINDS[kind])
    batch = batch_of(graph, 2, 7)
    loss, gradients = gradients_of(graph, weights, batch)
    assert loss == pytest.approx(slow(graph, weights, batch), rel=1e-12)
    for name, gradient in gradients.items():
        towards = direction(name, gradient.shape, 1)
        expected = slow(graph, weights, batch, {name: towards})
        scale = np.linalg.norm(gradient) * np.linalg.norm(towards)
        assert abs(np.sum(gradient * towards) - expected) < 1e-12 * scale + 1e-15, name


def test_every_element_of_a_gradient_is_the_derivative_of_the_slow_loss():
    graph, weights = model_of(KINDS["qwen3"])
    batch = batch_of(graph, 1, 5)
    _, gradients = gradients_of(graph, weights, batch)
    for name in ("layer 0.q_norm.weight", "layer 1.attention_norm.weight"):
        for i in np.ndindex(gradients[name].shape):
            one = np.zeros_like(gradients[name])
            one[i] = 1.0
            expected = slow(graph, weights, batch, {name: one})
            assert gradients[name][i] == pytest.approx(expected, rel=1e-9, abs=1e-14)


@given(
    heads=st.sampled_from([(1, 1), (2, 1), (4, 2), (3, 3), (6, 2)]),
    half=st.integers(1, 4),
    window=st.integers(0, 6),
    cap=st.sampled_from([0.0, 1.5]),
    norms=st.booleans(),
    rows=st.integers(1, 3),
    tokens=st.integers(2, 9),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=25, deadline=None)
def test_gradients_hold_for_any_shape(heads, half, window, cap, norms, rows, tokens, seed):
    traits = Traits(
        hidden=32,
        layers=1,
        heads=heads[0],
        kv_heads=heads[1],
        head_dim=2 * half,
        ffn=32,
        vocab=40,
        windows=(window,),
        score_caps=(cap,),
        head_norms=norms,
    )
    graph, weights = odd_model(traits, seed)
    batch = batch_of(graph, rows, tokens, seed)
    _, gradients = gradients_of(graph, weights, batch)
    towards = {name: direction(name, g.shape, seed) for name, g in gradients.items()}
    along = sum(float(np.sum(g * towards[name])) for name, g in gradients.items())
    scale = sum(np.linalg.norm(g) * np.linalg.norm(towards[name]) for name, g in gradients.items())
    assert abs(along - slow(graph, weights, batch, towards)) < 1e-11 * scale


def odd_model(traits, seed):
    """A graph of any width of heads, which no matrix of blocks could hold."""
    graph = decoder_graph_of(traits)
    random = np.random.default_rng(seed)
    return graph, {
        name: random.standard_normal(shape) / shape[-1] ** 0.5
        for name, shape in graph.weights.items()
    }


def test_gradients_of_a_batch_are_added_to_those_before():
    graph, weights = model_of(SMALL)
    first, second = batch_of(graph, 1, 5, 1), batch_of(graph, 2, 4, 2)
    _, alone = gradients_of(graph, weights, first)
    _, other = gradients_of(graph, weights, second)
    sums = zero_gradients(weights)
    walk = Backpropagation(graph, np.float64)
    walk.add_gradients(weights, first, sums)
    walk.add_gradients(weights, second, sums)
    for name, total in sums.items():
        np.testing.assert_allclose(total, alone[name] + other[name], rtol=1e-12, atol=1e-15)


def test_a_weight_without_a_sum_is_frozen_and_the_others_learn_the_same():
    graph, weights = model_of(KINDS["starcoder2"])
    batch = batch_of(graph, 2, 5)
    _, everything = gradients_of(graph, weights, batch)
    for name in weights:
        kept = {other: sum_ for other, sum_ in zero_gradients(weights).items() if other != name}
        Backpropagation(graph, np.float64).add_gradients(weights, batch, kept)
        for other, total in kept.items():
            np.testing.assert_array_equal(total, everything[other])


def test_float32_gradients_are_those_of_float64_to_a_hundred_thousandth():
    graph, weights = model_of(KINDS["gemma2"])
    batch = batch_of(graph, 2, 9)
    _, exact = gradients_of(graph, weights, batch)
    _, single = gradients_of(
        graph, {name: w.astype(np.float32) for name, w in weights.items()}, batch
    )
    for name, gradient in single.items():
        assert gradient.dtype == np.float32
        assert np.abs(gradient - exact[name]).max() <= 1e-5 * np.abs(exact[name]).max(), name


def test_long_rows_are_cut_into_blocks_of_queries(monkeypatch):
    graph, weights = model_of(replace(KINDS["gemma2"], windows=(0, 5)))
    batch = batch_of(graph, 1, 13)
    _, whole = gradients_of(graph, weights, batch)
    monkeypatch.setattr("engine.training.causal_attention.QUERIES_AT_ONCE", 4)
    monkeypatch.setattr("engine.training.head_loss.POSITIONS_AT_ONCE", 5)
    loss, cut = gradients_of(graph, weights, batch)
    assert loss == pytest.approx(slow(graph, weights, batch), rel=1e-12)
    for name, gradient in cut.items():
        np.testing.assert_allclose(gradient, whole[name], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_the_slow_loss_is_that_of_the_fp32_reference(kind):
    graph, weights = model_of(KINDS[kind], dtype=np.float32)
    batch = batch_of(graph, 1, 8)
    reference = Fp32Reference(graph, {name: FloatTensor(w) for name, w in weights.items()})
    logits = reference.forward(batch.tokens[0]).astype(np.float64)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    chosen = -logits[np.arange(8), batch.targets[0]]
    expected = np.sum(chosen * batch.counts[0]) / batch.counts.sum()
    assert slow(graph, weights, batch) == pytest.approx(expected, rel=1e-5)


def test_a_head_may_have_a_bias():
    builder = GraphBuilder()
    stream = builder.embed("embed", 20, 32)
    graph_builder_head(builder, stream)
    graph = builder.graph("tiny", layers=0, context_length=8)
    random = np.random.default_rng(3)
    weights = {name: random.standard_normal(shape) for name, shape in graph.weights.items()}
    batch = batch_of(graph, 1, 6)
    _, gradients = gradients_of(graph, weights, batch)
    towards = direction("bias", (20,), 1)
    expected = slow(graph, weights, batch, {"bias": towards})
    assert np.sum(gradients["bias"] * towards) == pytest.approx(expected, rel=1e-10)


def graph_builder_head(builder, stream):
    builder.matmul("logits", Role.HEAD, stream, 20, "head", bias="bias")


@pytest.mark.parametrize(
    ("tokens", "targets", "message"),
    [
        ([[0, 50]], [[1, 2]], "vocabulary of 50"),
        ([[0, 1]], [[1, -1]], "vocabulary of 50"),
        ([[0] * 33], [[0] * 33], "longer than the context of 32"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tokens, targets, message):
    graph, weights = model_of(SMALL)
    batch = TokenBatch(np.array(tokens), np.array(targets), np.ones(np.shape(tokens)))
    with pytest.raises(ModelError, match=message):
        Backpropagation(graph, np.float64).add_gradients(weights, batch, zero_gradients(weights))


@pytest.mark.parametrize("shapes", list(pairwise([(1, 3), (1, 4), (2, 4)])))
def test_a_batch_of_unequal_shapes_is_refused(shapes):
    tokens, targets = (np.zeros(shape, np.int64) for shape in shapes)
    with pytest.raises(ModelError, match="targets"):
        TokenBatch(tokens, targets, np.ones(shapes[0]))
