"""The fast tier's loop: one compiled pass over the instruction table for the rows of a step.

Knows the instruction table and the kernels; nothing of models, cycles or how tables were made.
Instructions that only move data (multicast, send, receive) have nothing to compute here: on the
host a value is where it is.
"""

from typing import Any, NamedTuple

from engine.wafer.fast.kernels import attend, multiply, vectors
from engine.wafer.jit.decorators import kernel
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
_EMBED, _NORM, _QUANTISE = int(Op.EMBED), int(Op.NORM), int(Op.QUANTISE)
_MATMUL, _ROTARY, _ATTENTION = int(Op.MATMUL), int(Op.ROTARY), int(Op.ATTENTION)
_GATE, _ADD = int(Op.GATE), int(Op.ADD)

_PARALLEL_PRODUCTS = 1 << 19
"""Multiply–accumulates below which starting threads costs more than it saves (about 3 µs)."""


class Memory(NamedTuple):
    """Everything a step reads and writes, as flat arrays."""

    table: Any
    """Instructions, int64 (n, FIELDS)."""
    buffers: Any
    """Per buffer its offset in `values` and its width, int64 (buffers, 2)."""
    matrices: Any
    """Per matrix: offset in `weights`, in `scales` or `vectors`, inputs, outputs; int64 (·, 4)."""
    orders: Any
    """Reduction orders (parts, group), int64 (orders, 2)."""
    norms: Any
    """Per kind of norm its eps, float32 (norms,)."""
    rotaries: Any
    """Per kind of rotation: offset in `cosine` and `sine`, width of a head; int64 (rotaries, 2)."""
    attentions: Any
    """Per kind of attention: heads, KV heads, width of a head, parts of a head; int64 (·, 4)."""
    score_scales: Any
    """Per kind of attention the factor of its scores, float32 (attentions,)."""
    weights: Any
    """uint8 panels of all matrices."""
    scales: Any
    """float32 scales of all panels."""
    vectors: Any
    """float32 norm weights."""
    values: Any
    """float32 arena of the buffers, each (max rows, width)."""
    quantised: Any
    """int8 (max rows, widest input)."""
    input_scales: Any
    """float32 (max rows, most groups)."""
    corrections: Any
    """int32 (max rows, most groups)."""
    partial: Any
    """float32 scratch, one per part of a norm."""
    k_cache: Any
    """float32 (layers, kv_heads, D, T) holding fp16 numbers."""
    v_cache: Any
    """float32 (layers, kv_heads, T, D) holding fp16 numbers."""
    cosine: Any
    """float32, (T, D/2) for each kind of rotation."""
    sine: Any
    """float32, (T, D/2) for each kind of rotation."""
    context: int
    """Positions T of the KV cache."""


@kernel
def run_step(path: Any, threads: int, memory: Memory, tokens: Any, position: int) -> None:
    """Run the Program for ``tokens`` at ``position`` and the positions after it.

    Args:
        path: `dot.VNNI`, `dot.AVX2` or `dot.PORTABLE`; its type chooses the code.
        threads: Above 1, large products and many heads are shared among threads.
        memory: Tables, weights and state; values and KV cache are written.
        tokens: int32 (M,), at most the rows the arena was made for.
        position: Rows already in the KV cache.

    Exactness:
        The same bits for every ``path``, ``threads`` and split of tokens into steps.
    """
    rows = tokens.size
    values = memory.values
    stride_q = memory.quantised.shape[1]
    for i in range(memory.table.shape[0]):
        op = memory.table[i, _OP]
        first = rows - 1 if memory.table[i, _LAST_ROW] else 0
        source = max(memory.table[i, _SOURCE], 0)
        target = max(memory.table[i, _TARGET], 0)
        weight = max(memory.table[i, _WEIGHT], 0)
        order = max(memory.table[i, _ORDER], 0)
        variant = max(memory.table[i, _VARIANT], 0)
        at, width = memory.buffers[source, 0], memory.buffers[source, 1]
        to, out_width = memory.buffers[target, 0], memory.buffers[target, 1]
        parts, group = memory.orders[order, 0], memory.orders[order, 1]
        offset, scale_offset = memory.matrices[weight, 0], memory.matrices[weight, 1]
        inputs, outputs = memory.matrices[weight, 2], memory.matrices[weight, 3]
        groups = inputs // 32
        if op == _EMBED:
            for m in range(rows):
                vectors.embed(
                    memory.weights[offset:], memory.scales[scale_offset:], groups, tokens[m],
                    values, to + m * out_width,
                )  # fmt: skip
        elif op == _NORM:
            gain = memory.vectors[scale_offset : scale_offset + inputs]
            for m in range(first, rows):
                vectors.norm(
                    values, at + m * width, width, gain, memory.norms[variant], parts, group,
                    memory.partial, values, to + m * out_width,
                )  # fmt: skip
        elif op == _QUANTISE:
            count = width // 32
            for m in range(first, rows):
                vectors.quantise(
                    values, at + m * width, count, memory.quantised.reshape(-1), m * stride_q,
                    memory.input_scales, memory.corrections, m * count,
                )  # fmt: skip
        elif op == _MATMUL:
            if threads > 1 and (rows - first) * inputs * outputs >= _PARALLEL_PRODUCTS:
                multiply.matmul_parallel(
                    path, memory.weights[offset:], memory.scales[scale_offset:], groups, parts,
                    group, memory.quantised.reshape(-1), stride_q, memory.input_scales,
                    memory.corrections, first, rows, values[to:], out_width, outputs,
                )  # fmt: skip
            else:
                multiply.matmul(
                    path, memory.weights[offset:], memory.scales[scale_offset:], groups, parts,
                    group, memory.quantised.reshape(-1), stride_q, memory.input_scales,
                    memory.corrections, first, rows, values[to:], out_width, outputs,
                )  # fmt: skip
        elif op == _ROTARY:
            start, head_dim = memory.rotaries[variant, 0], memory.rotaries[variant, 1]
            half = head_dim // 2
            for m in range(rows):
                angle = start + (position + m) * half
                vectors.rotate(
                    values, at + m * width, memory.table[i, _COUNT], head_dim,
                    memory.cosine[angle : angle + half], memory.sine[angle : angle + half],
                )  # fmt: skip
        elif op == _ATTENTION:
            layer = memory.table[i, _LAYER]
            heads, kv_heads = memory.attentions[variant, 0], memory.attentions[variant, 1]
            head_dim, dim_parts = memory.attentions[variant, 2], memory.attentions[variant, 3]
            scale = memory.score_scales[variant]
            key_at = at + heads * head_dim
            value_at = key_at + kv_heads * head_dim
            for m in range(rows):
                attend.append(
                    values, key_at + m * width, value_at + m * width, kv_heads, head_dim,
                    memory.k_cache, memory.v_cache, layer, position + m, memory.context,
                )  # fmt: skip
            products = rows * heads * (position + rows) * head_dim
            if threads > 1 and products >= _PARALLEL_PRODUCTS:
                attend.attend_parallel(
                    values, at, width, rows, heads, kv_heads, head_dim, memory.k_cache,
                    memory.v_cache, layer, position, memory.context, scale, parts, group,
                    dim_parts, values, to, out_width,
                )  # fmt: skip
            else:
                attend.attend(
                    values, at, width, rows, heads, kv_heads, head_dim, memory.k_cache,
                    memory.v_cache, layer, position, memory.context, scale, parts, group,
                    dim_parts, values, to, out_width,
                )  # fmt: skip
        elif op == _GATE:
            for m in range(rows):
                vectors.gate(values, at + m * width, width // 2, values, to + m * out_width)
        elif op == _ADD:
            other = memory.buffers[max(memory.table[i, _OTHER], 0), 0]
            for m in range(rows):
                vectors.add(values, at + m * width, other + m * width, width, to + m * out_width)
