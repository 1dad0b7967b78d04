"""The path for every processor: plain widening multiplications, which LLVM makes the best of."""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import UNSIGNED_QUADS
from engine.wafer.fast.kernels.dot.vector_code import I16, I32
from engine.wafer.fast.kernels.dot.wide_vectors import V16X32, in_wide_vectors

__all__ = ["PORTABLE"]

_V64X16, _V64X32 = ir.VectorType(I16, 64), ir.VectorType(I32, 64)


def _accumulate(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    """Widen to 16 bits (255 · 127 fits), multiply, widen to 32, add the four of each output."""
    product = builder.mul(builder.zext(weights, _V64X16), builder.sext(inputs, _V64X16))
    wide = builder.sext(product, _V64X32)
    undefined = ir.Constant(_V64X32, ir.Undefined)
    for lane in range(4):
        picks = ir.Constant(V16X32, [4 * output + lane for output in range(16)])
        total = builder.add(total, builder.shuffle_vector(wide, undefined, picks))
    return total


PORTABLE = DotPath("portable", (), UNSIGNED_QUADS, in_wide_vectors(_accumulate))
