"""The path for AMX: many rows by tile registers, few rows as `vnni` does.

The registers need the system's permission, which Linux gives a process that asks.
"""

import ctypes
import platform
import sys
from functools import cache

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.tile_registers import TileCode
from engine.wafer.fast.kernels.dot.vnni import VNNI

__all__ = ["AMX"]

_ARCH_PRCTL = 158
"""The number of the system call on x86-64."""
_REQUEST_PERMISSION = 0x1023
"""ARCH_REQ_XCOMP_PERM.  Source: Linux, Documentation/arch/x86/xstate.rst."""
_TILE_DATA = 18
"""The number of the state that tile registers are."""


@cache
def _permitted() -> bool:
    """Ask for tile registers, for all threads of this process; say whether they were given."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    system = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_long(n) for n in (_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA))
    return bool(system.syscall(*arguments) == 0)


AMX = DotPath(
    "amx",
    ("amx-int8", "amx-tile", *VNNI.requires),
    VNNI.lanes,
    VNNI.dots,
    VNNI.widen,
    TileCode(),
    wide_rows=12,
    takes_raised=VNNI.takes_raised,
    few_rows=VNNI,
    permitted=lambda: _permitted(),
)
