"""The decorators every kernel uses: the compile flags stand here and nowhere else."""

from collections.abc import Callable
from typing import Any

from engine.wafer.jit.numba_settings import load_numba

__all__ = ["helper", "inlined", "kernel", "kernel_with_arrays"]

_njit = load_numba().njit

# No fast-math anywhere: the order of a sum is part of the machine, and a contracted
# multiply–add would round once where the machine rounds twice.
_COUNTED: dict[str, Any] = {
    "cache": True, "nogil": True, "fastmath": False, "error_model": "numpy",
}  # fmt: skip

# Nothing counts references to arrays: every count is an atomic addition, and a call with its tuples
# of arrays has dozens of them: of a panel of 256 inputs they were a third, 150 ns.
_FLAGS: dict[str, Any] = {**_COUNTED, "_nrt": False}
_PART: dict[str, Any] = {
    **_FLAGS,
    "cache": False, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel: cached on disk, without the interpreter lock, without fast-math.

    It makes no array: see `kernel_with_arrays`.
    """
    return _njit(**_FLAGS)(function)


def kernel_with_arrays(function: Callable[..., Any]) -> Any:
    """Compile a kernel that makes arrays of its own, whose references are counted."""
    return _njit(**_COUNTED)(function)


def helper(function: Callable[..., Any]) -> Any:
    """Compile a small function that only kernels call; LLVM inlines it.  It makes no array."""
    return _njit(**_FLAGS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a small function into every kernel that calls it; Python cannot call it."""
    return _njit(**_PART)(function)
