"""The NumPy references against loops written from the contract, and the promises of their cache."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import ModelError, PromptError
from engine.model.formats.checked_tensors import load_float_tensors
from engine.model.graph import ModelGraph, Node
from engine.model.load import load_model
from engine.model.reference import Fp32Reference, QuantisedReference, quantised
from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.ggml_quants import GGML_FORMATS
from engine.model.tensors.q8 import quantise
from tests import naive
from tests.packs import random_packed
from tests.tiny import tiny_model, write_tiny_model

SINGLE = SumOrders.single()
SPLIT = SumOrders(
    hidden=ReduceOrder(2, 1),
    heads=ReduceOrder(2, 2),
    ffn=ReduceOrder(3, 2),
    norm=ReduceOrder(5, 2),
    positions=ReduceOrder(4, 3),
    head_dim=ReduceOrder(4, 2),
)
# Difference of quantised and fp32 logits in standard deviations of the fp32 ones, on tiny random
# models.  Measured over 20 seeds: root mean square up to 0.035, largest up to 0.253.
RMS_BOUND = 0.05
MAX_BOUND = 0.4

TOKENS = [1, 200, 45, 45, 287, 3, 0, 99, 17, 142]

quick = settings(max_examples=40, deadline=None, derandomize=True)
orders = st.integers(1, 9).flatmap(
    lambda parts: st.integers(1, parts).map(lambda group: ReduceOrder(parts, group))
)


def numbers(*shape):
    """Arrays of float32 over some powers of two, so that every order of a sum shows."""
    return arrays.arrays(np.float32, shape, elements=st.floats(-1024, 1024, width=32))


def same_bits(left, right):
    left, right = np.asarray(left, np.float32), np.asarray(right, np.float32)
    return left.shape == right.shape and (left.view(np.int32) == right.view(np.int32)).all()


# ── functions against loops ─────────────────────────────────────────────────────────────────


@quick
@given(orders.flatmap(lambda order: st.tuples(st.just(order), numbers(order.parts, 3))))
def test_reduce_parts(case):
    order, parts = case
    columns = [naive.reduce_parts(list(parts[:, i]), order) for i in range(3)]
    assert same_bits(quantised.reduce_parts(list(parts), order), columns)


def test_reduce_parts_is_the_sum_in_the_documented_example():
    p = np.float32([[1.0], [1e8], [-1e8], [1.0], [1.0]])
    expected = (p[0] + p[1]) + ((p[2] + p[3]) + p[4])
    assert same_bits(quantised.reduce_parts(p, ReduceOrder(5, 2)), expected)
    assert expected != p[::-1].cumsum()[-1]  # the plain chain differs, so order shows


@quick
@given(numbers(2, 64))
def test_quantise_rows(x):
    levels, scales = quantised.quantise_rows(x)
    for row in range(2):
        for g in range(2):
            expected, scale = naive.quantise_group(list(x[row, 32 * g : 32 * g + 32]))
            assert levels[row, g].tolist() == expected
            assert same_bits(scales[row, g], scale)


@quick
@given(numbers(2, 96), numbers(5, 96), orders)
def test_multiply(x, weights, order):
    weight = quantise(FloatTensor(weights))
    expected = [naive.multiply(list(row), weight, order) for row in x]
    assert same_bits(quantised.multiply(x, weight, order), expected)


@pytest.mark.parametrize("format", GGML_FORMATS, ids=lambda format: format.name)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(numbers(2, 256), st.integers(0, 1 << 20), orders)
def test_multiply_by_packed_weights(format, x, seed, order):
    """Minima are taken off every term; a scale of 16 inputs makes two terms of a group."""
    weight = random_packed(np.random.default_rng(seed), format, (3, 256))
    expected = [naive.multiply(list(row), weight, order) for row in x]
    assert same_bits(quantised.multiply(x, weight, order), expected)


@quick
@given(numbers(2, 37), numbers(37), orders)
def test_rms_norm(x, weight, order):
    expected = [naive.rms_norm(list(row), weight, 1e-5, order) for row in x]
    assert same_bits(quantised.rms_norm(x, weight, 1e-5, order), expected)


@quick
@given(numbers(2, 9), numbers(2, 9))
def test_silu_gate(gate, up):
    expected = [naive.silu_gate(list(g), list(u)) for g, u in zip(gate, up, strict=True)]
    assert same_bits(quantised.silu(gate) * up, expected)


@quick
@given(st.integers(1, 4), st.integers(0, 5), orders, st.sampled_from([1, 2, 4, 8]), st.data())
def test_attend(rows, before, positions, dim_parts, data):
    total, width = before + rows, 8
    q = data.draw(numbers(rows, 4, width)) / np.float32(64)
    keys, values = data.draw(numbers(total, 2, width)), data.draw(numbers(total, 2, width))
    chosen = replace(SINGLE, positions=positions, head_dim=ReduceOrder.chain(dim_parts))
    scale = np.float32(0.01)
    found = quantised.attend(q, keys, values, scale, chosen)
    for row in range(rows):
        seen = before + row + 1
        for head in range(4):
            expected = naive.attend_head(
                list(q[row, head]), keys[:seen, head // 2], values[:seen, head // 2], scale, chosen
            )
            assert same_bits(found[row, head], expected)


# ── whole models ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chosen", [SINGLE, SPLIT])
@pytest.mark.parametrize("tied", [True, False])
def test_the_quantised_reference_is_the_contract_bit_for_bit(chosen, tied):
    model = tiny_model(seed=2, tied=tied, layers=2, kv_heads=1)
    expected = naive.quantised_llama(model, TOKENS[:4], chosen)
    assert same_bits(
        QuantisedReference(model.graph, model.tensors, chosen).forward(TOKENS[:4]), expected
    )


def test_the_fp32_reference_is_the_textbooks_llama(tmp_path):
    model = load_model(write_tiny_model(tmp_path / "tiny", seed=3, tied=False))
    weights = load_float_tensors(model.path, model.graph, None)
    expected = naive.float_llama(model.config, weights, TOKENS)
    found = Fp32Reference(model.graph, weights).forward(TOKENS)
    assert np.abs(found - expected).max() < 1e-5 * expected.std()


@pytest.mark.parametrize("seed", range(4))
def test_quantised_activations_stay_near_fp32(seed):
    model = tiny_model(seed=seed)
    tokens = np.random.default_rng(seed).integers(0, 288, 64)
    exact = Fp32Reference(model.graph, model.tensors).forward(tokens)
    found = QuantisedReference(model.graph, model.tensors, SPLIT).forward(tokens)
    error = (found - exact) / exact.std()
    assert np.sqrt((error**2).mean()) < RMS_BOUND
    assert np.abs(error).max() < MAX_BOUND


@pytest.fixture(scope="module")
def wide():
    """Enough groups in every matmul for the order of their sum to show."""
    return tiny_model(hidden=128, heads=8, ffn=160)


def test_the_order_of_sums_shows_but_little(wide):
    one = QuantisedReference(wide.graph, wide.tensors, SINGLE).forward(TOKENS)
    other = QuantisedReference(wide.graph, wide.tensors, SPLIT).forward(TOKENS)
    assert not same_bits(one, other)
    assert np.abs(one - other).max() < MAX_BOUND * one.std()


@pytest.mark.parametrize("field", ["hidden", "heads", "ffn", "norm", "positions", "head_dim"])
def test_every_order_has_its_own_part_in_the_result(wide, field):
    changed = replace(SINGLE, **{field: ReduceOrder(2, 1)})
    values = QuantisedReference(wide.graph, wide.tensors, changed).trace(TOKENS)
    plain = QuantisedReference(wide.graph, wide.tensors, SINGLE).trace(TOKENS)
    first = next(name for name in plain if not same_bits(plain[name], values[name]))
    assert (
        first
        in {
            "hidden": {"layer 0.q"},
            "heads": {"layer 0.o"},
            "ffn": {"layer 0.down"},
            "norm": {"layer 0.attention_norm"},
            "positions": {"layer 0.attention"},
            "head_dim": {"layer 0.attention"},
        }[field]
    )


# ── cache ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_every_split_gives_the_same_bits(chunks):
    model = tiny_model(seed=1)
    tokens = np.random.default_rng(0).integers(0, 288, sum(chunks))
    runner = QuantisedReference(model.graph, model.tensors, SPLIT)
    whole = runner.forward(tokens)
    end = 0
    for chunk in chunks:
        logits = runner.prefill(tokens[end : end + chunk])
        end += chunk
        assert runner.position == end
        assert same_bits(logits, whole[end - 1])


def test_token_by_token_and_back_again(tiny):
    runner = QuantisedReference(tiny.graph, tiny.tensors, SPLIT)
    whole = runner.forward(TOKENS)
    for position, token in enumerate(TOKENS):
        assert same_bits(runner.decode(token), whole[position])
    runner.rewind(4)
    assert runner.position == 4
    assert same_bits(runner.prefill(TOKENS[4:]), whole[-1])
    runner.rewind(0)
    assert same_bits(runner.prefill(TOKENS), whole[-1])


def test_a_later_token_changes_nothing_before_it(tiny):
    runner = QuantisedReference(tiny.graph, tiny.tensors, SPLIT)
    assert same_bits(runner.forward(TOKENS)[:5], runner.forward([*TOKENS[:5], 7, 7])[:5])


def test_forward_and_trace_leave_the_cache_alone(tiny):
    runner = QuantisedReference(tiny.graph, tiny.tensors, SINGLE)
    runner.prefill(TOKENS[:3])
    runner.trace(TOKENS[::-1])
    assert runner.position == 3
    assert same_bits(runner.prefill(TOKENS[3:]), runner.forward(TOKENS)[-1])


def test_the_fp32_reference_runs_in_chunks_too(tiny):
    runner = Fp32Reference(tiny.graph, tiny.tensors)
    whole = runner.forward(TOKENS)
    runner.prefill(TOKENS[:6])
    runner.rewind(5)
    found = runner.prefill(TOKENS[5:])
    assert np.abs(found - whole[-1]).max() < 1e-5


def test_a_trace_has_every_value_in_its_width(tiny):
    for runner in (
        Fp32Reference(tiny.graph, tiny.tensors),
        QuantisedReference(tiny.graph, tiny.tensors, SPLIT),
    ):
        values = runner.trace(TOKENS)
        assert {name: value.shape for name, value in values.items()} == {
            name: (len(TOKENS), width) for name, width in tiny.graph.values.items()
        }
        assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}


# ── refusals ────────────────────────────────────────────────────────────────────────────────


def test_tokens_that_do_not_belong(tiny):
    runner = QuantisedReference(tiny.graph, tiny.tensors, SINGLE)
    assert runner.context_length == 64
    for token in (-1, 288):
        with pytest.raises(PromptError, match=f"token {token} is outside the vocabulary of 288"):
            runner.decode(token)
    with pytest.raises(PromptError, match="at least one"):
        runner.prefill([])
    with pytest.raises(PromptError, match="65 tokens at position 0 end at 65; tiny holds 64"):
        runner.forward([1] * 65)
    runner.prefill([1] * 64)
    with pytest.raises(PromptError, match="position 64"):
        runner.decode(1)
    with pytest.raises(ValueError, match="has 64 rows"):
        runner.rewind(65)


def test_orders_that_do_not_fit_the_model(tiny):
    with pytest.raises(ModelError, match="head_dim 16 does not split over 3 parts"):
        QuantisedReference(tiny.graph, tiny.tensors, replace(SINGLE, head_dim=ReduceOrder(3, 3)))


@pytest.fixture
def biased(tiny):
    """An embedding, a norm and a head with a bias: what no Llama has."""
    weights = {"embedding": (288, 64), "norm": (64,), "bias": (288,)}
    norm = {"kind": "rms", "eps": 1e-5}
    graph = ModelGraph(
        name="biased",
        nodes=(
            Node("embed", Role.EMBED, (), "embed", "embedding"),
            Node("norm", Role.FINAL_NORM, ("embed",), "norm", "norm", None, norm),
            Node("head", Role.HEAD, ("norm",), "logits", "embedding", None, {"bias": "bias"}),
        ),
        values={"embed": 64, "norm": 64, "logits": 288},
        weights=weights,
        layers=0,
        width=64,
        vocabulary=288,
        context_length=8,
    )
    tensors = {
        "embedding": tiny.tensors["model.embed_tokens.weight"],
        "norm": tiny.tensors["model.norm.weight"],
        "bias": FloatTensor(np.arange(288, dtype=np.float32)),
    }
    return replace(tiny, graph=graph, tensors=tensors)


@pytest.mark.parametrize(
    "reference", [Fp32Reference, lambda *parts: QuantisedReference(*parts, SPLIT)]
)
def test_a_bias_is_added_after_the_sum(biased, reference):
    with_bias = reference(biased.graph, biased.tensors).forward(TOKENS[:8])
    zero = {**biased.tensors, "bias": FloatTensor(np.zeros(288, np.float32))}
    without = reference(biased.graph, zero).forward(TOKENS[:8])
    assert same_bits(with_bias, without + biased.tensors["bias"].values)
