"""One core's vectors: norm, quantisation, rotation, gate, sum and embedding, bit for bit.

The other side is `tests.naive`: loops over single float32 numbers.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import scalars
from engine.model.tensors import FORMATS
from engine.wafer.fast.kernels import vectors
from engine.wafer.fast.kernels.dot.path_table import PATHS, is_usable
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.operands import (
    Angles,
    Block,
    Quantised,
    Rotation,
    RowSpan,
    SumOrder,
)
from tests import naive
from tests.engine.wafer.fast.kernels.dot.exactness import is_tried
from tests.engine.wafer.fast.kernels.panels import packed
from tests.packs import random_packed
from tests.wafers import random_order

quick = settings(max_examples=25, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)

F32 = np.float32
ONE_ROW = RowSpan(0, 1)
SILU, GELU = range(2)


def numbers(random, size):
    """float32 numbers of many magnitudes."""
    scale = F32(10.0) ** F32(random.integers(-6, 5))
    return (random.standard_normal(size).astype(F32) * scale).astype(F32)


def quantised(values):
    """(levels, scales, sums) of a vector as the kernel makes them."""
    values = np.ascontiguousarray(values, F32)
    groups = values.size // 32
    levels = np.full(values.size, 99, np.int8)
    scales, sums = np.full(groups, F32(-1)), np.full(2 * groups, 1, np.int32)
    vectors.quantise(values, Block(0, values.size), Quantised(levels, scales, sums), ONE_ROW)
    return levels, scales, sums


@quick
@given(seed=seeds, width=st.integers(1, 150), parts=st.integers(1, 40))
def test_norm_sums_its_squares_in_the_order_of_the_program(seed, width, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    rows, weight = numbers(random, 3 * width), numbers(random, width)
    arena = np.concatenate([np.zeros(5 + 3 * width, F32), rows])

    vectors.norm(
        arena, Block(5 + 3 * width, width), weight, F32(1e-5), SumOrder(order.parts, order.group),
        np.empty(parts, F32), Block(5, width), RowSpan(1, 3),
    )  # fmt: skip

    for row in (1, 2):
        expected = naive.rms_norm(
            list(rows[row * width : (row + 1) * width]), list(weight), 1e-5, order
        )
        assert arena[5 + row * width : 5 + (row + 1) * width].tolist() == expected
    assert (arena[: 5 + width] == 0).all()
    assert arena[5 + 3 * width :].tolist() == rows.tolist()


def test_norm_of_zeros_is_zero():
    arena = np.concatenate([np.zeros(8, F32), np.ones(8, F32)])

    vectors.norm(
        arena, Block(0, 8), np.ones(8, F32), F32(1e-5), SumOrder(2, 2), np.empty(2, F32),
        Block(8, 8), ONE_ROW,
    )  # fmt: skip

    assert arena[8:].tolist() == [0.0] * 8


@quick
@given(seed=seeds, groups=st.integers(1, 6))
def test_quantise_like_the_loop(seed, groups):
    random = np.random.default_rng(seed)
    values = numbers(random, 32 * groups)

    levels, scales, sums = quantised(values)

    for g in range(groups):
        expected, scale = naive.quantise_group(list(values[32 * g : 32 * g + 32]))
        assert levels[32 * g : 32 * g + 32].tolist() == expected
        assert scales[g] == scale
        assert sums[2 * g : 2 * g + 2].tolist() == [sum(expected[:16]), sum(expected[16:])]


def test_quantise_writes_the_rows_asked_for():
    random = np.random.default_rng(0)
    values = numbers(random, 7 + 3 * 64)
    image = Quantised(np.zeros(3 * 64, np.int8), np.zeros(6, F32), np.full(12, 1, np.int32))

    vectors.quantise(values, Block(7, 64), image, RowSpan(1, 3))

    assert (image.levels[:64] == 0).all()
    assert image.sums[:4].tolist() == [1, 1, 1, 1]
    for row in (1, 2):
        levels, scales, sums = quantised(values[7 + 64 * row : 7 + 64 * (row + 1)])
        assert image.levels.reshape(3, 64)[row].tolist() == levels.tolist()
        assert image.scales.reshape(3, 2)[row].tolist() == scales.tolist()
        assert image.sums.reshape(3, 4)[row].tolist() == sums.tolist()


def test_quantise_keeps_a_zero_group_zero():
    values = np.zeros(64, F32)
    values[32:] = 1.0

    levels, scales, sums = quantised(values)

    assert levels.tolist() == [0] * 32 + [127] * 32
    assert scales.tolist() == [0.0, F32(1) / F32(127)]
    assert sums.tolist() == [0, 0, 127 * 16, 127 * 16]


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
    dims = 2 * half
    width = heads * dims + 6  # what follows the heads stays as it is
    values = numbers(random, 4 + 3 * width)
    before = values.copy()
    tables = scalars.rotary_tables(10_000.0, dims, position + 3)
    other = np.full(7, 9.0, np.float32)  # the end of another kind's table
    angles = Angles(*(np.concatenate([other, table.reshape(-1)]) for table in tables))

    vectors.rotate(
        values, Block(4, width), heads, angles, Rotation(7, dims), position, RowSpan(1, 3)
    )

    for row in (1, 2):
        start = 4 + row * width
        end = start + heads * dims
        expected = naive.rotate(list(before[start:end]), position + row, 10_000.0, dims)
        assert values[start:end].tolist() == expected
        assert values[end : start + width].tolist() == before[end : start + width].tolist()
    assert values[: 4 + width].tolist() == before[: 4 + width].tolist()


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_gate_like_the_loop(seed, width):
    random = np.random.default_rng(seed)
    rows = numbers(random, 2 * 2 * width)
    arena = np.concatenate([np.zeros(1 + 2 * width, F32), rows])

    vectors.gate(arena, Block(1 + 2 * width, 2 * width), SILU, Block(1, width), RowSpan(1, 2))

    last = list(rows[2 * width :])
    assert arena[1 + width : 1 + 2 * width].tolist() == naive.silu_gate(last[:width], last[width:])
    assert (arena[: 1 + width] == 0).all()


def test_gate_of_large_arguments_is_finite():
    arena = np.array([-3e38, -1000.0, 0.0, 1000.0, 1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0], F32)

    vectors.gate(arena, Block(0, 8), SILU, Block(8, 4), ONE_ROW)

    assert np.isfinite(arena[8:]).all()
    assert arena[11] == 1000.0


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_gelu_like_the_loop_with_and_without_a_second_half(seed, width):
    random = np.random.default_rng(seed)
    rows = numbers(random, 2 * width)
    gated = np.concatenate([np.zeros(width, F32), rows])
    alone = np.concatenate([np.zeros(2 * width, F32), rows])

    vectors.gate(gated, Block(width, 2 * width), GELU, Block(0, width), ONE_ROW)
    vectors.gate(alone, Block(2 * width, 2 * width), GELU, Block(0, 2 * width), ONE_ROW)

    active = [naive.gelu(x) for x in rows]
    assert alone[: 2 * width].tolist() == active
    products = [x * up for x, up in zip(active[:width], rows[width:], strict=True)]
    assert gated[:width].tolist() == products


@quick
@given(seed=seeds, width=st.integers(1, 150), parts=st.integers(1, 40))
def test_layer_norm_sums_in_the_order_of_the_program(seed, width, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    rows, weight = numbers(random, 2 * width), numbers(random, width)
    arena = np.concatenate([np.zeros(2 * width, F32), rows])

    vectors.layer_norm(
        arena, Block(2 * width, width), weight, F32(1e-5), SumOrder(order.parts, order.group),
        np.empty(parts, F32), Block(0, width), RowSpan(1, 2),
    )  # fmt: skip

    expected = naive.layer_norm(list(rows[width:]), list(weight), 1e-5, order)
    assert arena[width : 2 * width].tolist() == expected
    assert (arena[:width] == 0).all()


@quick
@given(
    seed=seeds, queries=st.integers(1, 4), keys=st.integers(1, 3), parts=st.sampled_from([1, 2, 4])
)
def test_head_norm_like_the_loop(seed, queries, keys, parts):
    """In place, every head alone, with a weight for queries and one for keys; values stay."""
    random = np.random.default_rng(seed)
    dims, heads = 16, queries + keys
    width = (heads + keys) * dims
    values, gains = numbers(random, 2 * width), numbers(random, 2 * dims)
    before = values.copy()

    vectors.head_norm(
        values, Block(0, width), queries, keys, gains, F32(1e-6), SumOrder(parts, parts),
        RowSpan(1, 2),
    )  # fmt: skip

    for head in range(heads):
        at = width + head * dims
        gain = gains[:dims] if head < queries else gains[dims:]
        expected = naive.head_norm(list(before[at : at + dims]), list(gain), 1e-6, parts)
        assert values[at : at + dims].tolist() == expected
    assert values[:width].tolist() == before[:width].tolist()
    assert values[width + heads * dims :].tolist() == before[width + heads * dims :].tolist()


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_a_bias_a_scale_and_a_cap_are_one_operation_after_the_other(seed, width):
    random = np.random.default_rng(seed)
    values, bias = numbers(random, 3 * width), numbers(random, width)
    before = values.copy()
    block, rows = Block(0, width), RowSpan(1, 2)

    vectors.add_bias(values, block, bias, rows)
    summed = values.copy()
    vectors.rescale(values, block, F32(0.3), F32(0.0), rows)
    scaled = values.copy()
    vectors.rescale(values, block, F32(1.0), F32(7.0), rows)

    middle = slice(width, 2 * width)
    assert summed[middle].tolist() == (before[middle] + bias).tolist()
    assert scaled[middle].tolist() == (summed[middle] * F32(0.3)).tolist()
    assert values[middle].tolist() == [naive.softcap(x, F32(7.0)) for x in scaled[middle]]
    for other in (slice(0, width), slice(2 * width, None)):
        assert values[other].tolist() == before[other].tolist()


@quick
@given(seed=seeds, width=st.integers(1, 130))
def test_add_may_write_where_it_reads(seed, width):
    random = np.random.default_rng(seed)
    arena = numbers(random, 4 * width)
    left, right = arena[: 2 * width].copy(), arena[2 * width :].copy()

    target, rows = Block(0, width), RowSpan(1, 2)
    vectors.add(arena, target, Block(2 * width, width), F32(1.0), target, rows)
    once = arena[width : 2 * width].copy()
    vectors.add(arena, target, Block(2 * width, width), F32(0.3), target, rows)

    assert arena[:width].tolist() == left[:width].tolist()
    assert once.tolist() == (left + right)[width:].tolist()
    assert arena[width : 2 * width].tolist() == (once + right[width:] * F32(0.3)).tolist()


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].packing])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=seeds, rows=st.integers(1, 140), groups=st.integers(1, 4))
def test_embed_gives_back_every_row_dequantised(name, seed, rows, groups):
    random = np.random.default_rng(seed)
    width = (FORMATS[name].super_block or 32) * groups
    table = random_packed(random, FORMATS[name], (rows, width))
    tokens = np.array([0, rows // 2, rows - 1], np.int32)
    out = np.zeros(1 + 3 * width, F32)

    for path in PATHS if seed % 4 == 0 else [PORTABLE]:
        if is_usable(path) and is_tried(path, name):
            panels, pieces = packed([table], path)
            vectors.embed(panels, pieces, tokens, out, Block(1, width))

            assert out[1:].tobytes() == table.dequantise(tokens).tobytes()


@quick
@given(seed=seeds, parts=st.integers(1, 60))
def test_partial_sums_meet_in_two_phases(seed, parts):
    random = np.random.default_rng(seed)
    order = random_order(random, parts)
    values = numbers(random, parts)

    total = vectors.reduce_parts(values, SumOrder(order.parts, order.group))

    assert F32(total) == naive.reduce_parts(list(values), order)
