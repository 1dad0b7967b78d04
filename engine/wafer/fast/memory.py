"""What a step reads and writes, and how an instruction's numbers are looked up in it.

Knows the instruction table and the arguments of kernels; computes nothing.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.threads.claims import Shares
from engine.wafer.jit.decorators import helper
from engine.wafer.program.isa import Field

__all__ = [
    "Memory",
    "Own",
    "block_of",
    "heads_of",
    "order_of",
    "pieces_of",
    "rows_of",
    "scaling_of",
    "span_of",
]

_LAST_ROW = int(Field.LAST_ROW)

Table: TypeAlias = NDArray[np.int64]
Pairs: TypeAlias = NDArray[np.float32]


class Own(NamedTuple):
    """Where helpers write what they compute, before it is copied to its place."""

    at: int
    """In the arena: where the first helper's begins."""
    size: int
    """Numbers of each."""
    parts: int
    """Numbers of `Memory.partial` that belong to each thread."""


class Memory(NamedTuple):
    """Everything a step reads and writes."""

    table: Table
    """Instructions (n, FIELDS); their `Field.LAST_ROW` says how many of the last rows, 0: all."""
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
    """Arena of the buffers, each (max rows, width), then what each helper has of its own."""
    inputs: Quantised
    """The image of the product at hand; behind its most rows, those of each helper."""
    partial: Floats
    """Scratch of each thread, one element per part of a norm."""
    scratch: Pairs
    """What the pieces of an attention use while they are computed, (threads, numbers)."""
    own: Own
    cache: KvCache
    shares: Shares
    """What the threads of a step share besides."""
    stop: Table
    """One number (1,): another thread writes 1 to end the step before its next instruction."""


@helper
def rows_of(table: Table, number: int, count: int) -> RowSpan:
    """Return which of a step's rows an instruction computes."""
    last = table[number, _LAST_ROW]
    return RowSpan(max(0, count - last) if last else 0, count)


@helper
def block_of(buffers: Table, buffer: int) -> Block:
    """Return where a buffer lies; for −1 (none), a block that nothing uses."""
    row = max(buffer, 0)
    return Block(buffers[row, 0], buffers[row, 1])


@helper
def pieces_of(matrices: Table, weight: int) -> Pieces:
    """Return where a matrix lies; for −1 or a vector, numbers that nothing uses."""
    row = max(weight, 0)
    return Pieces(matrices[row, 0], matrices[row, 3])


@helper
def span_of(matrices: Table, weight: int) -> slice:
    """Return where a vector lies in `Memory.vectors`: a norm's weights, a bias; −1 as above."""
    row = max(weight, 0)
    return slice(matrices[row, 0], matrices[row, 0] + matrices[row, 1])


@helper
def scaling_of(scalings: Pairs, kind: int) -> tuple[Float, Float]:
    """Return a kind's factor and cap; for −1 (none), those that change nothing."""
    if kind < 0:
        return np.float32(1.0), np.float32(0.0)
    return scalings[kind, 0], scalings[kind, 1]


@helper
def order_of(orders: Table, order: int) -> SumOrder:
    """Return the order of a reduction; for −1 (none), one that nothing uses."""
    row = max(order, 0)
    return SumOrder(orders[row, 0], orders[row, 1])


@helper
def heads_of(attentions: Table, scores: Pairs, kind: int, positions: SumOrder) -> Heads:
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
