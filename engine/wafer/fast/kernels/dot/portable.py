"""The path for every processor: plain widening multiplications, which LLVM makes the best of."""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I16, I32
from engine.wafer.fast.kernels.dot.zero_point import from_zero

__all__ = ["PORTABLE"]

_LANES = 16
_V16X32 = ir.VectorType(I32, _LANES)
_V64X16, _V64X32 = ir.VectorType(I16, 4 * _LANES), ir.VectorType(I32, 4 * _LANES)


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    """Widen to 16 bits (255 · 127 fits), multiply, widen to 32, add the four of each output."""
    sums = from_zero(builder, storage, total, _V16X32)
    undefined = ir.Constant(_V64X32, ir.Undefined)
    for some, row in zip(levels, inputs, strict=True):
        product = builder.mul(builder.zext(some, _V64X16), builder.sext(row, _V64X16))
        wide = builder.sext(product, _V64X32)
        for lane in range(4):
            picks = ir.Constant(_V16X32, [4 * output + lane for output in range(_LANES)])
            sums = builder.add(sums, builder.shuffle_vector(wide, undefined, picks))
    return sums


PORTABLE = DotPath("portable", (), _LANES, _dots)
