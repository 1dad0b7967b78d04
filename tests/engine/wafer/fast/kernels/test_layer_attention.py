"""A layer's attention: the KV cache and the sums over positions, bit for bit with the loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.reference import quantised as reference
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.wafer.fast.kernels import attend
from engine.wafer.fast.kernels.dot.path_table import PATHS, is_usable
from engine.wafer.fast.kernels.operands import Block, Heads, RowSpan
from tests import naive
from tests.engine.wafer.fast.kernels.caches import (
    empty_cache,
    scratch_for,
    values_of,
)
from tests.wafers import random_order

F32 = np.float32
ONE = ReduceOrder(1, 1)
ONE_ROW = RowSpan(0, 1)


def attended(qkv, heads, context, layers, layer, splits, kernel=attend.attend, path=None):
    """Attention of rows (T, (queries + 2·keys)·D), appended in steps of ``splits`` rows."""
    cache, scratch = empty_cache(heads, context, layers, path), scratch_for(heads, context)
    source, target = Block(0, qkv.shape[1]), Block(0, heads.queries * heads.dims)
    results, position = [], 0
    for rows in splits:
        values = np.ascontiguousarray(qkv[position : position + rows]).ravel()
        values = np.concatenate([np.zeros(rows * target.width, F32), values])
        moved, span = source._replace(at=rows * target.width), RowSpan(0, rows)
        attend.append(values, moved, heads, cache, layer, position, span)
        kernel(values, moved, heads, cache, layer, position, target, span, scratch)
        results.append(values[: rows * target.width].reshape(rows, -1))
        position += rows
    return np.concatenate(results)


def by_pieces(values, source, heads, cache, layer, position, target, rows, scratch):
    """As helpers do it: from the last piece to the first, elsewhere, then copied."""
    for number in reversed(range(attend.items(heads, rows))):
        own, block = np.full(64 * target.width, F32(np.nan)), Block(0, target.width)
        scratch[:] = np.nan
        attend.item(
            values, source, heads, cache, layer, position, own, block, rows, scratch, number
        )
        attend.copy_item(own, block, heads, rows, values, target, number)


def heads_of(queries, keys, dims, scale, orders, window=0, cap=0.0):
    positions = orders.positions
    return Heads(
        queries, keys, dims, F32(scale), positions.parts, positions.group, orders.head_dim.parts,
        window, F32(cap),
    )  # fmt: skip


def by_loop(qkv, row, shape, orders):
    heads, kv_heads, width = shape.queries, shape.keys, shape.dims
    queries, keys = heads * width, kv_heads * width
    half = qkv[: row + 1].astype(np.float16).astype(F32)
    result = []
    for head in range(heads):
        first = queries + head * kv_heads // heads * width
        result += naive.attend_head(
            list(qkv[row, head * width : (head + 1) * width]),
            [list(line[first : first + width]) for line in half],
            [list(line[first + keys : first + keys + width]) for line in half],
            shape.scale,
            orders,
            shape.window,
            shape.cap,
        )
    return result


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    kv_heads=st.integers(1, 3),
    shared=st.integers(1, 3),
    width=st.sampled_from([2, 8, 12, 16]),
    rows=st.integers(1, 14),
    parts=st.integers(1, 20),
    window=st.sampled_from([0, 0, 1, 2, 5, 30]),
    cap=st.sampled_from([0.0, 0.0, 2.0]),
)
def test_attention_is_the_loop(seed, kv_heads, shared, width, rows, parts, window, cap):
    random = np.random.default_rng(seed)
    heads = kv_heads * shared
    dim_parts = int(random.choice([n for n in (1, 2, 3, 4, 6, 8) if width // 2 % n == 0]))
    orders = SumOrders(
        ONE, ONE, ONE, ONE, random_order(random, parts), ReduceOrder.chain(dim_parts)
    )
    qkv = (3 * random.standard_normal((rows, (heads + 2 * kv_heads) * width))).astype(F32)
    shape = heads_of(heads, kv_heads, width, 0.3, orders, window, cap)
    case = (shape, rows + int(random.integers(0, 5)), 2, 1)
    splits = split_rows(random, rows)

    result = attended(qkv, *case, splits)

    for row in {0, rows // 2, rows - 1}:
        assert result[row].tolist() == by_loop(qkv, row, shape, orders)
    assert np.array_equal(result, attended(qkv, *case, [rows], by_pieces))
    assert np.array_equal(result, attended(qkv, *case, [1] * rows))


def split_rows(random, rows):
    sizes = []
    while rows:
        sizes.append(int(random.integers(1, rows + 1)))
        rows -= sizes[-1]
    return sizes


def test_the_first_row_gives_its_own_value():
    qkv = np.arange(12, dtype=F32).reshape(1, 12)  # one head of 4
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(3, 2), ONE)

    result = attended(qkv, heads_of(1, 1, 4, 1.0, orders), 5, 1, 0, [1])

    assert result[0].tolist() == [8.0, 9.0, 10.0, 11.0]


def test_layers_and_positions_ahead_are_not_read():
    """The cache is full of NaN where nothing was appended; none may reach a result."""
    random = np.random.default_rng(0)
    qkv = random.standard_normal((5, 4 * 8)).astype(F32)
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(4, 2), ReduceOrder.chain(2))

    shape = heads_of(2, 1, 8, 1.0, orders)
    for layer in (0, 1, 2):
        result = attended(qkv, shape, 9, 3, layer, [2, 3])

        assert np.isfinite(result).all()


def test_positions_before_the_window_are_not_read():
    """NaN there would reach the result if they were computed and masked."""
    random = np.random.default_rng(0)
    qkv = random.standard_normal((1, 3 * 8)).astype(F32)
    shape = heads_of(1, 1, 8, 1.0, SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(4, 2), ONE), window=3)
    cache, scratch = empty_cache(shape, 12), scratch_for(shape, 12)
    cache.keys.view(np.float16).reshape(8, 16)[:, 7:9] = random.standard_normal((8, 2))
    values_of(cache, shape)[0, 7:9] = random.standard_normal((2, 8))
    values = np.concatenate([np.zeros(8, F32), qkv.ravel()])

    attend.append(values, Block(8, 24), shape, cache, 0, 9, ONE_ROW)
    attend.attend(values, Block(8, 24), shape, cache, 0, 9, Block(0, 8), ONE_ROW, scratch)

    assert np.isfinite(values[:8]).all()


@pytest.mark.parametrize("group", [1, 2, 3, 5])
def test_large_scores_do_not_overflow(group):
    qkv = np.full((6, 3 * 4), F32(200.0))
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(5, group), ONE)

    result = attended(qkv, heads_of(1, 1, 4, 1.0, orders), 6, 1, 0, [6])

    assert np.array_equal(result, np.full((6, 4), F32(200.0)))


def test_only_the_rows_asked_for_are_attended_and_kept():
    random = np.random.default_rng(0)
    qkv = random.standard_normal((3, 3 * 4)).astype(F32)
    shape = heads_of(1, 1, 4, 1.0, SumOrders(ONE, ONE, ONE, ONE, ONE, ONE))
    for kernel in (attend.attend, by_pieces):
        cache, scratch = empty_cache(shape, 3), scratch_for(shape, 3)
        values = np.concatenate([np.full(3 * 4, F32(-1)), qkv.ravel()])
        source, target, last = Block(12, 12), Block(0, 4), RowSpan(2, 3)

        attend.append(values, source, shape, cache, 0, 0, last)
        kernel(values, source, shape, cache, 0, 0, target, last, scratch)

        assert np.isnan(values_of(cache, shape)[0, :2]).all()
        assert np.isfinite(values_of(cache, shape)[0, 2]).all()
        assert (values[:8] == -1).all()
        assert (values[8:12] != -1).all()


# ── blocks of pairs, on every path ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [path for path in PATHS if is_usable(path)], ids=lambda p: p.name)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    kv_heads=st.integers(1, 2),
    shared=st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9]),
    dims=st.sampled_from([2, 18, 32, 40, 64, 96, 128, 256]),
    position=st.sampled_from([0, 0, 1, 15, 16, 17, 47, 100, 250]),
    rows=st.sampled_from([1, 1, 2, 3, 5, 16, 33, 64]),
    parts=st.sampled_from([1, 2, 3, 7, 16, 30, 224]),
    window=st.sampled_from([0, 0, 1, 3, 16, 40, 300]),
    cap=st.sampled_from([0.0, 0.0, 2.0]),
)
def test_every_path_gives_the_bits_of_the_reference(
    path, seed, kv_heads, shared, dims, position, rows, parts, window, cap
):
    """Zeros keep their sign.  Some positions hold infinities and NaN: rows that do not see them
    know nothing of them."""
    random = np.random.default_rng(seed)
    halves = [n for n in range(1, dims // 2 + 1) if dims // 2 % n == 0]
    dim_parts = ReduceOrder.chain(int(random.choice(halves)))
    orders = SumOrders(ONE, ONE, ONE, ONE, random_order(random, parts), dim_parts)
    shape = heads_of(kv_heads * shared, kv_heads, dims, 0.2, orders, window, cap)
    q, keys, values = random_case(random, shape, position, rows)

    found = block_attended(q, keys, values, shape, position, path)

    with np.errstate(invalid="ignore", over="ignore"):
        expected = reference.attend(
            q, keys, values, shape.scale, orders, window=window, cap=shape.cap
        )
    assert np.array_equal(found, expected, equal_nan=True)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found[number]), np.signbit(expected[number]))


def random_case(random, shape, position, rows):
    """(queries (rows, H, D), keys (J, G, D), values) with a few infinities, NaN and zeros."""
    total = position + rows
    q = random.standard_normal((rows, shape.queries, shape.dims)).astype(F32)
    keys, values = random.standard_normal((2, total, shape.keys, shape.dims)).astype(np.float16)
    values[:, :, random.integers(0, shape.dims)] = -0.0
    values[:, :, random.integers(0, shape.dims)] *= np.float16(6e-8)
    for array in (keys, values):
        for _ in range(int(random.integers(0, 4))):
            array[random.integers(total), random.integers(shape.keys)] = random.choice(
                [np.inf, -np.inf, np.nan]
            )
    return q, keys.astype(F32), values.astype(F32)


def block_attended(q, keys, values, shape, position, path):
    """Attention of the last rows in one step; all but the keys and values given is NaN."""
    rows, total = len(q), len(keys)
    cache, scratch = empty_cache(shape, total + 5, path=path), scratch_for(shape, total + 5)
    line = np.concatenate([q[:1].repeat(total, 0), keys, values], axis=1).reshape(total, -1)
    line[position:, : q[0].size] = q.reshape(rows, -1)
    out = np.full(rows * q[0].size, F32(np.nan))
    arena = np.concatenate([out, line.ravel()])
    everything, last = Block(out.size, line.shape[1]), RowSpan(0, rows)

    attend.append(arena, everything, shape, cache, 0, 0, RowSpan(0, total))
    source = Block(out.size + position * line.shape[1], line.shape[1])
    target = Block(0, q[0].size)
    attend.attend(arena, source, shape, cache, 0, position, target, last, scratch)

    return arena[: out.size].reshape(q.shape)
