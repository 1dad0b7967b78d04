import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.errors import EngineError
from engine.generation.sampling import (
    greedy,
    keep_top_k,
    keep_top_p,
    make_sampler,
    mask,
    nth_highest,
)
from engine.probabilities import probabilities, softmax

finite = st.floats(-30, 30, width=32)
some_logits = arrays(np.float32, st.integers(2, 40), elements=finite)


@given(some_logits)
def test_greedy_takes_the_highest_and_the_lowest_id_among_equals(logits):
    token = greedy(logits)
    assert logits[token] == logits.max()
    assert (logits[:token] < logits.max()).all()


@given(some_logits)
def test_temperature_zero_is_greedy(logits):
    assert make_sampler(temperature=0.0, top_k=3, top_p=0.5, seed=1)(logits) == greedy(logits)


@given(some_logits, st.integers(0, 2**32), st.floats(0.05, 3.0))
def test_the_same_seed_gives_the_same_tokens(logits, seed, temperature):
    first = make_sampler(temperature=temperature, seed=seed)
    second = make_sampler(temperature=temperature, seed=seed)
    assert [first(logits) for _ in range(5)] == [second(logits) for _ in range(5)]


def test_another_seed_gives_other_tokens():
    logits = np.zeros(1000, np.float32)
    tokens = {make_sampler(temperature=1.0, seed=seed)(logits) for seed in range(20)}
    assert len(tokens) > 15


@given(some_logits, st.integers(1, 45), st.integers(0, 100))
def test_top_k_chooses_among_the_k_highest(logits, k, seed):
    token = make_sampler(temperature=1.5, top_k=k, seed=seed)(logits)
    assert np.sum(logits > logits[token]) < k


@given(some_logits, st.integers(1, 45))
def test_top_k_keeps_exactly_k(logits, k):
    assert np.isfinite(keep_top_k(logits, k)).sum() == min(k, len(logits))


def test_top_k_keeps_the_lowest_ids_among_equals():
    assert np.isfinite(keep_top_k(np.ones(50, np.float32), 3)).nonzero()[0].tolist() == [0, 1, 2]


@given(some_logits, st.floats(0.01, 1.0))
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits, p):
    kept = np.isfinite(keep_top_p(logits, p))
    weights = softmax(logits) / softmax(logits).sum()
    assert weights[kept].sum() >= p - 1e-9
    least = weights[kept].min()
    assert kept.sum() == 1 or weights[kept].sum() - least < p + 1e-9
    assert (weights[~kept] <= least + 1e-12).all()


@given(arrays(np.float32, st.integers(4, 3000), elements=finite), st.integers(1, 4))
def test_the_nth_highest_is_that_of_the_sorted_values(logits, n):
    for values in (logits, logits.astype(np.float64)):
        assert nth_highest(values, n) == np.sort(values)[-n]


@given(some_logits, st.data())
def test_shares_are_masked_like_logits(logits, data):
    allowed = np.array(data.draw(st.lists(st.integers(0, 50), min_size=1, max_size=5)))
    kept = mask(probabilities(logits), allowed, 0.0) > 0
    assert kept.tolist() == np.isfinite(mask(logits, allowed)).tolist()


def test_top_p_of_one_sure_token_leaves_no_choice():
    logits = np.array([0.0, 12.0, 0.0], np.float32)
    sample = make_sampler(temperature=1.0, top_p=0.9, seed=3)
    assert {sample(logits) for _ in range(50)} == {1}


@given(some_logits, st.data(), st.floats(0.0, 5.0), st.integers(0, 100))
def test_a_masked_token_is_never_chosen(logits, data, temperature, seed):
    ids = st.lists(st.integers(0, len(logits) - 1), min_size=1, max_size=5)
    allowed = data.draw(ids)
    sample = make_sampler(temperature=temperature, top_p=0.9, seed=seed)
    assert sample(mask(logits, np.array(allowed))) in allowed


def test_a_mask_ignores_ids_the_logits_do_not_have():
    assert np.isfinite(mask(np.zeros(4, np.float32), np.array([2, 9]))).tolist() == [0, 0, 1, 0]


def test_frequencies_follow_the_probabilities():
    logits = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    sample = make_sampler(temperature=1.0, seed=7)
    counts = np.bincount([sample(logits) for _ in range(4000)], minlength=3) / 4000
    assert np.allclose(counts, [0.1, 0.6, 0.3], atol=0.03)


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e-5])
def test_a_tiny_temperature_is_greedy(temperature):
    logits = np.array([1.0, 3.0, 2.0], np.float32)
    assert make_sampler(temperature=temperature, seed=1)(logits) == 1


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(setting, part):
    with pytest.raises(EngineError, match=part):
        make_sampler(**setting)
