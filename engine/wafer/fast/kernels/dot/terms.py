"""Tiles, as kernels call them: the terms of one for 1 or 4 rows, and a tile unpacked.

One compiled piece from the bytes to the sums, so that nothing is written and read again between.
The type of the `Products` chooses the code, which `engine.wafer.fast.kernels.dot.tile_code` writes.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.dot.tile_code import add_terms, unpack
from engine.wafer.fast.kernels.dot.vector_code import F32, I8, I32, RowPointers, Tile, VectorLoads

__all__ = ["terms_of_four", "terms_of_one", "unpack_tile"]


def _terms(rows: int) -> Callable[..., Any]:
    """Return the typer of an intrinsic for ``rows`` rows; numba needs its arguments' names."""

    def typer(
        typing_context: Any, products: Any, weights: Any, panel: Any, group: Any, inputs: Any,
        at: Any, groups: Any, part: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(products, weights, place, place, inputs, place, place, part)
        path, storage = _named(products)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Operands(context, builder, signature.args, args)
            tile = operands.tile(path, storage)
            add_terms(builder, path, storage, tile, [operands.row(row) for row in range(rows)])
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _named(products: Any) -> Any:
    return path_table.path_named(products.path_name), STORAGES[products.storage_name]


class _Operands:
    """The arguments of one call, as pointers."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any) -> None:
        self._context, self._builder, self._kinds, self._args = context, builder, kinds, args

    def tile(self, path: Any, storage: Any) -> Tile:
        """Return the tile's bytes; arguments 1 to 3 are weights, panel and group."""
        panel = self.data(self._kinds[1], self._args[1], self._args[2], I8)
        pointers = storage.pointers(self._builder, panel, self._args[3])
        header, levels, scales = (
            VectorLoads(self._builder, start, path.lanes) for start in pointers
        )
        return Tile(header, levels, scales, path.widen)

    def row(self, number: int) -> RowPointers:
        """Return where the operands of a row lie; rows are ``groups`` groups apart."""
        group = self._builder.add(self._args[5], self._times(self._args[6], number))
        part = ir.Constant(group.type, number * PANEL)
        return RowPointers(
            self._input("levels", self._times(group, GROUP), I8),
            self._input("sums", self._times(group, 2), I32),
            self._input("scales", group, F32),
            self.data(self._kinds[7], self._args[7], part, F32),
        )

    def data(self, kind: Any, array: Any, offset: Any, to: Any) -> Any:
        """Return a pointer to an element of an array."""
        data = make_array(kind)(self._context, self._builder, array).data
        return self._builder.bitcast(self._builder.gep(data, [offset]), ir.PointerType(to))

    def start(self, argument: int, to: Any) -> Any:
        """Return a pointer to the first element of an argument."""
        kind = self._kinds[argument]
        return self.data(kind, self._args[argument], ir.Constant(self._args[3].type, 0), to)

    def _times(self, value: Any, factor: int) -> Any:
        return self._builder.mul(value, ir.Constant(value.type, factor))

    def _input(self, field: str, offset: Any, to: Any) -> Any:
        """Return a pointer into an array that is a field of the inputs."""
        kind, index = self._kinds[4], self._kinds[4].fields.index(field)
        array = self._builder.extract_value(self._args[4], index)
        return self.data(kind.types[index], array, offset, to)


def _unpack(
    typing_context: Any, products: Any, weights: Any, panel: Any, group: Any, levels: Any,
    scales: Any, minima: Any,
) -> Any:  # fmt: skip
    signature = types.void(products, weights, types.intp, types.intp, levels, scales, minima)
    path, storage = _named(products)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        operands = _Operands(context, builder, signature.args, args)
        results = operands.start(4, I8), operands.start(5, F32), operands.start(6, F32)
        unpack(builder, storage, operands.tile(path, storage), *results)
        return context.get_dummy_value()

    return signature, codegen


terms_of_one = intrinsic(_terms(1))
"""``terms_of_one(products, weights, panel, group, inputs, at, groups, part)``: part[0:64] += the
terms of one row.  ``panel`` counts bytes of the weights, ``group`` tiles of the panel, ``at`` groups
of the inputs; a row has ``groups``."""

terms_of_four = intrinsic(_terms(4))
"""The same for four rows, which take the weights from memory once: part[0:256] += their terms."""

unpack_tile = intrinsic(_unpack)
"""``unpack_tile(products, weights, panel, group, levels, scales, minima)``: writes what a tile
holds, int8 (2,048), float32 (128) and (64), as `tile_code.unpack` says."""
