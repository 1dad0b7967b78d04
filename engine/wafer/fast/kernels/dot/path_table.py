"""All paths, and which of them this processor has."""

from typing import Any

from llvmlite import binding
from numba.core import config as _numba_config

from engine.wafer.fast.kernels.dot.amx import AMX
from engine.wafer.fast.kernels.dot.arm_features import implied_features
from engine.wafer.fast.kernels.dot.avx2 import AVX2
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.dotprod import DOTPROD
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.dot.vnni import AVX_VNNI, VNNI

__all__ = ["PATHS", "best_path", "is_usable", "path_named"]

PATHS = (AMX, VNNI, AVX_VNNI, AVX2, DOTPROD, PORTABLE)
"""All paths, the fastest first; the last one needs nothing."""

config: Any = _numba_config  # its fields are made at run time


def best_path() -> DotPath:
    """Return the fastest path that this processor has."""
    return next(path for path in PATHS if is_usable(path))


def path_named(name: str) -> DotPath:
    """Return the path called ``name``.

    Raises:
        KeyError: There is no such path.
    """
    return {path.name: path for path in PATHS}[name]


def is_usable(path: DotPath) -> bool:
    """Say whether code for this processor, as numba will generate it, may take a path."""
    return _is_generated(path) and path.permitted()


def _is_generated(path: DotPath) -> bool:
    """Say whether numba generates the instructions of a path."""
    if not path.requires:
        return True
    if config.CPU_NAME is not None and binding.get_host_cpu_name() != config.CPU_NAME:
        return False
    if config.CPU_FEATURES is not None:
        asked = config.CPU_FEATURES.split(",")
        return all(f"+{feature}" in asked for feature in path.requires)
    known = binding.get_host_cpu_features()
    implied = implied_features()
    return all(known.get(feature) or feature in implied for feature in path.requires)
