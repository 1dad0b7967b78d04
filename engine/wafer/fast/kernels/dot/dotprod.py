"""The path for ARM's dot products: ``sdot`` adds four products of signed bytes to an int32.

Levels of up to 6 bits are signed bytes as they are; of 8 bits, whose zero is 128, they are made so.
Before a block of many rows all levels are taken less their zero.
"""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.arm_features import DOT_PRODUCT
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I32, call, constant
from engine.wafer.fast.kernels.dot.wide_vectors import VectorCode
from engine.wafer.fast.kernels.dot.zero_point import from_zero, native_half

__all__ = ["DOTPROD"]

_LANES = 4
_SUMS = ir.VectorType(I32, _LANES)
_SIGN = 128


def _dots(builder: Any, storage: Storage, levels: list[Any], inputs: list[Any], total: Any) -> Any:
    is_byte = storage.levels.bits == 8
    sums = constant(_SUMS, 0) if is_byte else from_zero(builder, storage, total, _SUMS)
    for some, row in zip(levels, inputs, strict=True):
        signed = builder.xor(some, constant(some.type, _SIGN)) if is_byte else some
        sums = _added(builder, sums, signed, row)
    return sums


def _added(builder: Any, sums: Any, levels: Any, inputs: Any) -> Any:
    return call(builder, "llvm.aarch64.neon.sdot.v4i32.v16i8", _SUMS, [sums, levels, inputs])


class _SignedDots:
    """Sums of the products of levels that are less their zero already."""

    def __init__(self, builder: Any, storage: Storage, total: Any, lanes: int) -> None:
        self._builder, self._sums = builder, constant(_SUMS, 0)

    def add(self, levels: Any, inputs: Any) -> None:
        """Add a quad."""
        self._sums = _added(self._builder, self._sums, levels, inputs)

    def value(self) -> Any:
        """Return the sums."""
        return self._sums


DOTPROD = DotPath(
    "dotprod", (DOT_PRODUCT,), _LANES, _dots, native_half,
    VectorCode(4, 4, _SignedDots, lambda storage: True),
)  # fmt: skip
