"""Attention of one query head over the KV cache, sums over positions in the Program's order.

Keys lie as (D, T) with the dimensions interleaved (0, D/2, 1, D/2 + 1, …), so that a score's
products add in order while neighbouring positions share a vector register; values as (T, D).
Both hold fp16 numbers in float32.
"""

import numpy as np
from numba import prange

from engine.wafer.fast.kernels.vectors import exp32, reduce_parts
from engine.wafer.jit.decorators import helper, kernel, parallel_kernel

__all__ = ["append", "attend", "attend_parallel", "round_to_half"]


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


@kernel
def append(
    values, key_at, value_at, kv_heads, head_dim, k_cache, v_cache, layer, position, context
):
    """Round one row's keys and values to fp16 and keep them at ``position`` of a layer."""
    half = head_dim // 2
    for h in range(kv_heads):
        row = (layer * kv_heads + h) * head_dim
        for i in range(half):
            a = values[key_at + h * head_dim + i]
            b = values[key_at + h * head_dim + half + i]
            k_cache[(row + 2 * i) * context + position] = round_to_half(a)
            k_cache[(row + 2 * i + 1) * context + position] = round_to_half(b)
        base = ((layer * kv_heads + h) * context + position) * head_dim
        for i in range(head_dim):
            v_cache[base + i] = round_to_half(values[value_at + h * head_dim + i])


@helper
def _scores(query, k_cache, base, head_dim, context, count, parts, scale, partial, scores):
    """scores[0:count] ← scale · q·k, dimensions in ``parts`` slices, from the last to the first."""
    width = head_dim // parts
    half = head_dim // 2
    for p in range(parts - 1, -1, -1):
        for j in range(count):
            partial[j] = np.float32(0.0)
        for d in range(p * width, (p + 1) * width):
            q = query[d // 2 + (d % 2) * half]
            row = k_cache[(base + d) * context : (base + d) * context + count]
            for j in range(count):
                partial[j] += q * row[j]
        if p == parts - 1:
            for j in range(count):
                scores[j] = partial[j]
        else:
            for j in range(count):
                scores[j] = partial[j] + scores[j]
    for j in range(count):
        scores[j] *= scale


@helper
def _softmax_parts(scores, count, rows, sums):
    """Exponentials in place; sums[r] ← Σ over positions j ≡ r of their exponentials."""
    largest = scores[0]
    for j in range(count):
        largest = max(largest, scores[j])
    for j in range(count):
        scores[j] = exp32(scores[j] - largest)
    for r in range(rows):
        sums[r] = np.float32(0.0)
    start = 0
    while start < count:
        turn = scores[start : min(start + rows, count)]
        for r in range(turn.size):
            sums[r] += turn[r]
        start += rows


@helper
def _weighted_parts(scores, count, rows, v_cache, base, head_dim, parts):
    """parts[r, d] ← Σ over positions j ≡ r of e_j × v_j[d]."""
    for i in range(rows * head_dim):
        parts[i] = np.float32(0.0)
    row = 0
    for j in range(count):
        e = scores[j]
        value = v_cache[base + j * head_dim : base + (j + 1) * head_dim]
        part = parts[row * head_dim : (row + 1) * head_dim]
        for d in range(head_dim):
            part[d] += e * value[d]
        row = row + 1 if row + 1 < rows else 0


@helper
def _reduce_rows(parts, rows, group, head_dim, chain, total):
    """total[d] ← the sum of parts[0:rows, d] in the two-phase order."""
    last_group = (rows - 1) // group
    for number in range(last_group, -1, -1):
        low = number * group
        high = min(low + group, rows) - 1
        chain[:] = parts[high * head_dim : (high + 1) * head_dim]
        for r in range(high - 1, low - 1, -1):
            part = parts[r * head_dim : (r + 1) * head_dim]
            for d in range(head_dim):
                chain[d] = part[d] + chain[d]
        if number == last_group:
            for d in range(head_dim):
                total[d] = chain[d]
        else:
            for d in range(head_dim):
                total[d] = chain[d] + total[d]


@helper
def _head(
    values, at, head, heads, kv_heads, head_dim, k_cache, v_cache, layer, position, context, scale,
    rows, group, dim_parts, out, out_at,
):  # fmt: skip
    kv = layer * kv_heads + head * kv_heads // heads
    count = position + 1
    query = values[at + head * head_dim : at + (head + 1) * head_dim]
    scores = np.empty(count, np.float32)
    partial = np.empty(count, np.float32)
    _scores(
        query, k_cache, kv * head_dim, head_dim, context, count, dim_parts, scale, partial, scores
    )
    sums = np.empty(rows, np.float32)
    _softmax_parts(scores, count, rows, sums)
    parts = np.empty(rows * head_dim, np.float32)
    _weighted_parts(scores, count, rows, v_cache, kv * context * head_dim, head_dim, parts)
    chain = np.empty(head_dim, np.float32)
    total = np.empty(head_dim, np.float32)
    _reduce_rows(parts, rows, group, head_dim, chain, total)
    norm = reduce_parts(sums, rows, group)
    for d in range(head_dim):
        out[out_at + head * head_dim + d] = total[d] / norm


@kernel
def attend(
    values, at, stride, rows_of_step, heads, kv_heads, head_dim, k_cache, v_cache, layer, position,
    context, scale, rows, group, dim_parts, out, out_at, out_stride,
):  # fmt: skip
    """Out ← attention of the step's rows at ``position`` and after; keys and values are appended.

    Args:
        values: float32 arena; row m's queries start at ``at + m·stride``.
        at: Offset of the first row.
        stride: Elements from row to row.
        rows_of_step: Rows M of the step.
        heads: Query heads.
        kv_heads: KV heads.
        head_dim: Dimensions D of a head.
        k_cache: float32, (layers, kv_heads, D, context).
        v_cache: float32, (layers, kv_heads, context, D).
        layer: Which layer.
        position: Position of the step's first row.
        context: Positions of the cache.
        scale: Factor of the scores.
        rows: Parts of the sums over positions; position j belongs to part j mod rows.
        group: Parts of a first-phase group.
        dim_parts: Parts of a score's sum over dimensions.
        out: float32 arena; written.
        out_at: Offset of the first row.
        out_stride: Elements from row to row.

    Exactness:
        Bit-exact with ``engine.model.reference``'s attention of the same order.
    """
    for item in range(rows_of_step * heads):
        row, head = item // heads, item % heads
        _head(
            values, at + row * stride, head, heads, kv_heads, head_dim, k_cache, v_cache, layer,
            position + row, context, scale, rows, group, dim_parts, out, out_at + row * out_stride,
        )  # fmt: skip


@parallel_kernel
def attend_parallel(
    values, at, stride, rows_of_step, heads, kv_heads, head_dim, k_cache, v_cache, layer, position,
    context, scale, rows, group, dim_parts, out, out_at, out_stride,
):  # fmt: skip
    """The same with (row, head) pairs shared among threads."""
    for item in prange(rows_of_step * heads):
        row, head = item // heads, item % heads
        _head(
            values, at + row * stride, head, heads, kv_heads, head_dim, k_cache, v_cache, layer,
            position + row, context, scale, rows, group, dim_parts, out, out_at + row * out_stride,
        )  # fmt: skip
