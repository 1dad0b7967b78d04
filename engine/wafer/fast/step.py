"""The fast tier's loop: one compiled pass over the instruction table for the rows of a step.

Knows the instruction table and the kernels; nothing of models, cycles or how tables were made.
Instructions that only move data (multicast, send, receive) have nothing to compute here: on the
host a value is where it is.
"""

from engine.wafer.fast.kernels import attend, multiply, vectors
from engine.wafer.fast.kernels.operands import Rotation, Tokens
from engine.wafer.fast.memory import (
    Memory,
    block_of,
    heads_of,
    order_of,
    pieces_of,
    rows_of,
    scaling_of,
    span_of,
)
from engine.wafer.fast.pieces import share
from engine.wafer.fast.threads import claims
from engine.wafer.jit.decorators import kernel
from engine.wafer.program.isa import Field, Op

__all__ = ["run_step"]

_OP = int(Field.OP)
_LAYER = int(Field.LAYER)
_SOURCE = int(Field.SOURCE)
_OTHER = int(Field.OTHER)
_TARGET = int(Field.TARGET)
_WEIGHT = int(Field.WEIGHT)
_ORDER = int(Field.ORDER)
_COUNT = int(Field.COUNT)
_VARIANT = int(Field.VARIANT)
_BIAS = int(Field.BIAS)
_EMBED, _NORM, _QUANTISE = int(Op.EMBED), int(Op.NORM), int(Op.QUANTISE)
_MATMUL, _ROTARY, _ATTENTION = int(Op.MATMUL), int(Op.ROTARY), int(Op.ATTENTION)
_GATE, _ADD, _HEAD_NORM = int(Op.GATE), int(Op.ADD), int(Op.HEAD_NORM)


@kernel
def run_step(threads: int, memory: Memory, tokens: Tokens, position: int) -> bool:
    """Run the Program for ``tokens`` at ``position`` and the positions after it.

    Args:
        threads: Above 1, helpers of the pool compute pieces of what is worth it.
        memory: Tables, weights and state; values and KV cache are written.
        tokens: int32 (M,), at most the rows the arena was made for.
        position: Rows already in the KV cache.

    Returns:
        False if it was stopped; then nothing before ``position`` has changed in the KV cache.

    Exactness:
        The same bits for every path of the panels, ``threads`` and split of tokens into steps.
    """
    buffers, values, inputs, cache = memory.buffers, memory.values, memory.inputs, memory.cache
    count = tokens.size
    partial = memory.partial[: memory.own.parts]
    claims.begin(memory.shares, threads)
    for i in range(memory.table.shape[0]):
        if memory.stop[0] != 0:
            return False
        row = memory.table[i]
        op, layer, variant = row[_OP], row[_LAYER], row[_VARIANT]
        source, target = block_of(buffers, row[_SOURCE]), block_of(buffers, row[_TARGET])
        pieces = pieces_of(memory.matrices, row[_WEIGHT])
        gains, bias = span_of(memory.matrices, row[_WEIGHT]), span_of(memory.matrices, row[_BIAS])
        order = order_of(memory.orders, row[_ORDER])
        rows = rows_of(memory.table, i, count)
        if op == _EMBED:
            vectors.embed(memory.panels, pieces, tokens, values, target)
            if variant >= 0:
                scale, cap = scaling_of(memory.scalings, variant)
                vectors.rescale(values, target, scale, cap, rows)
        elif op == _NORM:
            gain, eps = memory.vectors[gains], memory.norms[variant]
            if threads > 1 and share(memory, i, rows, position):
                pass
            elif memory.norm_shapes[variant, 0] == 1:
                vectors.layer_norm(values, source, gain, eps, order, partial, target, rows)
            else:
                vectors.norm(values, source, gain, eps, order, partial, target, rows)
            if row[_BIAS] >= 0:
                vectors.add_bias(values, target, memory.vectors[bias], rows)
        elif op == _HEAD_NORM:
            shape, eps = memory.norm_shapes[variant], memory.norms[variant]
            gain = memory.vectors[gains]
            vectors.head_norm(values, source, shape[1], shape[2], gain, eps, order, rows)
        elif op == _QUANTISE:
            if threads == 1 or not share(memory, i, rows, position):
                vectors.quantise(values, source, inputs, rows)
        elif op == _MATMUL:
            if threads == 1 or not share(memory, i, rows, position):
                multiply.matmul(memory.panels, pieces, inputs, order, values, target, rows)
            if row[_BIAS] >= 0:
                vectors.add_bias(values, target, memory.vectors[bias], rows)
            if variant >= 0:
                scale, cap = scaling_of(memory.scalings, variant)
                vectors.rescale(values, target, scale, cap, rows)
        elif op == _ROTARY:
            rotation = Rotation(memory.rotations[variant, 0], memory.rotations[variant, 1])
            vectors.rotate(values, source, row[_COUNT], memory.angles, rotation, position, rows)
        elif op == _ATTENTION:
            heads = heads_of(memory.attentions, memory.scores, variant, order)
            attend.append(values, source, heads, cache, layer, position, rows)
            if threads == 1 or not share(memory, i, rows, position):
                attend.attend(
                    values, source, heads, cache, layer, position, target, rows, memory.scratch[0]
                )
        elif op == _GATE:
            if threads == 1 or not share(memory, i, rows, position):
                vectors.gate(values, source, memory.activations[variant], target, rows)
        elif op == _ADD:
            scale, _ = scaling_of(memory.scalings, variant)
            vectors.add(values, source, block_of(buffers, row[_OTHER]), scale, target, rows)
    return True
