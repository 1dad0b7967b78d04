"""Lowering of the operations on one vector: norm, sum, gate, rotation."""

import numpy as np

from engine.model.tensors.tensor import float_vector
from engine.wafer.fabric.layout import even, first_head
from engine.wafer.fabric.lowering.context import Lowering
from engine.wafer.fabric.micro import Kind, Reduce
from engine.wafer.fabric.region import NodeLines
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.program.isa import Field

__all__ = ["add", "gate", "norm", "rotary"]


def norm(low: Lowering) -> None:
    """Square, sum at row 0, send the reciprocal root back, scale the stream."""
    site = low.site
    width = low.width(Field.SOURCE)
    hidden = low.split(width, ALONG_ROWS)
    k = np.array(hidden.elements)
    rows = low.line(ALONG_ROWS)
    west = site.cores(rows, 0)
    source = low.value(Field.SOURCE, hidden.most_elements)
    target = low.value(Field.TARGET, hidden.most_elements)
    root = site.memory("norm", 1)
    low.work((rows, 0 * rows), Kind.SQUARES, (source, root, k))
    one = np.ones(1, np.int64)
    site.reduce(
        NodeLines(ALONG_ROWS, site.rows, np.zeros(1, np.int64), one),
        low.order(), root, Reduce.ADD_F32,
    )  # fmt: skip
    kind = low.program.norms[int(low.row[Field.VARIANT])]
    eps = int(np.float32(kind.eps).view(np.int32))
    low.work((0, 0), Kind.ROOT, (root, width, eps))
    site.multicast(ALONG_ROWS, np.zeros(1, np.int64), one, root)
    weight = int(low.row[Field.WEIGHT])
    gain = site.memory(f"weight {weight}", hidden.most_elements)
    vector_ = float_vector(low.tensors, low.program.matrices[weight].tensors[0])
    for row, core in enumerate(west):
        lo = sum(hidden.elements[:row])
        piece = vector_[lo : lo + k[row]]
        low.fills.append((np.array([core]), gain, piece.view(np.int32)[None, :]))
    low.work((rows, 0 * rows), Kind.NORMALISE, (source, target, root, gain, k))
    low.tap(ALONG_ROWS, even(hidden))


def add(low: Lowering) -> None:
    """Add two vectors on the west line."""
    hidden = low.split(low.width(Field.SOURCE), ALONG_ROWS)
    k = np.array(hidden.elements)
    places = [
        low.value(field, hidden.most_elements)
        for field in (Field.SOURCE, Field.OTHER, Field.TARGET)
    ]
    low.work(low.cores(ALONG_ROWS, low.line(ALONG_ROWS)), Kind.ADD, (*places, k))
    low.tap(ALONG_ROWS, even(hidden))


def gate(low: Lowering) -> None:
    """silu(gate) · up on the north line."""
    gated = low.split(low.width(Field.TARGET), ALONG_COLUMNS)
    n = np.array(gated.elements)
    source = low.value(Field.SOURCE, 2 * gated.most_elements)
    target = low.value(Field.TARGET, gated.most_elements)
    busy = np.flatnonzero(n)
    low.work(low.cores(ALONG_COLUMNS, busy), Kind.GATE, (source, target, n[busy]))
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
