"""The decorators every kernel uses: the compile flags stand here and nowhere else."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["bare_kernel", "helper", "inlined", "kernel"]

# No fast-math anywhere: the order of a sum is part of the machine, and a contracted
# multiply–add would round once where the machine rounds twice.
_FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}

_BARE: dict[str, Any] = {**_FLAGS, "_nrt": False}
_PART: dict[str, Any] = {
    **_BARE,
    "cache": False, "_nrt": False, "forceinline": True,
    "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel: cached on disk, without the interpreter lock, without fast-math."""
    return njit(**_FLAGS)(function)


def helper(function: Callable[..., Any]) -> Any:
    """Compile a small function that only kernels call; LLVM inlines it."""
    return njit(**_FLAGS)(function)


def bare_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel that makes no array: nothing counts references, so rows cost nothing."""
    return njit(**_BARE)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a small function into every bare kernel that calls it; Python cannot call it."""
    return njit(**_PART)(function)
