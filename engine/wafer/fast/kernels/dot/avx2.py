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
from engine.wafer.fast.kernels.dot.wide_vectors import Dots, VectorCode
from engine.wafer.fast.kernels.dot.zero_point import from_zero, native_half

__all__ = ["AVX2"]

_V8X32, _V16X16, _V32X8 = ir.VectorType(I32, 8), ir.VectorType(I16, 16), ir.VectorType(I8, 32)
_LARGEST_INPUT = 127


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    if storage.levels.bits == 8:
        return _signed_dots(builder, levels, inputs)
    sums = from_zero(builder, storage, total, _V8X32)
    together = _together(storage)
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
        levels_less_zero = builder.xor(some, constant(_V32X8, 128))
        sums = builder.add(sums, _signed(builder, levels_less_zero, row))
    return sums


def _signed(builder: Any, levels: Any, row: Any) -> Any:
    """Return the products of a quad of signed levels, int32."""
    magnitudes = call(builder, "llvm.abs.v32i8", _V32X8, [levels, ir.Constant(I1, 0)])
    turned = call(builder, "llvm.x86.avx2.psign.b", _V32X8, [row, levels])
    return _widened(builder, _pairs(builder, magnitudes, turned))


def _pairs(builder: Any, unsigned: Any, signed: Any) -> Any:
    return call(builder, "llvm.x86.avx2.pmadd.ub.sw", _V16X16, [unsigned, signed])


def _widened(builder: Any, pairs: Any) -> Any:
    """Return the sum of the two pairs of each output, int32."""
    return call(builder, "llvm.x86.avx2.pmadd.wd", _V8X32, [pairs, constant(_V16X16, 1)])


class _WideDots:
    """Pairs of products in 16 bits, as many quads together as cannot overflow, then in 32."""

    def __init__(self, builder: Any, storage: Storage, total: Any, lanes: int) -> None:
        self._builder = builder
        self._sums = from_zero(builder, storage, total, _V8X32)
        self._together = _together(storage)
        self._pairs: Any = None
        self._added = 0

    def add(self, levels: Any, inputs: Any) -> None:
        """Add a quad."""
        pairs = _pairs(self._builder, levels, inputs)
        self._pairs = pairs if self._added == 0 else self._builder.add(self._pairs, pairs)
        self._added += 1
        if self._added == self._together:
            self._widen()

    def _widen(self) -> None:
        self._sums = self._builder.add(self._sums, _widened(self._builder, self._pairs))
        self._added = 0

    def value(self) -> Any:
        """Return the sums."""
        if self._added:
            self._widen()
        return self._sums


class _SignedWideDots:
    """Magnitudes of signed levels by inputs that took over the signs, widened at once."""

    def __init__(self, builder: Any, storage: Storage, total: Any, lanes: int) -> None:
        self._builder, self._sums = builder, constant(_V8X32, 0)

    def add(self, levels: Any, inputs: Any) -> None:
        """Add a quad."""
        self._sums = self._builder.add(self._sums, _signed(self._builder, levels, inputs))

    def value(self) -> Any:
        """Return the sums."""
        return self._sums


def _wide_dots(builder: Any, storage: Storage, total: Any, lanes: int) -> Dots:
    kind = _SignedWideDots if _is_signed(storage) else _WideDots
    return kind(builder, storage, total, lanes)


def _is_signed(storage: Storage) -> bool:
    return storage.levels.bits == 8


def _together(storage: Storage) -> int:
    """Return how many quads' pairs of products 16 bits hold."""
    largest: int = 2**storage.levels.bits - 1
    return (2**15 - 1) // (2 * largest * _LARGEST_INPUT)


AVX2 = DotPath(
    "avx2", ("avx2", "f16c"), 8, _dots, native_half, VectorCode(4, 2, _wide_dots, _is_signed)
)
