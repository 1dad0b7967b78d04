"""The operations on vectors, row by row: embedding, norms, quantisation, rotation, gate, sums.

``values`` is always the arena of float32 values; a `Block` says which of them.  Loops run over
slices of it: an index that may be negative makes LLVM gather and scatter.
"""

import numpy as np

from engine import scalars
from engine.wafer.fast.kernels.dot.entries import call_row
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL
from engine.wafer.fast.kernels.operands import (
    Angles,
    Block,
    Float,
    Floats,
    Panels,
    Pieces,
    Quantised,
    Rotation,
    RowSpan,
    SumOrder,
    Tokens,
)
from engine.wafer.fast.kernels.quantise_terms import quantise_group
from engine.wafer.jit.decorators import helper, kernel

__all__ = [
    "add",
    "add_bias",
    "embed",
    "gate",
    "head_norm",
    "layer_norm",
    "norm",
    "quantise",
    "reduce_parts",
    "rescale",
    "rotate",
    "softcap",
]

exp32 = helper(scalars.exp32)
rsqrt32 = helper(scalars.rsqrt32)
_logistic32 = helper(scalars.logistic32)
_gelu_exponent32 = helper(scalars.gelu_exponent32)
_softcap_exponent32 = helper(scalars.softcap_exponent32)
_softcap32 = helper(scalars.softcap32)

_GELU = scalars.ACTIVATIONS.index("gelu")


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
def embed(panels: Panels, pieces: Pieces, tokens: Tokens, values: Floats, target: Block) -> None:
    """Target ← for each token its row of a matrix in panels, dequantised."""
    for m in range(tokens.size):
        piece = pieces.first + tokens[m] // PANEL
        address = panels.entries[panels.pieces[piece, 4], 1]
        at = target.at + m * target.width
        call_row(address, panels, piece, tokens[m] % PANEL, values, at)


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
        r = rsqrt32(_mean_square(values, at, width, order, partial) + eps)
        row, result = values[at : at + width], values[out : out + width]
        for i in range(width):
            result[i] = (row[i] * r) * gain[i]


@helper
def _mean_square(values, at, width, order, partial):
    """Return the mean of the squares of ``width`` values, summed in the order."""
    first, carry = at, 0
    for p in range(order.parts):
        size, carry = _share(width, order.parts, carry)
        total = np.float32(0.0)
        for i in range(first, first + size):
            x = values[i]
            total += x * x
        partial[p] = total
        first += size
    return reduce_parts(partial, order) / np.float32(width)


@helper
def _mean(values, at, width, order, partial):
    """Return the mean of ``width`` values, summed in the order."""
    first, carry = at, 0
    for p in range(order.parts):
        size, carry = _share(width, order.parts, carry)
        total = np.float32(0.0)
        for i in range(first, first + size):
            total += values[i]
        partial[p] = total
        first += size
    return reduce_parts(partial, order) / np.float32(width)


@helper
def _share(width, parts, carry):
    """Return the next part's elements and the carry for the part after it; carries begin with 0.

    Part p owns elements p·width // parts on; this finds its end without a division of its own.
    """
    carry += width % parts
    return (width // parts, carry) if carry < parts else (width // parts + 1, carry - parts)


@kernel
def layer_norm(
    values: Floats,
    source: Block,
    gain: Floats,
    eps: Float,
    order: SumOrder,
    partial: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Target ← layer norm of source × gain: as `norm`, of source less its mean."""
    width = source.width
    for m in range(rows.first, rows.last):
        at, out = source.at + m * width, target.at + m * target.width
        mean = _mean(values, at, width, order, partial)
        row, result = values[at : at + width], values[out : out + width]
        for i in range(width):
            result[i] = row[i] - mean
        r = rsqrt32(_mean_square(values, out, width, order, partial) + eps)
        for i in range(width):
            result[i] = (result[i] * r) * gain[i]


@helper
def _head_square(values, at, dims, parts):
    """Return the sum of a head's squares: pair by pair, the parts from the last to the first."""
    half, share = dims // 2, dims // parts
    total = np.float32(0.0)
    for p in range(parts - 1, -1, -1):
        part = np.float32(0.0)
        for d in range(p * share, (p + 1) * share):
            x = values[at + d // 2 + (d % 2) * half]
            part += x * x
        total = part if p == parts - 1 else part + total
    return total


@kernel
def head_norm(
    values: Floats,
    source: Block,
    queries: int,
    keys: int,
    gains: Floats,
    eps: Float,
    order: SumOrder,
    rows: RowSpan,
) -> None:
    """Source ← RMS norm of every query and key head, in place.

    Args:
        values: The arena; ``source`` is written.
        source: Rows that begin with the queries, then the keys.
        queries: Query heads.
        keys: Key heads.
        gains: Of a query head, then of a key head, float32 (2·D,).
        eps: Added to the mean of squares.
        order: One chain over the parts of a head.
        rows: Which rows.
    """
    dims = gains.size // 2
    for m in range(rows.first, rows.last):
        for h in range(queries + keys):
            at = source.at + m * source.width + h * dims
            gain = gains[:dims] if h < queries else gains[dims:]
            r = rsqrt32(_head_square(values, at, dims, order.parts) / np.float32(dims) + eps)
            head = values[at : at + dims]
            for i in range(dims):
                head[i] = (head[i] * r) * gain[i]


@kernel
def quantise(values: Floats, source: Block, inputs: Quantised, rows: RowSpan) -> None:
    """Inputs ← source in int8 by groups of 32, with their scales and the sums of their halves."""
    groups = source.width // GROUP
    for m in range(rows.first, rows.last):
        for g in range(groups):
            at = source.at + m * source.width + g * GROUP
            quantise_group(values, at, inputs.levels, inputs.scales, inputs.sums, m * groups + g)


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
            low, high = values[base : base + half], values[base + half : base + 2 * half]
            for i in range(half):
                a, b = low[i], high[i]
                c, s = cosine[i], sine[i]
                low[i] = a * c - b * s
                high[i] = b * c + a * s


@kernel
def gate(values: Floats, source: Block, kind: int, target: Block, rows: RowSpan) -> None:
    """Target ← activation of source's first ``target.width`` values × those behind, if any.

    Args:
        values: The arena; ``target`` is written.
        source: Gate and up side by side, or one value.
        kind: Place of the activation in `ACTIVATIONS`.
        target: Where results go.
        rows: Which rows.
    """
    width = target.width
    for m in range(rows.first, rows.last):
        at, out = source.at + m * source.width, target.at + m * width
        gates, result = values[at : at + width], values[out : out + width]
        if kind == _GELU:
            for i in range(width):
                result[i] = _logistic32(gates[i], exp32(_gelu_exponent32(gates[i])))
        else:
            for i in range(width):
                result[i] = _logistic32(gates[i], exp32(-gates[i]))
        if source.width > width:
            ups = values[at + width : at + 2 * width]
            for i in range(width):
                result[i] = result[i] * ups[i]


@helper
def softcap(x, cap):
    """Return cap · tanh(x / cap)."""
    return _softcap32(exp32(_softcap_exponent32(x, cap)), cap)


@kernel
def rescale(values: Floats, target: Block, scale: Float, cap: Float, rows: RowSpan) -> None:
    """Target ← target × scale, then, with a cap above 0, cap · tanh(target / cap)."""
    for m in range(rows.first, rows.last):
        result = values[target.at + m * target.width : target.at + (m + 1) * target.width]
        for i in range(target.width):
            result[i] = result[i] * scale
        if cap > np.float32(0.0):
            for i in range(target.width):
                result[i] = softcap(result[i], cap)


@kernel
def add_bias(values: Floats, target: Block, bias: Floats, rows: RowSpan) -> None:
    """Target ← target + bias, the same vector for every row."""
    for m in range(rows.first, rows.last):
        result = values[target.at + m * target.width : target.at + (m + 1) * target.width]
        for i in range(bias.size):
            result[i] = result[i] + bias[i]


@kernel
def add(
    values: Floats, left: Block, right: Block, scale: Float, target: Block, rows: RowSpan
) -> None:
    """Target ← left + right × scale, element by element; it may be one of them."""
    width = target.width
    for m in range(rows.first, rows.last):
        a = values[left.at + m * width : left.at + (m + 1) * width]
        b = values[right.at + m * width : right.at + (m + 1) * width]
        result = values[target.at + m * width : target.at + (m + 1) * width]
        for i in range(width):
            result[i] = a[i] + b[i] * scale
