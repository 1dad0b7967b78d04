"""One core's terms: 32 int8 inputs times 64 outputs, exact in int32, then scaled and added."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.fast.kernels import dot

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
def one_row(path, weights, weight_at, scales, inputs, input_at, factors, corrections, row, part):
    dot.terms_of_one(
        path, weights, weight_at, scales, 0, inputs, input_at, 0, factors, corrections, row, 0, part
    )


@numba.njit
def four_rows(path, weights, scales, inputs, input_at, stride, factors, corrections, step, part):
    dot.terms_of_four(
        path, weights, 0, scales, 0, inputs, input_at, stride, factors, corrections, 0, step, part
    )


ONES = np.ones(64, np.float32)
"""With scales of 1 a term is the dot product itself, which float32 holds exactly."""


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
    part = np.zeros(64, np.float32)

    one_row(
        path, panel_of(weights), 0, ONES, inputs, 0, ONES, np.array([correction(inputs)]), 0, part
    )

    assert part.tolist() == expected(weights, inputs)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("weight", [-128, -127, 127])
@pytest.mark.parametrize("value", [-127, 127])
def test_extreme_values_do_not_saturate(path, weight, value):
    weights = np.full((64, 32), weight, np.int8)
    inputs = np.full(32, value, np.int8)
    part = np.zeros(64, np.float32)

    one_row(
        path, panel_of(weights), 0, ONES, inputs, 0, ONES, np.array([correction(inputs)]), 0, part
    )

    assert part.tolist() == [32 * weight * value] * 64


@pytest.mark.parametrize("path", PATHS)
def test_offsets_select_the_group_and_the_row(path):
    random = np.random.default_rng(0)
    groups = random.integers(-127, 128, (3, 64, 32)).astype(np.int8)
    panel = np.concatenate([panel_of(group) for group in groups])
    inputs = random.integers(-127, 128, 100).astype(np.int8)
    corrections = np.array([7, correction(inputs[41:73])], np.int32)
    part = np.zeros(64, np.float32)

    one_row(path, panel, 2 * dot.GROUP_BYTES, ONES, inputs, 41, ONES, corrections, 1, part)

    assert part.tolist() == expected(groups[2], inputs[41:73])


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_terms_are_rounded_as_the_machine_rounds_them(path, seed):
    """Each product once, the sum once, nothing fused; for four rows as for one."""
    random = np.random.default_rng(seed)
    weights = random.integers(-127, 128, (64, 32)).astype(np.int8)
    inputs = random.integers(-127, 128, (4, 50)).astype(np.int8)
    scales = random.random(64, np.float32)
    factors, corrections = np.zeros((4, 3), np.float32), np.zeros((4, 3), np.int32)
    factors[:, 0] = random.random(4, np.float32)
    corrections[:, 0] = [correction(row[5:37]) for row in inputs]
    before = random.normal(size=(4, 64)).astype(np.float32) * 1000
    part = before.reshape(-1).copy()
    packed = panel_of(weights)

    four_rows(
        path, packed, scales, inputs.ravel(), 5, 50, factors.ravel(), corrections.ravel(), 3, part
    )

    for row in range(4):
        dots = np.array(expected(weights, inputs[row, 5:37]), np.float32)
        wanted = before[row] + dots * (scales * factors[row, 0])
        assert part.reshape(4, 64)[row].tobytes() == wanted.tobytes()
        alone = before[row].copy()
        one_row(path, packed, 0, scales, inputs[row], 5, factors[row], corrections[row], 0, alone)
        assert alone.tobytes() == wanted.tobytes()
