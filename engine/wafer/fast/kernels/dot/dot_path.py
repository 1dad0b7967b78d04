"""A path to a dot product, and how numba tells paths apart.

numba compiles a kernel once for each combination of argument types.  Every path has a numba type of
its own, so that a processor without the instructions of a path never sees their code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

from engine.wafer.fast.kernels.dot.panel_layout import TileLayout

__all__ = ["DotPath", "DotPathType"]


@dataclass(frozen=True, slots=True)
class DotPath:
    """One way to compute the dot products of a tile.  Handed to a kernel, it chooses the code."""

    name: str
    """Shown to people and written in JSON."""
    requires: tuple[str, ...]
    """Features of the processor, as LLVM names them."""
    layout: TileLayout
    """How tiles must be packed for it."""
    emit: Callable[..., None]
    """Writes the code that adds a tile's terms to the sums of some rows: takes an IR builder, the
    tile's `vector_code.TilePointers` and a list of the rows' `vector_code.RowPointers`."""


class DotPathType(types.Opaque):
    """The numba type of a path.  A value of it holds nothing."""

    def __init__(self, path_name: str) -> None:
        self.path_name = path_name
        super().__init__(f"DotPath({path_name})")


register_model(DotPathType)(models.OpaqueModel)


@typeof_impl.register(DotPath)
def _typeof(path: DotPath, context: Any) -> DotPathType:
    return DotPathType(path.name)


@unbox(DotPathType)
def _unbox(kind: DotPathType, value: Any, context: Any) -> Any:
    return NativeValue(context.context.get_dummy_value())
