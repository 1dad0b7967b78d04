"""Chooses the kernels' cache before a test imports them: numba fixes the folder then."""

from engine.wafer.jit import kernel_cache

kernel_cache.use()
