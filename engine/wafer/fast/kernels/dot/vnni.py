"""The path for AVX512-VNNI: one instruction, ``vpdpbusd``, adds four products to an int32.

It multiplies unsigned bytes by signed ones and does not saturate.
"""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I32, ON_ZEN, call, constant
from engine.wafer.fast.kernels.dot.wide_vectors import VectorCode
from engine.wafer.fast.kernels.dot.zero_point import from_zero, native_half

__all__ = ["AVX_VNNI", "VNNI"]


class _WideDots:
    """Sums of 32 bits, to which products are added as they are made."""

    def __init__(self, builder: Any, storage: Storage, total: Any, lanes: int) -> None:
        self._builder = builder
        self._sums = from_zero(builder, storage, total, ir.VectorType(I32, lanes))
        self._name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes}"

    def add(self, levels: Any, inputs: Any) -> None:
        """Add a quad."""
        arguments = [self._sums, levels, inputs]
        self._sums = call(self._builder, self._name, self._sums.type, arguments)

    def value(self) -> Any:
        """Return the sums."""
        return self._sums


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    """Odd quads come raised: their sum, below 2^20, is lowered once, which is exact."""
    lanes = levels[0].type.count // 4
    even = _WideDots(builder, storage, total, lanes)
    odd = _WideDots(builder, storage, ir.Constant(I32, 0), lanes)
    for number, (some, row) in enumerate(zip(levels, inputs, strict=True)):
        (odd if number % 2 else even).add(some, row)
    bits = constant(even.value().type, storage.levels.raised(1))
    return builder.add(even.value(), builder.ashr(odd.value(), bits))


VNNI = DotPath(
    "vnni",
    ("avx512vnni", "avx512bw"),
    16,
    _dots,
    native_half,
    VectorCode(4, 4, _WideDots),
    wide_rows=16 if ON_ZEN else 8,
    takes_raised=True,
)
AVX_VNNI = DotPath(
    "avx-vnni",
    ("avxvnni", "avx2", "f16c"),
    8,
    _dots,
    native_half,
    VectorCode(4, 2, _WideDots),
    takes_raised=True,
)
