"""One core's integers: 32 int8 inputs times 64 outputs, summed exactly in int32."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.kernels import dot

PATHS = [
    pytest.param(dot.PORTABLE, id="portable"),
    pytest.param(
        dot.AVX2,
        id="avx2",
        marks=pytest.mark.skipif(not dot.has_avx2(), reason="this processor has no AVX2"),
    ),
    pytest.param(
        dot.VNNI,
        id="vnni",
        marks=pytest.mark.skipif(not dot.has_vnni(), reason="this processor has no AVX512-VNNI"),
    ),
]


@numba.njit
def one_row(path, weights, weight_at, inputs, input_at, corrections, correction_at, sums):
    dot.dot_one(path, weights, weight_at, inputs, input_at, 0, corrections, correction_at, 0, sums)


@numba.njit
def four_rows(path, weights, weight_at, inputs, input_at, stride, corrections, step, sums):
    dot.dot_four(path, weights, weight_at, inputs, input_at, stride, corrections, 0, step, sums)


def panel_of(weights):
    """(64, 32) signed weights as the bytes a kernel reads: quad, output, input of the quad."""
    panel = np.empty(dot.GROUP_BYTES, np.uint8)
    for output in range(64):
        for k in range(32):
            panel[(k // 4) * 256 + output * 4 + k % 4] = int(weights[output, k]) + 128
    return panel


def expected(weights, inputs):
    return [sum(int(a) * int(b) for a, b in zip(row, inputs, strict=True)) for row in weights]


def correction(inputs):
    return np.int32(-128 * int(inputs.astype(np.int64).sum()))


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), limit=st.sampled_from([1, 2, 127]))
def test_one_row_is_the_exact_product(path, seed, limit):
    random = np.random.default_rng(seed)
    weights = random.integers(-127, 128, (64, 32)).astype(np.int8)
    inputs = random.integers(-limit, limit + 1, 32).astype(np.int8)
    sums = np.full(64, -1, np.int32)

    one_row(path, panel_of(weights), 0, inputs, 0, np.array([correction(inputs)]), 0, sums)

    assert sums.tolist() == expected(weights, inputs)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("weight", [-128, -127, 127])
@pytest.mark.parametrize("value", [-127, 127])
def test_extreme_values_do_not_saturate(path, weight, value):
    weights = np.full((64, 32), weight, np.int8)
    inputs = np.full(32, value, np.int8)
    sums = np.zeros(64, np.int32)

    one_row(path, panel_of(weights), 0, inputs, 0, np.array([correction(inputs)]), 0, sums)

    assert sums.tolist() == [32 * weight * value] * 64


@pytest.mark.parametrize("path", PATHS)
def test_offsets_select_the_group_and_the_row(path):
    random = np.random.default_rng(0)
    groups = random.integers(-127, 128, (3, 64, 32)).astype(np.int8)
    panel = np.concatenate([panel_of(group) for group in groups])
    inputs = random.integers(-127, 128, 100).astype(np.int8)
    corrections = np.array([7, correction(inputs[41:73])], np.int32)
    sums = np.zeros(64, np.int32)

    one_row(path, panel, 2 * dot.GROUP_BYTES, inputs, 41, corrections, 1, sums)

    assert sums.tolist() == expected(groups[2], inputs[41:73])


@pytest.mark.parametrize("path", PATHS)
def test_four_rows_are_four_single_rows(path):
    random = np.random.default_rng(1)
    weights = random.integers(-127, 128, (64, 32)).astype(np.int8)
    inputs = random.integers(-127, 128, (4, 50)).astype(np.int8)
    corrections = np.zeros((4, 3), np.int32)
    corrections[:, 0] = [correction(row[5:37]) for row in inputs]
    sums = np.zeros(256, np.int32)

    four_rows(path, panel_of(weights), 0, inputs.ravel(), 5, 50, corrections.ravel(), 3, sums)

    assert sums.reshape(4, 64).tolist() == [expected(weights, row[5:37]) for row in inputs]
