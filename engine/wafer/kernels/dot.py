"""The integer dot products of one group of 32 inputs with 64 outputs, for 1 or 4 rows.

Weights are unsigned bytes (w + 128) in panels: eight quads of inputs × 64 outputs × 4 inputs.
Activations are signed bytes; ``correction`` is −128 · Σ activations of the group, so that the
sums are exactly those of the signed weights.

Two paths with the same bits, chosen by the *type* of the ``path`` argument, so that a processor
without the instruction never sees its code: `VNNI` uses one dot-product instruction
(``vpdpbusd``, u8 × s8 → i32, no saturation), `PORTABLE` plain widening multiplications.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core import config as _numba_config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["GROUP_BYTES", "PANEL", "PORTABLE", "VNNI", "dot_four", "dot_one", "has_vnni"]

PANEL = 64
"""Outputs of a panel."""
GROUP_BYTES = 32 * PANEL
"""Bytes of one group of a panel."""

PORTABLE = np.int8(0)
VNNI = np.int16(0)

config: Any = _numba_config  # its fields are made at run time

_QUADS = 8
_VECTORS = 4  # 16 outputs each
_I8, _I16, _I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_V16X32, _V64X8 = ir.VectorType(_I32, 16), ir.VectorType(_I8, 64)
_V64X16, _V64X32 = ir.VectorType(_I16, 64), ir.VectorType(_I32, 64)


def has_vnni() -> bool:
    """Say whether code for this processor, as numba will generate it, may use `VNNI`."""
    if config.CPU_NAME is not None and binding.get_host_cpu_name() != config.CPU_NAME:
        return False
    if config.CPU_FEATURES is not None:
        return "+avx512vnni" in config.CPU_FEATURES
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni")) and bool(features.get("avx512bw"))


def _broadcast(builder: Any, scalar: Any) -> Any:
    """Return a vector of 16 copies of an i32."""
    undefined = ir.Constant(_V16X32, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(single, undefined, ir.Constant(_V16X32, [0] * 16))


def _accumulate_vnni(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    signature = ir.FunctionType(_V16X32, [_V16X32, _V64X8, _V64X8])
    name = "llvm.x86.avx512.vpdpbusd.512"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    return builder.call(function, [total, weights, inputs])


def _accumulate_portable(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    """Widen to 16 bits (255 · 127 fits), multiply, widen to 32, add the four of each output."""
    product = builder.mul(builder.zext(weights, _V64X16), builder.sext(inputs, _V64X16))
    wide = builder.sext(product, _V64X32)
    undefined = ir.Constant(_V64X32, ir.Undefined)
    for lane in range(4):
        picks = ir.Constant(_V16X32, [4 * output + lane for output in range(16)])
        total = builder.add(total, builder.shuffle_vector(wide, undefined, picks))
    return total


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, to: Any) -> Any:
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.PointerType(to))


def _load(builder: Any, pointer: Any, index: int, align: int) -> Any:
    value = builder.load(builder.gep(pointer, [ir.Constant(_I32, index)]))
    value.align = align
    return value


def _dot(rows: int) -> Any:
    def typer(
        typing_context: Any,
        path: Any,
        weights: Any,
        weight_offset: Any,
        inputs: Any,
        input_offset: Any,
        input_stride: Any,
        corrections: Any,
        correction_offset: Any,
        correction_stride: Any,
        sums: Any,
    ) -> Any:
        signature = types.void(
            path,
            weights,
            types.intp,
            inputs,
            types.intp,
            types.intp,
            corrections,
            types.intp,
            types.intp,
            sums,
        )
        accumulate = _accumulate_vnni if path == types.int16 else _accumulate_portable

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, w, w_at, x, x_at, x_step, c, c_at, c_step, out = args
            kinds = signature.args
            panel = _pointer(context, builder, kinds[1], w, w_at, _V64X8)
            zero = ir.Constant(args[2].type, 0)
            target = _pointer(context, builder, kinds[9], out, zero, _V16X32)
            for row in range(rows):
                step = ir.Constant(x_at.type, row)
                x_row = builder.add(x_at, builder.mul(x_step, step))
                c_row = builder.add(c_at, builder.mul(c_step, step))
                quads = _pointer(context, builder, kinds[3], x, x_row, _I32)
                start = _load(builder, _pointer(context, builder, kinds[6], c, c_row, _I32), 0, 4)
                totals = [_broadcast(builder, start)] * _VECTORS
                for quad in range(_QUADS):
                    four = _broadcast(builder, _load(builder, quads, quad, 1))
                    four = builder.bitcast(four, _V64X8)
                    for part in range(_VECTORS):
                        tile = _load(builder, panel, quad * _VECTORS + part, 1)
                        totals[part] = accumulate(builder, totals[part], tile, four)
                for part in range(_VECTORS):
                    place = ir.Constant(_I32, row * _VECTORS + part)
                    store = builder.store(totals[part], builder.gep(target, [place]))
                    store.align = 4
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _dot_one(
    typing_context: Any, path: Any, weights: Any, weight_offset: Any, inputs: Any,
    input_offset: Any, input_stride: Any, corrections: Any, correction_offset: Any,
    correction_stride: Any, sums: Any,
) -> Any:  # fmt: skip
    """One row: sums[0:64] ← the dot products of the group at ``weight_offset``."""
    return _dot(1)(
        typing_context, path, weights, weight_offset, inputs, input_offset, input_stride,
        corrections, correction_offset, correction_stride, sums,
    )  # fmt: skip


def _dot_four(
    typing_context: Any, path: Any, weights: Any, weight_offset: Any, inputs: Any,
    input_offset: Any, input_stride: Any, corrections: Any, correction_offset: Any,
    correction_stride: Any, sums: Any,
) -> Any:  # fmt: skip
    """Four rows, ``input_stride`` apart: sums[0:256], so that a weight is loaded once."""
    return _dot(4)(
        typing_context, path, weights, weight_offset, inputs, input_offset, input_stride,
        corrections, correction_offset, correction_stride, sums,
    )  # fmt: skip


dot_one = intrinsic(_dot_one)
dot_four = intrinsic(_dot_four)
