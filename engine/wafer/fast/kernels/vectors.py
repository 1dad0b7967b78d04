"""The operations on one vector: embedding rows, norm, quantisation, rotation, gate, sum."""

import numpy as np

from engine import scalars
from engine.wafer.fast.kernels.dot import GROUP_BYTES, PANEL
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["add", "embed", "gate", "norm", "quantise", "reduce_parts", "rotate"]

exp32 = helper(scalars.exp32)
rsqrt32 = helper(scalars.rsqrt32)


@helper
def reduce_parts(parts, count, group):
    """Return the sum of parts[0:count] in the two-phase order (see `engine.model.sum_orders`)."""
    last_group = (count - 1) // group
    total = np.float32(0.0)
    for number in range(last_group, -1, -1):
        low = number * group
        high = min(low + group, count) - 1
        chain = parts[high]
        for p in range(high - 1, low - 1, -1):
            chain = parts[p] + chain
        total = chain if number == last_group else chain + total
    return total


@kernel
def embed(weights, scales, groups, token, out, at):
    """out[at:] ← row ``token`` of a matrix in panels, dequantised."""
    panel, column = token // PANEL, token % PANEL
    for g in range(groups):
        scale = scales[(panel * groups + g) * PANEL + column]
        base = (panel * groups + g) * GROUP_BYTES + column * 4
        for i in range(32):
            value = np.int32(weights[base + (i // 4) * (PANEL * 4) + i % 4]) - np.int32(128)
            out[at + g * 32 + i] = np.float32(value) * scale


@kernel
def norm(values, at, width, weight, eps, parts, group, partial, out, out_at):
    """Out ← RMS norm of values[at:at + width] × weight, sums of squares in ``parts`` slices."""
    for p in range(parts):
        total = np.float32(0.0)
        for i in range(p * width // parts, (p + 1) * width // parts):
            x = values[at + i]
            total += x * x
        partial[p] = total
    mean = reduce_parts(partial, parts, group) / np.float32(width)
    r = rsqrt32(mean + eps)
    for i in range(width):
        out[out_at + i] = (values[at + i] * r) * weight[i]


@kernel
def quantise(values, at, groups, out, out_at, scales, corrections, group_at):
    """Round groups of 32 to int8 with their scales; −128 · Σ of each group to ``corrections``."""
    for g in range(groups):
        start = at + g * 32
        largest = np.float32(0.0)
        for i in range(32):
            largest = max(largest, abs(values[start + i]))
        scale = largest / np.float32(127.0)
        total = np.int32(0)
        for i in range(32):
            q = np.int32(0)
            if scale > np.float32(0.0):
                ratio = np.rint(values[start + i] / scale)
                q = np.int32(min(max(ratio, np.float32(-127.0)), np.float32(127.0)))
            out[out_at + g * 32 + i] = q
            total += q
        scales[group_at + g] = scale
        corrections[group_at + g] = np.int32(-128) * total


@kernel
def rotate(values, at, heads, head_dim, cosine, sine):
    """Rotate the pairs (i, i + D/2) of every head in place; cosine and sine (D/2,)."""
    half = head_dim // 2
    for h in range(heads):
        base = at + h * head_dim
        for i in range(half):
            a, b = values[base + i], values[base + half + i]
            c, s = cosine[i], sine[i]
            values[base + i] = a * c - b * s
            values[base + half + i] = b * c + a * s


@kernel
def gate(values, at, width, out, out_at):
    """Out ← silu(first half) × second half of values[at:at + 2·width]."""
    one = np.float32(1.0)
    gates, ups = values[at : at + width], values[at + width : at + 2 * width]
    target = out[out_at : out_at + width]
    for i in range(width):
        g = gates[i]
        target[i] = (g / (one + exp32(-g))) * ups[i]


@kernel
def add(values, left_at, right_at, width, out_at):
    """values[out_at:] ← values[left_at:] + values[right_at:]."""
    left, right = values[left_at : left_at + width], values[right_at : right_at + width]
    target = values[out_at : out_at + width]
    for i in range(width):
        target[i] = left[i] + right[i]
