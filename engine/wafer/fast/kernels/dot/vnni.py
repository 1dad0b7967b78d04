"""The path for AVX512-VNNI: one instruction, ``vpdpbusd``, adds four products to an int32.

It multiplies unsigned bytes by signed ones and does not saturate.
"""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I32, call, constant
from engine.wafer.fast.kernels.dot.zero_point import from_zero, native_half

__all__ = ["VNNI"]

_V16X32 = ir.VectorType(I32, 16)


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    """Odd quads come raised: their sum, below 2^20, is lowered once, which is exact."""
    even = _added(builder, from_zero(builder, storage, total, _V16X32), levels[::2], inputs[::2])
    odd = _added(builder, constant(_V16X32, 0), levels[1::2], inputs[1::2])
    lowered = builder.ashr(odd, constant(_V16X32, storage.levels.raised(1)))
    return builder.add(even, lowered)


def _added(builder: Any, sums: Any, levels: list[Any], inputs: list[Any]) -> Any:
    for some, row in zip(levels, inputs, strict=True):
        sums = call(builder, "llvm.x86.avx512.vpdpbusd.512", _V16X32, [sums, some, row])
    return sums


VNNI = DotPath("avx512-vnni", ("avx512vnni", "avx512bw"), 16, _dots, native_half, takes_raised=True)
