"""One group of inputs quantised, in vectors of 16 whatever the processor: LLVM splits them."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot.panel_layout import GROUP, HALF
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I8,
    I32,
    broadcast,
    call,
    constant,
    load,
    masked,
    store,
)

__all__ = ["quantise_group"]

intrinsic: Any = _intrinsic  # its type counts one argument too many

_LIMIT = 127.0
_ROUNDER = 12582912.0
"""1.5 · 2²³: added and taken away again, it leaves the nearest integer, ties to even."""
_REAL, _WHOLE = ir.VectorType(F32, HALF), ir.VectorType(I32, HALF)


@intrinsic
def quantise_group(
    typing_context: Any, values: Any, at: Any, levels: Any, scales: Any, sums: Any, group: Any
) -> Any:
    """Round 32 values to int8; keep their scale and the sums of both halves of the levels.

    ``at`` counts elements of ``values``, ``group`` those of ``scales``, and so the others.
    """
    place = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(number: int, element: Any) -> Any:
            array = make_array(signature.args[number])(context, builder, args[number])
            return builder.gep(array.data, [element])

        def times(count: int) -> Any:
            return builder.mul(args[5], ir.Constant(args[5].type, count))

        halves = _halves(builder, pointer(0, args[1]))
        scale = builder.fdiv(_magnitude(builder, halves), ir.Constant(F32, _LIMIT))
        builder.store(scale, pointer(3, args[5]))
        to, totals = pointer(2, times(GROUP)), pointer(4, times(2))
        for number, half in enumerate(halves):
            whole = _levels(builder, half, scale)
            store(builder, to, number, builder.trunc(whole, ir.VectorType(I8, HALF)))
            total = call(builder, "llvm.vector.reduce.add.v16i32", I32, [whole])
            builder.store(total, builder.gep(totals, [ir.Constant(I32, number)]))
        return context.get_dummy_value()

    return types.void(values, place, levels, scales, sums, place), codegen


def _halves(builder: Any, start: Any) -> list[Any]:
    """Return the first and the last 16 of 32 numbers."""
    vectors = builder.bitcast(start, ir.PointerType(_REAL))
    return [load(builder, vectors, number, 4) for number in range(GROUP // HALF)]


def _magnitude(builder: Any, vectors: list[Any]) -> Any:
    """Return the largest magnitude: without their signs, numbers are ordered as their bits."""
    magnitudes = [masked(builder, builder.bitcast(each, _WHOLE), 0x7FFFFFFF) for each in vectors]
    larger = builder.icmp_unsigned(">", *magnitudes)
    both = builder.select(larger, *magnitudes)
    return builder.bitcast(call(builder, "llvm.vector.reduce.umax.v16i32", I32, [both]), F32)


def _levels(builder: Any, values: Any, scale: Any) -> Any:
    """Return values ÷ scale as integers from −127 to 127; 0 where the scale is 0."""
    ratio = builder.fdiv(values, broadcast(builder, scale, _REAL))
    rounder = constant(_REAL, _ROUNDER)
    ratio = builder.fsub(builder.fadd(ratio, rounder), rounder)
    low, high = constant(_REAL, -_LIMIT), constant(_REAL, _LIMIT)
    ratio = builder.select(builder.fcmp_ordered(">", ratio, low), ratio, low)
    ratio = builder.select(builder.fcmp_ordered("<", ratio, high), ratio, high)
    positive = builder.fcmp_ordered(">", scale, ir.Constant(F32, 0.0))
    return builder.select(positive, builder.fptosi(ratio, _WHOLE), constant(_WHOLE, 0))
