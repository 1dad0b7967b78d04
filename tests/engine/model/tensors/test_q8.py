"""int8 in blocks of 32: error bounds, the exact rule, stored matrices, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import WeightsError
from engine.model.tensors import q8
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import INT8, LARGEST_WEIGHT, Q8Tensor
from engine.model.tensors.stored import Stored

MATRIX = "layer.weight"
TINY_SCALE = 2.0**-25  # half the distance of subnormal fp16 numbers

matrices = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 3).map(lambda groups: 32 * groups)),
    elements=st.floats(-1e4, 1e4, width=32) | st.floats(-(2.0**-13), 2.0**-13, width=32),
)


def quantise(weights):
    return q8.quantise(FloatTensor(weights))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(matrices)
def test_the_error_is_at_most_half_a_level(weights):
    tensor = quantise(weights)
    scales = np.repeat(tensor.scales.astype(np.float64), 32, axis=1)
    error = np.abs(tensor.dequantise().astype(np.float64) - weights)
    # fp32 rounds the quotient and the product: 2⁻²³ of the value at most.
    bound = scales / 2 + np.abs(weights) * 2.0**-23 + 127 * TINY_SCALE * (scales < 2.0**-14)
    assert (error <= bound).all()
    assert np.abs(tensor.values).max() <= 127


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices)
def test_the_rule_is_the_one_of_the_contract(weights):
    tensor = quantise(weights)
    for n, row in enumerate(weights):
        for g, group in enumerate(row.reshape(-1, 32)):
            scale = np.float16(max(abs(w) for w in group) / np.float32(127))
            assert tensor.scales[n, g] == scale
            for k, w in enumerate(group):
                level = 0 if scale == 0 else round(float(w / np.float32(scale)))
                assert tensor.values[n, 32 * g + k] == max(-127, min(127, level))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(matrices)
def test_blocks_do_not_see_each_other(weights):
    whole = quantise(weights)
    for g in range(weights.shape[1] // 32):
        alone = quantise(weights[:, 32 * g : 32 * g + 32])
        assert (alone.values == whole.values[:, 32 * g : 32 * g + 32]).all()
        assert (alone.scales[:, 0] == whole.scales[:, g]).all()


def test_a_zero_block_is_zero():
    weights = np.zeros((2, 64), np.float32)
    weights[1, 40] = 1.0
    tensor = quantise(weights)
    assert tensor.scales[0].tolist() == [0, 0]
    assert tensor.scales[1, 0] == 0
    assert tensor.values.sum() == tensor.values[1, 40] == 127


def test_a_block_below_every_scale_is_zero():
    tensor = quantise(np.full((1, 32), 1e-12, np.float32))
    assert tensor.scales[0, 0] == 0
    assert not tensor.values.any()


def test_the_largest_weight_of_a_block_is_127_on_either_side():
    weights = np.linspace(-3.0, 2.0, 32, dtype=np.float32)[None]
    assert quantise(weights).values.min() == -127
    assert quantise(-weights).values.max() == 127


def test_halves_go_to_the_even_level():
    weights = np.zeros((1, 32), np.float32)
    weights[0, :5] = [127, 0.5, 1.5, 2.5, -0.5]  # a scale of exactly 1
    assert quantise(weights).values[0, :5].tolist() == [127, 0, 2, 2, 0]


def test_float16_weights_give_the_same_as_their_float32_values():
    weights = np.random.default_rng(0).standard_normal((40, 64)).astype(np.float16)
    half, single = quantise(weights), quantise(weights.astype(np.float32))
    assert (half.values == single.values).all()
    assert (half.scales == single.scales).all()


def test_rows_converted_apart_meet_without_a_seam():
    weights = np.random.default_rng(0).standard_normal((5000, 32)).astype(np.float32)
    tensor = quantise(weights)
    rows = [0, 2047, 2048, 4095, 4096, 4999]
    assert (tensor.values[rows] == quantise(weights[rows]).values).all()


def test_dequantised_weights_quantise_to_themselves():
    weights = np.random.default_rng(0).standard_normal((8, 64)).astype(np.float32)
    once = quantise(weights)
    again = q8.quantise(once)
    assert (once.values == again.values).all()
    assert (once.scales == again.scales).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 31, 32, 63])
def test_a_value_that_is_not_finite_is_refused(value, index):
    weights = np.ones((2, 64), np.float32)
    weights[1, index] = value
    with pytest.raises(WeightsError, match="not finite"):
        quantise(weights)


def test_a_value_too_large_for_a_scale_is_refused():
    quantise(np.full((1, 32), LARGEST_WEIGHT, np.float32))
    with pytest.raises(WeightsError, match="above"):
        quantise(np.full((1, 32), LARGEST_WEIGHT * 1.01, np.float32))


@pytest.mark.parametrize("shape", [(2, 33), (2, 31), (2, 0)])
def test_inputs_that_do_not_fill_blocks_are_refused_with_numbers(shape):
    with pytest.raises(WeightsError, match=rf"{shape[1]} inputs.*multiple of 32"):
        quantise(np.ones(shape, np.float32))


def test_only_matrices_are_quantised():
    with pytest.raises(WeightsError, match="only matrices"):
        quantise(np.ones(32, np.float32))


def test_a_tensor_checks_that_its_arrays_belong_together():
    values, scales = np.zeros((2, 64), np.int8), np.zeros((2, 2), np.float16)
    assert Q8Tensor(values, scales).size_bytes == 2 * 64 + 2 * 2 * 2
    with pytest.raises(WeightsError, match=r"expected \(2, 2\)"):
        Q8Tensor(values, scales[:, :1])
    with pytest.raises(WeightsError, match="int8"):
        Q8Tensor(values, scales.astype(np.float32))
    with pytest.raises(WeightsError, match="contiguous"):
        Q8Tensor(np.zeros((64, 2), np.int8).T, scales)


def test_rows_are_dequantised_alone():
    tensor = quantise(np.random.default_rng(0).standard_normal((6, 64)).astype(np.float32))
    whole = tensor.dequantise()
    assert whole.shape == tensor.shape == (6, 64)
    assert (tensor.dequantise(slice(2, 5)) == whole[2:5]).all()
    assert (tensor.dequantise(np.array([5, 0, 5])) == whole[[5, 0, 5]]).all()


# ── stored ──────────────────────────────────────────────────────────────────────────────────


def stored(values, scales):
    """A matrix as a file holds it; no scales: None."""
    beside = None
    if scales is not None:
        kind = {np.float16: "F16", np.float64: "F64"}[scales.dtype.type]
        beside = Stored(
            Path("file"), f"{MATRIX}.scales", kind, scales.shape, np.ascontiguousarray(scales).data
        )
    return Stored(Path("file"), MATRIX, "I8", values.shape, values.tobytes(), beside)


def refusal(values, scales):
    with pytest.raises(WeightsError) as caught:
        INT8.read(stored(values, scales))
    return str(caught.value)


LEVELS = np.arange(-64, 64, dtype=np.int8).reshape(2, 64)
ONES = np.ones((2, 2), np.float16)


def test_a_stored_matrix_is_taken_value_for_value():
    tensor = INT8.read(stored(LEVELS, 3 * ONES))
    assert (tensor.values == LEVELS).all()
    assert (tensor.scales == 3).all()


def test_missing_scales_are_named():
    message = refusal(LEVELS, None)
    assert message == f"file: tensor {MATRIX} has type I8 but there is no {MATRIX}.scales"


@pytest.mark.parametrize(
    "scales", [np.ones((2, 1), np.float16), np.ones(4, np.float16), np.ones((2, 2))]
)
def test_scales_of_a_wrong_shape_or_type(scales):
    message = refusal(LEVELS, scales)
    assert f"tensor {MATRIX}.scales has type" in message
    assert "needed: F16 and (2, 2)" in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_scales_are_finite_and_not_negative(value):
    message = refusal(LEVELS, ONES * np.float16(value))
    assert f"{MATRIX}.scales: a scale is negative or not finite" in message


def test_a_value_below_the_lowest():
    assert f"{MATRIX}: a value is -128" in refusal(np.full((2, 64), -128, np.int8), ONES)


# ── bytes ───────────────────────────────────────────────────────────────────────────────────


def test_a_whole_matrix_takes_as_much_in_sram_as_on_the_host():
    tensor = quantise(np.ones((40, 96), np.float32))
    assert INT8.sram_bytes(40, 96) == tensor.size_bytes == 40 * 96 + 40 * 3 * 2


def test_a_core_with_part_of_a_block_keeps_its_scale():
    assert INT8.sram_bytes(5, 8) == 5 * 8 + 5 * 2
