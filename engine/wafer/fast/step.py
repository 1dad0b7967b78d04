"""The fast tier's loop: one compiled pass over the instruction table for the rows of a step.

Knows the instruction table and the kernels; nothing of models, cycles or how tables were made.
Instructions that only move data (multicast, send, receive) have nothing to compute here: on the
host a value is where it is.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fast.kernels import attend, multiply, vectors
from engine.wafer.fast.kernels.operands import (
    Angles,
    Block,
    Float,
    Floats,
    Heads,
    KvCache,
    Panels,
    Pieces,
    Quantised,
    Rotation,
    RowSpan,
    SumOrder,
    Tokens,
)
from engine.wafer.jit.decorators import helper, kernel
from engine.wafer.program.isa import Field, Op

__all__ = ["Memory", "run_step"]

_OP = int(Field.OP)
_LAYER = int(Field.LAYER)
_SOURCE = int(Field.SOURCE)
_OTHER = int(Field.OTHER)
_TARGET = int(Field.TARGET)
_WEIGHT = int(Field.WEIGHT)
_ORDER = int(Field.ORDER)
_COUNT = int(Field.COUNT)
_LAST_ROW = int(Field.LAST_ROW)
_VARIANT = int(Field.VARIANT)
_BIAS = int(Field.BIAS)
_EMBED, _NORM, _QUANTISE = int(Op.EMBED), int(Op.NORM), int(Op.QUANTISE)
_MATMUL, _ROTARY, _ATTENTION = int(Op.MATMUL), int(Op.ROTARY), int(Op.ATTENTION)
_GATE, _ADD, _HEAD_NORM = int(Op.GATE), int(Op.ADD), int(Op.HEAD_NORM)

Table: TypeAlias = NDArray[np.int64]
Pairs: TypeAlias = NDArray[np.float32]

_PARALLEL_PRODUCTS = 1 << 19
"""Multiply–accumulates below which starting threads costs more than it saves (about 3 µs)."""


class Memory(NamedTuple):
    """Everything a step reads and writes."""

    table: Table
    """Instructions (n, FIELDS)."""
    buffers: Table
    """`Block` of every buffer (·, 2)."""
    matrices: Table
    """Per matrix: first piece (of a vector, its offset in `vectors`), inputs, outputs, pieces
    (·, 4)."""
    orders: Table
    """`SumOrder` of every reduction (·, 2)."""
    norms: Floats
    """The eps of every kind of norm."""
    norm_shapes: Table
    """Per kind of norm: 1 for a layer norm, query heads, key heads; 0, 0 of whole values (·, 3)."""
    activations: Table
    """Per kind of activation: its number in `ACTIVATIONS` (·,)."""
    scalings: Pairs
    """Per kind of scaling: factor, cap (·, 2)."""
    rotations: Table
    """A `Rotation` for each kind, (kinds, 2)."""
    attentions: Table
    """Per kind of attention: heads, KV heads, dimensions of a head, parts of a head, window (·, 5).
    """
    scores: Pairs
    """Per kind of attention: the factor of its scores, their cap (·, 2)."""
    panels: Panels
    vectors: Floats
    """Weights of norms, biases."""
    angles: Angles
    values: Floats
    """Arena of the buffers, each (max rows, width)."""
    inputs: Quantised
    """The image of the product at hand."""
    partial: Floats
    """Scratch, one element per part of a norm."""
    cache: KvCache
    scratch: Floats
    """Of the pieces of an attention, a share for each thread."""


@helper
def _block(buffers: Table, buffer: int) -> Block:
    """Return where a buffer lies; for −1 (none), a block that nothing uses."""
    row = max(buffer, 0)
    return Block(buffers[row, 0], buffers[row, 1])


@helper
def _pieces(matrices: Table, weight: int) -> Pieces:
    """Return where a matrix lies; for −1 or a vector, numbers that nothing uses."""
    row = max(weight, 0)
    return Pieces(matrices[row, 0], matrices[row, 3])


@helper
def _products(matrices: Table, weight: int, rows: int) -> int:
    """Return the multiply–accumulates of some rows times a matrix."""
    return int(rows * matrices[weight, 1] * matrices[weight, 2])


@helper
def _vector(memory: Memory, weight: int) -> Floats:
    """Return a vector: a norm's weights, a bias."""
    at, width = memory.matrices[weight, 0], memory.matrices[weight, 1]
    return memory.vectors[at : at + width]


@helper
def _scaling(scalings: Pairs, kind: int) -> tuple[Float, Float]:
    """Return a kind's factor and cap; for −1 (none), those that change nothing."""
    if kind < 0:
        return np.float32(1.0), np.float32(0.0)
    return scalings[kind, 0], scalings[kind, 1]


@helper
def _order(orders: Table, order: int) -> SumOrder:
    """Return the order of a reduction; for −1 (none), one that nothing uses."""
    row = max(order, 0)
    return SumOrder(orders[row, 0], orders[row, 1])


@helper
def _heads(attentions: Table, scores: Pairs, kind: int, positions: SumOrder) -> Heads:
    """Return a kind of attention, its sums over positions in the order of the instruction."""
    return Heads(
        attentions[kind, 0],
        attentions[kind, 1],
        attentions[kind, 2],
        scores[kind, 0],
        positions.parts,
        positions.group,
        attentions[kind, 3],
        attentions[kind, 4],
        scores[kind, 1],
    )


@kernel
def run_step(threads: int, memory: Memory, tokens: Tokens, position: int) -> None:
    """Run the Program for ``tokens`` at ``position`` and the positions after it.

    Args:
        threads: Above 1, large products and many heads are shared among threads.
        memory: Tables, weights and state; values and KV cache are written.
        tokens: int32 (M,), at most the rows the arena was made for.
        position: Rows already in the KV cache.

    Exactness:
        The same bits for every path of the panels, ``threads`` and split of tokens into steps.
    """
    buffers, values, inputs, cache = memory.buffers, memory.values, memory.inputs, memory.cache
    count = tokens.size
    for i in range(memory.table.shape[0]):
        row = memory.table[i]
        op, layer, variant = row[_OP], row[_LAYER], row[_VARIANT]
        source, target = _block(buffers, row[_SOURCE]), _block(buffers, row[_TARGET])
        pieces, order = _pieces(memory.matrices, row[_WEIGHT]), _order(memory.orders, row[_ORDER])
        rows = RowSpan(count - 1 if row[_LAST_ROW] else 0, count)
        if op == _EMBED:
            vectors.embed(memory.panels, pieces, tokens, values, target)
            if variant >= 0:
                scale, cap = _scaling(memory.scalings, variant)
                vectors.rescale(values, target, scale, cap, rows)
        elif op == _NORM:
            gain, eps = _vector(memory, row[_WEIGHT]), memory.norms[variant]
            if memory.norm_shapes[variant, 0] == 1:
                vectors.layer_norm(values, source, gain, eps, order, memory.partial, target, rows)
            else:
                vectors.norm(values, source, gain, eps, order, memory.partial, target, rows)
            if row[_BIAS] >= 0:
                vectors.add_bias(values, target, _vector(memory, row[_BIAS]), rows)
        elif op == _HEAD_NORM:
            gains, shape = _vector(memory, row[_WEIGHT]), memory.norm_shapes[variant]
            eps = memory.norms[variant]
            vectors.head_norm(values, source, shape[1], shape[2], gains, eps, order, rows)
        elif op == _QUANTISE:
            vectors.quantise(values, source, inputs, rows)
        elif op == _MATMUL:
            products = _products(memory.matrices, row[_WEIGHT], rows.last - rows.first)
            if threads > 1 and products >= _PARALLEL_PRODUCTS:
                multiply.matmul_parallel(memory.panels, pieces, inputs, order, values, target, rows)
            else:
                multiply.matmul(memory.panels, pieces, inputs, order, values, target, rows)
            if row[_BIAS] >= 0:
                vectors.add_bias(values, target, _vector(memory, row[_BIAS]), rows)
            if variant >= 0:
                scale, cap = _scaling(memory.scalings, variant)
                vectors.rescale(values, target, scale, cap, rows)
        elif op == _ROTARY:
            rotation = Rotation(memory.rotations[variant, 0], memory.rotations[variant, 1])
            vectors.rotate(values, source, row[_COUNT], memory.angles, rotation, position, rows)
        elif op == _ATTENTION:
            heads = _heads(memory.attentions, memory.scores, variant, order)
            attend.append(values, source, heads, cache, layer, position, rows)
            seen = position + count
            if heads.window > 0:
                seen = min(seen, heads.window)
            products = count * heads.queries * seen * heads.dims
            if threads > 1 and products >= _PARALLEL_PRODUCTS:
                attend.attend_parallel(
                    values, source, heads, cache, layer, position, target, rows, memory.scratch
                )
            else:
                attend.attend(
                    values, source, heads, cache, layer, position, target, rows, memory.scratch
                )
        elif op == _GATE:
            vectors.gate(values, source, memory.activations[variant], target, rows)
        elif op == _ADD:
            scale, _ = _scaling(memory.scalings, variant)
            vectors.add(values, source, _block(buffers, row[_OTHER]), scale, target, rows)
