"""Products: a path and a storage together, and how numba tells such pairs apart.

numba compiles a kernel once for each combination of argument types.  Every pair has a numba type of
its own, so that a processor without the instructions of a path never sees their code, and a model
waits for the storages that it has.
"""

from dataclasses import dataclass
from typing import Any

from numba import types
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.storage import Storage

__all__ = ["Products", "ProductsType"]


@dataclass(frozen=True, slots=True)
class Products:
    """Products by a path with weights in a storage.  Handed to a kernel, it chooses the code."""

    path: DotPath
    storage: Storage


class ProductsType(types.Opaque):
    """The numba type of a pair.  A value of it holds nothing."""

    def __init__(self, path_name: str, storage_name: str) -> None:
        self.path_name, self.storage_name = path_name, storage_name
        super().__init__(f"Products({path_name}, {storage_name})")


register_model(ProductsType)(models.OpaqueModel)


@typeof_impl.register(Products)
def _typeof(products: Products, context: Any) -> ProductsType:
    return ProductsType(products.path.name, products.storage.name)


@unbox(ProductsType)
def _unbox(kind: ProductsType, value: Any, context: Any) -> Any:
    return NativeValue(context.context.get_dummy_value())
