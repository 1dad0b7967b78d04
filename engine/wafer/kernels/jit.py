"""The decorators every kernel uses: the compile flags stand here and nowhere else."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["helper", "kernel", "parallel_kernel"]

# No fast-math anywhere: the order of a sum is part of the machine, and a contracted
# multiply–add would round once where the machine rounds twice.
_FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": False, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel: cached on disk, without the interpreter lock, without fast-math."""
    return njit(**_FLAGS)(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel whose ``prange`` loop shares independent outputs among threads."""
    return njit(parallel=True, **_FLAGS)(function)


def helper(function: Callable[..., Any]) -> Any:
    """Compile a small function that only kernels call; LLVM inlines it."""
    return njit(**_FLAGS)(function)
