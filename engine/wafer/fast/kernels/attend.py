"""Attention of one query head over the KV cache, sums over positions in the Program's order.

Keys lie as (D, T) with the dimensions interleaved (0, D/2, 1, D/2 + 1, …), so that a score's
products add in order while neighbouring positions share a vector register; values as (T, D).
Both hold fp16 numbers in float32.
"""

import numpy as np

from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Heads,
    KvCache,
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.kernels.vectors import exp32, reduce_parts, softcap
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["append", "attend", "copy_item", "item", "items", "round_to_half"]


@helper
def round_to_half(x):
    """Return x rounded to the nearest fp16, ties to even, as a float32; NaN stays NaN."""
    if x != x:
        return np.float32(x)
    magnitude = abs(x)
    if magnitude < np.float32(2.0**-14):  # subnormal halves are multiples of 2**-24
        shifted = magnitude + np.float32(0.75) - np.float32(0.75)
        return np.float32(np.copysign(shifted, x))
    bits = np.float32(x).view(np.uint32)
    odd = (bits >> np.uint32(13)) & np.uint32(1)
    rounded = np.uint32((np.uint32(bits + np.uint32(0xFFF) + odd)) & np.uint32(0xFFFFE000))
    value = np.uint32(rounded).view(np.float32)
    if abs(value) > np.float32(65504.0):
        return np.float32(np.copysign(np.float32(np.inf), x))
    return value


@helper
def _append_key(values, at, dims, cache, kv, position):
    """Keep one head's key, its dimensions interleaved."""
    half = dims // 2
    for i in range(half):
        row = kv * dims + 2 * i
        cache.keys[row * cache.context + position] = round_to_half(values[at + i])
        cache.keys[(row + 1) * cache.context + position] = round_to_half(values[at + half + i])


@kernel
def append(
    values: Floats,
    source: Block,
    heads: Heads,
    cache: KvCache,
    layer: int,
    position: int,
    rows: RowSpan,
) -> None:
    """Round the rows' keys and values to fp16 and keep them in a layer of the cache.

    Args:
        values: The arena.
        source: Queries, keys and values side by side.
        heads: Their shape.
        cache: Written at ``position`` + m for row m.
        layer: Which layer.
        position: Position of the step's first row.
        rows: Which rows.
    """
    for m in range(rows.first, rows.last):
        keys_at = source.at + m * source.width + heads.queries * heads.dims
        values_at = keys_at + heads.keys * heads.dims
        for h in range(heads.keys):
            kv = layer * heads.keys + h
            _append_key(values, keys_at + h * heads.dims, heads.dims, cache, kv, position + m)
            base = (kv * cache.context + position + m) * heads.dims
            for i in range(heads.dims):
                cache.values[base + i] = round_to_half(values[values_at + h * heads.dims + i])


@helper
def _scores(query, heads, cache, kv, first, partial, scores):
    """Scores ← scale · q·k of positions from ``first`` on, perhaps capped.

    The dimensions are summed in parts, from the last part to the first.
    """
    count = scores.size
    width = heads.dims // heads.dim_parts
    half = heads.dims // 2
    for p in range(heads.dim_parts - 1, -1, -1):
        for j in range(count):
            partial[j] = np.float32(0.0)
        for d in range(p * width, (p + 1) * width):
            q = query[d // 2 + (d % 2) * half]
            at = (kv * heads.dims + d) * cache.context + first
            row = cache.keys[at : at + count]
            for j in range(count):
                partial[j] += q * row[j]
        if p == heads.dim_parts - 1:
            for j in range(count):
                scores[j] = partial[j]
        else:
            for j in range(count):
                scores[j] = partial[j] + scores[j]
    for j in range(count):
        scores[j] *= heads.scale
    if heads.cap > np.float32(0.0):
        for j in range(count):
            scores[j] = softcap(scores[j], heads.cap)


@helper
def _softmax_parts(scores, first, rows, sums):
    """Exponentials in place; sums[r] ← Σ over positions j ≡ r of their exponentials.

    The scores are those of positions from ``first`` on.
    """
    count = scores.size
    largest = scores[0]
    for j in range(count):
        largest = max(largest, scores[j])
    for j in range(count):
        scores[j] = exp32(scores[j] - largest)
    for r in range(rows):
        sums[r] = np.float32(0.0)
    row = first % rows
    start = min(rows - row, count) if row else 0
    for j in range(start):
        sums[row + j] += scores[j]
    while start < count:
        turn = scores[start : min(start + rows, count)]
        for r in range(turn.size):
            sums[r] += turn[r]
        start += rows


@helper
def _weighted_parts(scores, first, rows, cache, kv, dims, parts):
    """parts[r, d] ← Σ over positions j ≡ r of e_j × v_j[d], from position ``first`` on."""
    base = (kv * cache.context + first) * dims
    for i in range(rows * dims):
        parts[i] = np.float32(0.0)
    row = first % rows
    for j in range(scores.size):
        e = scores[j]
        value = cache.values[base + j * dims : base + (j + 1) * dims]
        part = parts[row * dims : (row + 1) * dims]
        for d in range(dims):
            part[d] += e * value[d]
        row = row + 1 if row + 1 < rows else 0


@helper
def _reduce_rows(parts, order, dims, chain, total):
    """total[d] ← the sum of parts[0 : order.parts, d] in the two-phase order."""
    last_group = (order.parts - 1) // order.group
    for number in range(last_group, -1, -1):
        low = number * order.group
        high = min(low + order.group, order.parts) - 1
        for r in range(high, low - 1, -1):
            part = parts[r * dims : (r + 1) * dims]
            for d in range(dims):
                chain[d] = part[d] if r == high else part[d] + chain[d]
        for d in range(dims):
            total[d] = chain[d] if number == last_group else chain[d] + total[d]


@helper
def _head(values, query_at, heads, cache, kv, position, out, at):
    """out[at:] ← attention of one query head at a position over those that it sees."""
    first = max(0, position + 1 - heads.window) if heads.window > 0 else 0
    count = position + 1 - first
    dims, rows = heads.dims, heads.position_parts
    order = SumOrder(heads.position_parts, heads.position_group)
    query = values[query_at : query_at + dims]
    scores = np.empty(count, np.float32)
    partial = np.empty(count, np.float32)
    _scores(query, heads, cache, kv, first, partial, scores)
    sums = np.empty(rows, np.float32)
    _softmax_parts(scores, first, rows, sums)
    parts = np.empty(rows * dims, np.float32)
    _weighted_parts(scores, first, rows, cache, kv, dims, parts)
    chain = np.empty(dims, np.float32)
    total = np.empty(dims, np.float32)
    _reduce_rows(parts, order, dims, chain, total)
    norm = reduce_parts(sums, order)
    for d in range(dims):
        out[at + d] = total[d] / norm


@helper
def items(heads, rows):
    """Return the number of pieces of some rows' attention: one for each row and query head."""
    return (rows.last - rows.first) * heads.queries


@helper
def _place(heads, rows, target, number):
    """Return where the result of a piece goes."""
    row = rows.first + number // heads.queries
    return target.at + row * target.width + number % heads.queries * heads.dims


@helper
def item(values, source, heads, cache, layer, position, out, target, rows, number):
    """Compute one piece of the rows' attention; their keys and values are in the cache.

    Args:
        values: The arena, which ``source`` lies in.
        source: Rows that begin with the queries.
        heads: Shape, and orders of the sums.
        cache: Keys and values of all positions up to the rows' own.
        layer: Which layer.
        position: Position of the step's first row.
        out: Written, at the places of the piece in ``target`` alone.
        target: Where results go.
        rows: Which rows.
        number: Which piece, below `items`.
    """
    row, head = rows.first + number // heads.queries, number % heads.queries
    kv = layer * heads.keys + head * heads.keys // heads.queries
    query_at = source.at + row * source.width + head * heads.dims
    at = _place(heads, rows, target, number)
    _head(values, query_at, heads, cache, kv, position + row, out, at)


@helper
def copy_item(source, source_block, heads, rows, values, target, number):
    """Copy the result of a piece that was computed elsewhere to its place in ``target``."""
    at, to = _place(heads, rows, source_block, number), _place(heads, rows, target, number)
    for d in range(heads.dims):
        values[to + d] = source[at + d]


@kernel
def attend(
    values: Floats,
    source: Block,
    heads: Heads,
    cache: KvCache,
    layer: int,
    position: int,
    target: Block,
    rows: RowSpan,
) -> None:
    """Target ← attention of the rows; their keys and values are in the cache.

    Args:
        values: The arena; ``target`` is written.
        source: Rows that begin with the queries.
        heads: Shape, and orders of the sums.
        cache: Keys and values of all positions up to the rows' own.
        layer: Which layer.
        position: Position of the step's first row.
        target: Where results go.
        rows: Which rows.

    Exactness:
        Bit-exact with ``engine.model.reference``'s attention of the same order.
    """
    for number in range(items(heads, rows)):
        item(values, source, heads, cache, layer, position, values, target, rows, number)
