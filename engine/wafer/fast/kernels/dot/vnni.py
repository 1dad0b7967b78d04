"""The path for AVX512-VNNI: one instruction, ``vpdpbusd``, adds four products to an int32.

It multiplies unsigned bytes by signed ones and does not saturate.
"""

from typing import Any

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import UNSIGNED_QUADS
from engine.wafer.fast.kernels.dot.vector_code import call
from engine.wafer.fast.kernels.dot.wide_vectors import V16X32, in_wide_vectors

__all__ = ["VNNI"]


def _accumulate(builder: Any, total: Any, weights: Any, inputs: Any) -> Any:
    return call(builder, "llvm.x86.avx512.vpdpbusd.512", V16X32, [total, weights, inputs])


VNNI = DotPath(
    "avx512-vnni", ("avx512vnni", "avx512bw"), UNSIGNED_QUADS, in_wide_vectors(_accumulate)
)
