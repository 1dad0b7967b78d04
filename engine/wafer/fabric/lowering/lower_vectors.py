"""Lowering of the operations on one vector: norms, sum, gate, rotation."""

import numpy as np

from engine.wafer.fabric.layout import Layout, even, first_head, head_pairs
from engine.wafer.fabric.lowering.context import Lowering, float_bits
from engine.wafer.fabric.lowering.lower_products import vector
from engine.wafer.fabric.micro import Kind, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.program.isa import Field

__all__ = ["add", "gate", "head_norm", "norm", "rotary"]


def norm(low: Lowering) -> None:
    """Square, sum at row 0, send the reciprocal root back, scale the stream.

    A layer norm finds the mean in the same way first, and takes it away.
    """
    site = low.site
    hidden = low.split(low.width(Field.SOURCE), ALONG_ROWS)
    k, rows = np.array(hidden.elements), low.line(ALONG_ROWS)
    west = low.cores(ALONG_ROWS, rows)
    source = low.value(Field.SOURCE, hidden.most_elements)
    target = low.value(Field.TARGET, hidden.most_elements)
    root = site.memory("norm", 1)
    kind = low.program.norms[int(low.row[Field.VARIANT])]
    if kind.kind == "layer":
        low.work(west, Kind.TOTAL, (source, root, k))
        _all_reduce(low, root, Kind.MEAN, (root, hidden.width))
        low.work(west, Kind.CENTRE, (source, target, root, k))
        source = target
    else:
        low.work(west, Kind.SQUARES, (source, root, k))
    _all_reduce(low, root, Kind.ROOT, (root, hidden.width, float_bits(kind.eps)))
    layout = even(hidden)
    gain = vector(low, int(low.row[Field.WEIGHT]), ALONG_ROWS, layout)
    if (bias := int(low.row[Field.BIAS])) >= 0:
        shift = vector(low, bias, ALONG_ROWS, layout)
        low.work(west, Kind.SHIFT, (source, target, root, gain, k, shift))
    else:
        low.work(west, Kind.NORMALISE, (source, target, root, gain, k))
    low.tap(ALONG_ROWS, layout)


def _all_reduce(low: Lowering, word: int, kind: Kind, arguments: tuple[int, ...]) -> None:
    """Sum a word of the west line at row 0, work on it there, send it back."""
    zero, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    line = NodeLines(ALONG_ROWS, low.site.rows, zero, one)
    low.site.reduce(line, low.order(), word, Reduce.ADD_F32)
    low.work((0, 0), kind, arguments)
    low.site.multicast(ALONG_ROWS, zero, one, word)


def head_norm(low: Lowering) -> None:
    """Norm the heads of queries and keys on the north line; columns of a head share its sum."""
    site, heads = low.site, low.placement.heads
    kind = low.program.norms[int(low.row[Field.VARIANT])]
    vectors, width = heads.queries + heads.kv, heads.dims * heads.parts
    source = low.value(Field.SOURCE, (heads.queries + 2 * heads.kv) * heads.dims)
    sums = site.memory("head norms", vectors)
    columns = low.line(ALONG_COLUMNS)
    north = low.cores(ALONG_COLUMNS, columns)
    low.work(north, Kind.HEAD_SQUARES, (source, sums, vectors, heads.dims))
    if heads.parts > 1:
        zero, count = np.zeros(1, np.int64), np.full(1, vectors, np.int64)
        bases = tuple(range(0, site.columns, heads.parts))
        line = NodeLines(ALONG_COLUMNS, heads.parts, zero, count, bases=bases)
        site.reduce(line, low.order(), sums, Reduce.ADD_F32)
        site.multicast(ALONG_COLUMNS, zero, count, sums, length=heads.parts)
    gain = vector(low, int(low.row[Field.WEIGHT]), ALONG_COLUMNS, _gains_layout(low, width))
    low.work(
        north, Kind.HEAD_NORMALISE,
        (source, sums, gain, heads.queries, heads.kv, heads.dims, width, float_bits(kind.eps)),
    )  # fmt: skip
    low.tap(ALONG_COLUMNS, low.heads_layout())


def _gains_layout(low: Lowering, width: int) -> Layout:
    """Return which weights of a query's and a key's norm each column keeps: its share of both."""
    heads = low.placement.heads
    pairs = head_pairs(width)
    shares = (first_head(heads, column)[1] * heads.dims for column in range(low.site.columns))
    return np.stack([
        np.concatenate([mine := pairs[share : share + heads.dims], mine + width])
        for share in shares
    ])  # fmt: skip


def add(low: Lowering) -> None:
    """Add two vectors on the west line."""
    hidden = low.split(low.width(Field.SOURCE), ALONG_ROWS)
    k = np.array(hidden.elements)
    places = [
        low.value(field, hidden.most_elements)
        for field in (Field.SOURCE, Field.OTHER, Field.TARGET)
    ]
    arguments = (*places, k, float_bits(low.scaling().scale))
    low.work(low.cores(ALONG_ROWS, low.line(ALONG_ROWS)), Kind.ADD, arguments)
    low.tap(ALONG_ROWS, even(hidden))


def gate(low: Lowering) -> None:
    """The activation on the north line, times up where the source holds it too."""
    kind = low.program.activations[int(low.row[Field.VARIANT])]
    gated = low.split(low.width(Field.TARGET), ALONG_COLUMNS)
    n = np.array(gated.elements)
    source = low.value(Field.SOURCE, (1 + kind.gated) * gated.most_elements)
    target = low.value(Field.TARGET, gated.most_elements)
    busy = np.flatnonzero(n)
    low.work(
        low.cores(ALONG_COLUMNS, busy),
        Kind.GATE,
        (source, target, n[busy], kind.number, int(kind.gated)),
    )
    low.tap(ALONG_COLUMNS, even(gated))


def rotary(low: Lowering) -> None:
    """Turn queries and keys on the north line by the angles that came with the row."""
    site, heads = low.site, low.placement.heads
    vectors = heads.queries + heads.kv
    variant = int(low.row[Field.VARIANT])
    before = sum(kind.head_dim for kind in low.program.rotaries[:variant])
    cosine = site.memory("angles", low.angles) + before
    sine = cosine + low.program.rotaries[variant].head_dim // 2
    columns = low.line(ALONG_COLUMNS)
    pair = np.array([first_head(heads, c)[1] * heads.dims // 2 for c in columns], np.int64)
    source = low.value(Field.SOURCE, (heads.queries + 2 * heads.kv) * heads.dims)
    low.work(
        low.cores(ALONG_COLUMNS, columns), Kind.ROTATE,
        (source, vectors, heads.dims, cosine, sine, pair),
    )  # fmt: skip
    low.tap(ALONG_COLUMNS, low.heads_layout())
