"""The operations on vectors, row by row: embedding, norm, quantisation, rotation, gate, sum.

``values`` is always the arena of float32 values; a `Block` says which of them.
"""

import numpy as np

from engine import scalars
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL, TILE_BYTES, TileLayout
from engine.wafer.fast.kernels.operands import (
    Angles,
    Block,
    Float,
    Floats,
    Panels,
    Quantised,
    Rotation,
    RowSpan,
    SumOrder,
    Tiles,
    Tokens,
)
from engine.wafer.jit.decorators import helper, kernel

__all__ = [
    "add",
    "add_bias",
    "embed",
    "gate",
    "norm",
    "quantise",
    "reduce_parts",
    "rotate",
]

exp32 = helper(scalars.exp32)
rsqrt32 = helper(scalars.rsqrt32)


@helper
def reduce_parts(parts, order):
    """Return the sum of parts[0 : order.parts] in the two-phase order of `SumOrder`."""
    last_group = (order.parts - 1) // order.group
    total = np.float32(0.0)
    for number in range(last_group, -1, -1):
        low = number * order.group
        high = min(low + order.group, order.parts) - 1
        chain = parts[high]
        for p in range(high - 1, low - 1, -1):
            chain = parts[p] + chain
        total = chain if number == last_group else chain + total
    return total


@kernel
def embed(
    panels: Panels, tiles: Tiles, layout: TileLayout, tokens: Tokens, values: Floats, target: Block
) -> None:
    """Target ← for each token its row of a matrix in panels, dequantised."""
    for m in range(tokens.size):
        first = tiles.first + tokens[m] // PANEL * tiles.groups
        column = tokens[m] % PANEL
        for g in range(tiles.groups):
            scale = panels.scales[(first + g) * PANEL + column]
            base = (first + g) * TILE_BYTES + column * layout.run
            at = target.at + m * target.width + g * GROUP
            for start in range(0, GROUP, layout.run):
                for i in range(layout.run):
                    level = np.int8(
                        np.int32(panels.weights[base + start * PANEL + i]) - layout.bias
                    )
                    values[at + start + i] = np.float32(level) * scale


@kernel
def norm(
    values: Floats,
    source: Block,
    gain: Floats,
    eps: Float,
    order: SumOrder,
    partial: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Target ← RMS norm of source × gain, sums of squares in the slices of the order.

    Args:
        values: The arena; ``target`` is written.
        source: The vector to normalise.
        gain: float32 (width,).
        eps: Added to the mean of squares.
        order: How the squares are summed.
        partial: Scratch, at least ``order.parts``.
        target: Where results go.
        rows: Which rows.
    """
    width = source.width
    for m in range(rows.first, rows.last):
        at, out = source.at + m * width, target.at + m * target.width
        for p in range(order.parts):
            total = np.float32(0.0)
            for i in range(p * width // order.parts, (p + 1) * width // order.parts):
                x = values[at + i]
                total += x * x
            partial[p] = total
        mean = reduce_parts(partial, order) / np.float32(width)
        r = rsqrt32(mean + eps)
        for i in range(width):
            values[out + i] = (values[at + i] * r) * gain[i]


@helper
def _quantise_group(values, at, levels, to):
    """Round 32 values to int8 in ``levels``; return their scale and the sum of the levels."""
    largest = np.float32(0.0)
    for i in range(GROUP):
        largest = max(largest, abs(values[at + i]))
    scale = largest / np.float32(127.0)
    total = np.int32(0)
    for i in range(GROUP):
        q = np.int32(0)
        if scale > np.float32(0.0):
            ratio = np.rint(values[at + i] / scale)
            q = np.int32(min(max(ratio, np.float32(-127.0)), np.float32(127.0)))
        levels[to + i] = q
        total += q
    return scale, total


@kernel
def quantise(
    values: Floats, source: Block, layout: TileLayout, inputs: Quantised, rows: RowSpan
) -> None:
    """Inputs ← source in int8 by groups of 32, with scales, and corrections for a layout's bias."""
    groups = source.width // GROUP
    for m in range(rows.first, rows.last):
        for g in range(groups):
            at = source.at + m * source.width + g * GROUP
            group = m * groups + g
            scale, total = _quantise_group(values, at, inputs.levels, group * GROUP)
            inputs.scales[group] = scale
            inputs.corrections[group] = np.int32(-layout.bias) * total


@kernel
def rotate(
    values: Floats,
    source: Block,
    heads: int,
    angles: Angles,
    rotation: Rotation,
    position: int,
    rows: RowSpan,
) -> None:
    """Rotate the pairs (i, i + D/2) of every head in place; row m stands at ``position + m``."""
    half = rotation.dims // 2
    for m in range(rows.first, rows.last):
        at = rotation.at + (position + m) * half
        cosine, sine = angles.cosine[at : at + half], angles.sine[at : at + half]
        for h in range(heads):
            base = source.at + m * source.width + 2 * h * half
            for i in range(half):
                a, b = values[base + i], values[base + half + i]
                c, s = cosine[i], sine[i]
                values[base + i] = a * c - b * s
                values[base + half + i] = b * c + a * s


@kernel
def gate(values: Floats, source: Block, target: Block, rows: RowSpan) -> None:
    """Target ← silu(first half of source) × second half."""
    one = np.float32(1.0)
    width = source.width // 2
    for m in range(rows.first, rows.last):
        at, out = source.at + m * source.width, target.at + m * target.width
        gates, ups = values[at : at + width], values[at + width : at + 2 * width]
        result = values[out : out + width]
        for i in range(width):
            g = gates[i]
            result[i] = (g / (one + exp32(-g))) * ups[i]


@kernel
def add_bias(values: Floats, target: Block, bias: Floats, rows: RowSpan) -> None:
    """Target ← target + bias, the same vector for every row."""
    for m in range(rows.first, rows.last):
        result = values[target.at + m * target.width : target.at + (m + 1) * target.width]
        for i in range(bias.size):
            result[i] = result[i] + bias[i]


@kernel
def add(values: Floats, left: Block, right: Block, target: Block, rows: RowSpan) -> None:
    """Target ← left + right, element by element; it may be one of them."""
    width = target.width
    for m in range(rows.first, rows.last):
        a = values[left.at + m * width : left.at + (m + 1) * width]
        b = values[right.at + m * width : right.at + (m + 1) * width]
        result = values[target.at + m * width : target.at + (m + 1) * width]
        for i in range(width):
            result[i] = a[i] + b[i]
