"""The rate of AMX's tile products, int8 × int8 to int32: a loop over tile registers alone."""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["MACS", "is_permitted", "tile_loop"]

MACS = 4 * 16 * 16 * 64
"""Multiply–accumulates of an iteration: four products of 16 × 64 by 64 × 16."""

_PRODUCTS = ((0, 4, 6), (1, 4, 7), (2, 5, 6), (3, 5, 7))
"""Tile registers: the sum, which no other product of an iteration touches, and two operands."""
_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18
"""Source: Linux, Documentation/arch/x86/xstate.rst."""
_I8 = ir.IntType(8)


def is_permitted() -> bool:
    """Ask the system for tile registers, for all threads; return whether it grants them."""
    system = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_long(n) for n in (_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA))
    return bool(system.syscall(*arguments) == 0)


def _configuration() -> Any:
    """Return the 64 bytes that make eight tiles of 16 rows of 64 bytes.

    Source: Intel 64 and IA-32 Architectures Software Developer's Manual, LDTILECFG.
    """
    layout = np.zeros(64, np.uint8)
    layout[0] = 1  # the only palette
    layout[16:32].view(np.uint16)[:] = 64
    layout[48:56] = 16
    return layout


@intrinsic  # type: ignore[untyped-decorator]
def _multiply(typing_context: Any, layout: Any, count: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def call(name: str, *operands: Any) -> None:
            kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}")
            builder.call(function, operands)

        call("ldtilecfg", builder.inttoptr(arguments[0], ir.PointerType(_I8)))
        for tile in range(8):
            call("tilezero", ir.Constant(_I8, tile))
        with cgutils.for_range(builder, arguments[1]):
            for tiles in _PRODUCTS:
                call("tdpbssd", *(ir.Constant(_I8, tile) for tile in tiles))
        call("tilerelease")
        return context.get_dummy_value()

    return types.void(types.intp, types.int64), code


@njit(nogil=True)
def _loop(layout: Any, count: Any) -> None:
    _multiply(layout.ctypes.data, count)


def tile_loop(count: int) -> None:
    """Multiply tiles ``count`` times; only where `is_permitted`."""
    _loop(_configuration(), count)
