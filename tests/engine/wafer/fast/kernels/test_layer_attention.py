"""A layer's attention: the KV cache and the sums over positions, bit for bit with the loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.wafer.fast.kernels import attend
from tests import naive
from tests.wafers import random_order

F32 = np.float32
ONE = ReduceOrder(1, 1)


def attended(qkv, heads, kv_heads, width, context, layers, layer, scale, orders, splits, kernel):
    """Attention of rows (T, (heads + 2·kv_heads)·width), appended in steps of ``splits`` rows."""
    stride = qkv.shape[1]
    keys = np.full(layers * kv_heads * width * context, F32(np.nan))
    kept = keys.copy()
    out = np.zeros((len(qkv), heads * width), F32)
    position = 0
    for rows in splits:
        values = np.ascontiguousarray(qkv[position : position + rows]).ravel()
        for m in range(rows):
            key_at = m * stride + heads * width
            attend.append(
                values, key_at, key_at + kv_heads * width, kv_heads, width, keys, kept,
                np.int64(layer), position + m, context,
            )  # fmt: skip
        part = np.zeros(rows * heads * width, F32)
        kernel(
            values, 0, stride, rows, heads, kv_heads, width, keys, kept, np.int64(layer), position,
            context, F32(scale), orders.positions.parts, orders.positions.group,
            orders.head_dim.parts, part, 0, heads * width,
        )  # fmt: skip
        out[position : position + rows] = part.reshape(rows, -1)
        position += rows
    return out


def by_loop(qkv, row, heads, kv_heads, width, scale, orders):
    queries, keys = heads * width, kv_heads * width
    half = qkv[: row + 1].astype(np.float16).astype(F32)
    result = []
    for head in range(heads):
        first = queries + head * kv_heads // heads * width
        result += naive.attend_head(
            list(qkv[row, head * width : (head + 1) * width]),
            [list(line[first : first + width]) for line in half],
            [list(line[first + keys : first + keys + width]) for line in half],
            scale,
            orders,
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
)
def test_attention_is_the_loop(seed, kv_heads, shared, width, rows, parts):
    random = np.random.default_rng(seed)
    heads = kv_heads * shared
    dim_parts = int(random.choice([n for n in (1, 2, 3, 4, 6, 8) if width // 2 % n == 0]))
    orders = SumOrders(
        ONE, ONE, ONE, ONE, random_order(random, parts), ReduceOrder.chain(dim_parts)
    )
    qkv = (3 * random.standard_normal((rows, (heads + 2 * kv_heads) * width))).astype(F32)
    case = (heads, kv_heads, width, rows + int(random.integers(0, 5)), 2, 1, 0.3, orders)
    splits = split_rows(random, rows)

    result = attended(qkv, *case, splits, attend.attend)

    for row in {0, rows // 2, rows - 1}:
        assert result[row].tolist() == by_loop(qkv, row, heads, kv_heads, width, 0.3, orders)
    assert np.array_equal(result, attended(qkv, *case, [rows], attend.attend_parallel))
    assert np.array_equal(result, attended(qkv, *case, [1] * rows, attend.attend))


def split_rows(random, rows):
    sizes = []
    while rows:
        sizes.append(int(random.integers(1, rows + 1)))
        rows -= sizes[-1]
    return sizes


def test_the_first_row_gives_its_own_value():
    qkv = np.arange(12, dtype=F32).reshape(1, 12)  # one head of 4
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(3, 2), ONE)

    result = attended(qkv, 1, 1, 4, 5, 1, 0, 1.0, orders, [1], attend.attend)

    assert result[0].tolist() == [8.0, 9.0, 10.0, 11.0]


def test_layers_and_positions_ahead_are_not_read():
    """The cache is full of NaN where nothing was appended; none may reach a result."""
    random = np.random.default_rng(0)
    qkv = random.standard_normal((5, 4 * 8)).astype(F32)
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(4, 2), ReduceOrder.chain(2))

    for layer in (0, 1, 2):
        result = attended(qkv, 2, 1, 8, 9, 3, layer, 1.0, orders, [2, 3], attend.attend)

        assert np.isfinite(result).all()


@pytest.mark.parametrize("group", [1, 2, 3, 5])
def test_large_scores_do_not_overflow(group):
    qkv = np.full((6, 3 * 4), F32(200.0))
    orders = SumOrders(ONE, ONE, ONE, ONE, ReduceOrder(5, group), ONE)

    result = attended(qkv, 1, 1, 4, 6, 1, 0, 1.0, orders, [6], attend.attend)

    assert np.array_equal(result, np.full((6, 4), F32(200.0)))
