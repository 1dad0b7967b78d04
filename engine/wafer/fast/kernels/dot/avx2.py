"""The path for AVX2: ``vpmaddubsw`` multiplies unsigned bytes by signed ones, two to an int16.

Levels of up to 6 bits go in as they are: two products are at most 2 · 63 · 127 < 2¹⁵, and where
they are smaller the pairs of several quads are added before they are widened.  Levels of 8 bits
would saturate; they become signed again: |w| · (x · sign w) = w · x, and two of these are at most
2 · 128 · 127 < 2¹⁵.
"""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I1, I8, I16, I32, call, constant
from engine.wafer.fast.kernels.dot.zero_point import from_zero, native_half

__all__ = ["AVX2"]

_V8X32, _V16X16, _V32X8 = ir.VectorType(I32, 8), ir.VectorType(I16, 16), ir.VectorType(I8, 32)
_LARGEST_INPUT = 127


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    if storage.levels.bits == 8:
        return _signed_dots(builder, levels, inputs)
    sums = from_zero(builder, storage, total, _V8X32)
    together = (2**15 - 1) // (2 * (2**storage.levels.bits - 1) * _LARGEST_INPUT)
    for first in range(0, len(levels), together):
        pairs = constant(_V16X16, 0)
        for some, row in list(zip(levels, inputs, strict=True))[first : first + together]:
            pairs = builder.add(pairs, _pairs(builder, some, row))
        sums = builder.add(sums, _widened(builder, pairs))
    return sums


def _signed_dots(builder: Any, levels: list[Any], inputs: list[Any]) -> Any:
    """Multiply magnitudes by inputs that took over the signs; 128, that of −128, fits a byte."""
    sums = constant(_V8X32, 0)
    for some, row in zip(levels, inputs, strict=True):
        signed = builder.xor(some, constant(_V32X8, 128))
        magnitudes = call(builder, "llvm.abs.v32i8", _V32X8, [signed, ir.Constant(I1, 0)])
        turned = call(builder, "llvm.x86.avx2.psign.b", _V32X8, [row, signed])
        sums = builder.add(sums, _widened(builder, _pairs(builder, magnitudes, turned)))
    return sums


def _pairs(builder: Any, unsigned: Any, signed: Any) -> Any:
    return call(builder, "llvm.x86.avx2.pmadd.ub.sw", _V16X16, [unsigned, signed])


def _widened(builder: Any, pairs: Any) -> Any:
    """Return the sum of the two pairs of each output, int32."""
    return call(builder, "llvm.x86.avx2.pmadd.wd", _V8X32, [pairs, constant(_V16X16, 1)])


AVX2 = DotPath("avx2", ("avx2", "f16c"), 8, _dots, native_half)
