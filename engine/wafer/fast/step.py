"""The fast tier's loop: one compiled pass over the instruction table for the rows of a step.

Knows the instruction table and the kernels; nothing of models, cycles or how tables were made.
Instructions that only move data (multicast, send, receive) have nothing to compute here: on the
host a value is where it is.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fast.kernels import attend, multiply, vectors
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, TileLayout
from engine.wafer.fast.kernels.operands import (
    Angles,
    Block,
    Floats,
    Heads,
    KvCache,
    Panels,
    Quantised,
    Rotation,
    RowSpan,
    SumOrder,
    Tiles,
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
_GATE, _ADD = int(Op.GATE), int(Op.ADD)

Table: TypeAlias = NDArray[np.int64]

_PARALLEL_PRODUCTS = 1 << 19
"""Multiply–accumulates below which starting threads costs more than it saves (about 3 µs)."""


class Memory(NamedTuple):
    """Everything a step reads and writes."""

    table: Table
    """Instructions (n, FIELDS)."""
    buffers: Table
    """`Block` of every buffer (·, 2)."""
    matrices: Table
    """Per matrix: first tile (of a vector, its offset in `vectors`), inputs, outputs (·, 3)."""
    orders: Table
    """`SumOrder` of every reduction (·, 2)."""
    norms: Floats
    """The eps of every kind of norm."""
    rotations: Table
    """A `Rotation` for each kind, (kinds, 2)."""
    attentions: Table
    """Per kind of attention: heads, KV heads, dimensions of a head, parts of a head (·, 4)."""
    score_scales: Floats
    """The factor of the scores of every kind of attention."""
    panels: Panels
    layout: TileLayout
    """How `panels` are packed."""
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


@helper
def _block(buffers: Table, buffer: int) -> Block:
    """Return where a buffer lies; for −1 (none), a block that nothing uses."""
    row = max(buffer, 0)
    return Block(buffers[row, 0], buffers[row, 1])


@helper
def _tiles(matrices: Table, weight: int) -> Tiles:
    """Return where an int8 matrix lies; for −1 or a vector, numbers that nothing uses."""
    row = max(weight, 0)
    return Tiles(matrices[row, 0], matrices[row, 1] // GROUP, matrices[row, 2])


@helper
def _vector(matrices: Table, weight: int, vectors: Floats) -> Floats:
    """Return a vector: a norm's weights, a bias."""
    at, width = matrices[weight, 0], matrices[weight, 1]
    return vectors[at : at + width]


@helper
def _order(orders: Table, order: int) -> SumOrder:
    """Return the order of a reduction; for −1 (none), one that nothing uses."""
    row = max(order, 0)
    return SumOrder(orders[row, 0], orders[row, 1])


@helper
def _heads(attentions: Table, scales: Floats, kind: int, positions: SumOrder) -> Heads:
    """Return a kind of attention, its sums over positions in the order of the instruction."""
    return Heads(
        attentions[kind, 0],
        attentions[kind, 1],
        attentions[kind, 2],
        scales[kind],
        positions.parts,
        positions.group,
        attentions[kind, 3],
    )


@kernel
def run_step(path: DotPath, threads: int, memory: Memory, tokens: Tokens, position: int) -> None:
    """Run the Program for ``tokens`` at ``position`` and the positions after it.

    Args:
        path: One that the processor has; the panels are packed for it.
        threads: Above 1, large products and many heads are shared among threads.
        memory: Tables, weights and state; values and KV cache are written.
        tokens: int32 (M,), at most the rows the arena was made for.
        position: Rows already in the KV cache.

    Exactness:
        The same bits for every ``path``, ``threads`` and split of tokens into steps.
    """
    buffers, values, inputs, cache = memory.buffers, memory.values, memory.inputs, memory.cache
    count = tokens.size
    for i in range(memory.table.shape[0]):
        row = memory.table[i]
        op, layer, variant = row[_OP], row[_LAYER], row[_VARIANT]
        source, target = _block(buffers, row[_SOURCE]), _block(buffers, row[_TARGET])
        tiles, order = _tiles(memory.matrices, row[_WEIGHT]), _order(memory.orders, row[_ORDER])
        rows = RowSpan(count - 1 if row[_LAST_ROW] else 0, count)
        if op == _EMBED:
            vectors.embed(memory.panels, tiles, memory.layout, tokens, values, target)
        elif op == _NORM:
            gain, eps = (
                _vector(memory.matrices, row[_WEIGHT], memory.vectors),
                memory.norms[variant],
            )
            vectors.norm(values, source, gain, eps, order, memory.partial, target, rows)
        elif op == _QUANTISE:
            vectors.quantise(values, source, memory.layout, inputs, rows)
        elif op == _MATMUL:
            products = (rows.last - rows.first) * tiles.groups * GROUP * tiles.outputs
            if threads > 1 and products >= _PARALLEL_PRODUCTS:
                multiply.matmul_parallel(
                    path, memory.panels, tiles, inputs, order, values, target, rows
                )
            else:
                multiply.matmul(path, memory.panels, tiles, inputs, order, values, target, rows)
            if row[_BIAS] >= 0:
                bias = _vector(memory.matrices, row[_BIAS], memory.vectors)
                vectors.add_bias(values, target, bias, rows)
        elif op == _ROTARY:
            rotation = Rotation(memory.rotations[variant, 0], memory.rotations[variant, 1])
            vectors.rotate(values, source, row[_COUNT], memory.angles, rotation, position, rows)
        elif op == _ATTENTION:
            heads = _heads(memory.attentions, memory.score_scales, variant, order)
            attend.append(values, source, heads, cache, layer, position, rows)
            products = count * heads.queries * (position + count) * heads.dims
            if threads > 1 and products >= _PARALLEL_PRODUCTS:
                attend.attend_parallel(values, source, heads, cache, layer, position, target, rows)
            else:
                attend.attend(values, source, heads, cache, layer, position, target, rows)
        elif op == _GATE:
            vectors.gate(values, source, target, rows)
        elif op == _ADD:
            vectors.add(values, source, _block(buffers, row[_OTHER]), target, rows)
