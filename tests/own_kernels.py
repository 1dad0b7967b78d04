"""Kernels that tests compile in their own process, apart from those of processes that they start.

Tests import kernels from many modules and compile them for types of their own, outside the lock
under which the program fills its kernel cache and notes its checksums.  There the program takes
what they added for damage, removes it, and compiles it again.  So nothing vouches for the folder
of the tests: nobody hashes all of it whenever a test opens a wafer, and workers share it.
"""

from pathlib import Path
from typing import Any

from engine.paths import cache_dir
from engine.wafer.jit import kernel_cache

__all__ = ["PROGRAM", "install"]

PROGRAM: dict[str, Any] = {name: getattr(kernel_cache, name) for name in ("folder", "record")}
"""What the program does instead, for the tests of just that."""


def install() -> None:
    """Give this process its folder, before it imports a module of kernels."""
    kernel_cache.folder = _folder
    kernel_cache.record = _record


def _folder() -> Path:
    return cache_dir() / "kernels-of-tests" / kernel_cache.key()


def _record(place: Path) -> None:
    """Note nothing."""
