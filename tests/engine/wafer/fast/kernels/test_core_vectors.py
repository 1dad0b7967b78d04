"""One core's vectors: norm, quantisation, rotation, gate, sum and embedding, bit for bit.

The other side is `tests.naive`: loops over single float32 numbers.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import scalars
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.wafer.fast.kernels import vectors
from engine.wafer.fast.packing import pack
from engine.wafer.program.program import Matrix
from tests import naive
from tests.wafers import random_order

quick = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

F32 = np.float32


def numbers(random, size):
    """float32 numbers of many magnitudes."""
    scale = F32(10.0) ** F32(random.integers(-6, 5))
    return (random.standard_normal(size).astype(F32) * scale).astype(F32)


def quantised(values):
    """(levels, scales, corrections) of a vector as the kernel makes them."""
    values = np.ascontiguousarray(values, F32)
    groups = values.size // 32
    levels = np.full(values.size, 99, np.int8)
    scales, corrections = np.full(groups, F32(-1)), np.full(groups, 1, np.int32)
    vectors.quantise(values, 0, groups, levels, 0, scales, corrections, 0)
    return levels, scales, corrections


@quick
@given(seed=seeds, width=st.integers(1, 150), parts=st.integers(1, 40))
def test_norm_sums_its_squares_in_the_order_of_the_program(seed, width, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    values, weight = numbers(random, width + 3), numbers(random, width)
    out = np.zeros(width + 5, F32)

    vectors.norm(
        values, 3, width, weight, F32(1e-5), order.parts, order.group, np.empty(parts, F32), out, 5
    )

    expected = naive.rms_norm(list(values[3:]), list(weight), 1e-5, order)
    assert out[5:].tolist() == expected
    assert out[:5].tolist() == [0.0] * 5


def test_norm_of_zeros_is_zero():
    out = np.ones(8, F32)

    vectors.norm(np.zeros(8, F32), 0, 8, np.ones(8, F32), F32(1e-5), 2, 2, np.empty(2, F32), out, 0)

    assert out.tolist() == [0.0] * 8


@quick
@given(seed=seeds, groups=st.integers(1, 6))
def test_quantise_like_the_loop(seed, groups):
    random = np.random.default_rng(seed)
    values = numbers(random, 32 * groups)

    levels, scales, corrections = quantised(values)

    for g in range(groups):
        expected, scale = naive.quantise_group(list(values[32 * g : 32 * g + 32]))
        assert levels[32 * g : 32 * g + 32].tolist() == expected
        assert scales[g] == scale
        assert corrections[g] == -128 * sum(expected)


def test_quantise_keeps_a_zero_group_zero():
    values = np.zeros(64, F32)
    values[32:] = 1.0

    levels, scales, corrections = quantised(values)

    assert levels.tolist() == [0] * 32 + [127] * 32
    assert scales.tolist() == [0.0, F32(1) / F32(127)]
    assert corrections.tolist() == [0, -128 * 127 * 32]


def test_quantise_rounds_ties_to_even():
    values = np.zeros(32, F32)
    values[:8] = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5]

    levels, scales, _ = quantised(values)

    assert scales[0] == 1.0
    assert levels[:8].tolist() == [127, 0, 2, 2, 0, -2, -2, 126]


@pytest.mark.parametrize("sign", [1, -1])
def test_quantise_reaches_127_and_no_further(sign):
    random = np.random.default_rng(0)
    for largest in numbers(random, 200):
        values = np.zeros(32, F32)
        values[7] = sign * abs(largest)

        assert quantised(values)[0][7] == sign * 127


def test_quantise_of_denormals():
    """A largest magnitude whose 127th part is below every float32 makes a group of zeros."""
    step = np.float32(1e-45)  # the smallest float32 above 0
    for largest, level in ((1, 0), (63, 0), (64, 64), (127, 127), (190, 127), (254, 127)):
        values = np.zeros(32, F32)
        values[0] = step * F32(largest)

        levels, scales, _ = quantised(values)

        expected, scale = naive.quantise_group(list(values))
        assert levels.tolist() == expected
        assert scales[0] == scale
        assert levels[0] == level


@quick
@given(
    seed=seeds,
    heads=st.integers(1, 5),
    half=st.integers(1, 20),
    position=st.integers(0, 300),
)
def test_rotate_like_the_loop(seed, heads, half, position):
    random = np.random.default_rng(seed)
    width = 2 * half
    values = numbers(random, 4 + heads * width + 6)
    before = values.copy()
    cosine, sine = scalars.rotary_tables(10_000.0, width, position + 1)

    vectors.rotate(values, 4, heads, width, cosine[position], sine[position])

    end = 4 + heads * width
    expected = naive.rotate(list(before[4:end]), position, 10_000.0, width)
    assert values[4:end].tolist() == expected
    assert values[:4].tolist() == before[:4].tolist()
    assert values[end:].tolist() == before[end:].tolist()


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_gate_like_the_loop(seed, width):
    random = np.random.default_rng(seed)
    values = numbers(random, 2 + 2 * width)
    out = np.zeros(width + 1, F32)

    vectors.gate(values, 2, width, out, 1)

    expected = naive.silu_gate(list(values[2 : 2 + width]), list(values[2 + width :]))
    assert out[1:].tolist() == expected


def test_gate_of_large_arguments_is_finite():
    values = np.array([-3e38, -1000.0, 0.0, 1000.0, 1.0, 1.0, 1.0, 1.0], F32)
    out = np.zeros(4, F32)

    vectors.gate(values, 0, 4, out, 0)

    assert np.isfinite(out).all()
    assert out[3] == 1000.0


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_add_may_write_where_it_reads(seed, width):
    random = np.random.default_rng(seed)
    values = numbers(random, 2 * width)
    expected = values[:width] + values[width:]

    vectors.add(values, 0, width, width, 0)

    assert values[:width].tolist() == expected.tolist()


@quick
@given(seed=seeds, rows=st.integers(1, 140), groups=st.integers(1, 4))
def test_embed_gives_back_every_row_dequantised(seed, rows, groups):
    random = np.random.default_rng(seed)
    table = Q8Tensor(
        random.integers(-127, 128, (rows, 32 * groups)).astype(np.int8),
        random.random((rows, groups)).astype(np.float16),
    )
    norm = Matrix(("norm",), 1, 32, "fp32")
    packed = pack(
        (norm, Matrix(("table",), rows, 32 * groups, "int8")),
        {"norm": FloatTensor(np.ones(32, F32)), "table": table},
    )
    out = np.zeros(32 * groups + 1, F32)

    for token in {0, rows // 2, rows - 1}:
        vectors.embed(packed.weights, packed.scales, groups, np.int32(token), out, 1)

        expected = table.values[token].astype(F32) * np.repeat(table.scales[token].astype(F32), 32)
        assert out[1:].tolist() == expected.tolist()


@quick
@given(seed=seeds, parts=st.integers(1, 60))
def test_partial_sums_meet_in_two_phases(seed, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    values = numbers(random, parts)

    total = vectors.reduce_parts(values, order.parts, order.group)

    assert F32(total) == naive.reduce_parts(list(values), order)
