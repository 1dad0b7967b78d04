"""Tiles, as kernels call them: a part of a sum for 1 or 4 rows, and a tile unpacked.

One compiled piece from the bytes to the sums, so that nothing is written and read again between.
The type of the `Products` chooses the code, which `engine.wafer.fast.kernels.dot.tile_code` writes.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, LINE, PANEL
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.dot.tile_code import add_terms, unpack
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I8,
    I32,
    RowPointers,
    Tile,
    VectorLoads,
    constant,
    load,
    prefetch,
    store,
)

__all__ = ["part_of_four", "part_of_one", "unpack_tile"]

intrinsic: Any = _intrinsic  # its type counts one argument too many

_AHEAD_BYTES = 8192
"""How far ahead of its use memory is asked for.  A processor sees too few loads ahead, and its own
prefetching ends with each page: half the speed without."""


def _part(rows: int) -> Callable[..., Any]:
    """Return the typer of an intrinsic for ``rows`` rows; numba needs its arguments' names."""

    def typer(
        typing_context: Any, products: Any, weights: Any, panel: Any, groups: Any, first: Any,
        last: Any, inputs: Any, row: Any, chain: Any, begins: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(
            products, weights, place, place, place, place, inputs, place, chain, types.boolean
        )
        path, storage = _named(products)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Operands(context, builder, signature.args, args)
            parts = [_sums(builder, path.lanes) for _ in range(rows)]
            with cgutils.for_range(builder, args[5], start=args[4]) as loop:
                tile = operands.tile(path, storage, loop.index)
                prefetch(builder, tile.ahead(_AHEAD_BYTES), storage.tile_bytes // LINE)
                pointers = [operands.row(row, loop.index, parts[row]) for row in range(rows)]
                add_terms(builder, path, storage, tile, pointers)
            for row in range(rows):
                for number, sums in enumerate(parts[row]):
                    at = row * len(parts[row]) + number
                    _chain(builder, operands.start(8, F32), at, builder.load(sums), args[9])
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _sums(builder: Any, lanes: int) -> list[Any]:
    """Return pointers to the 64 sums of a row, which are 0."""
    zero = constant(ir.VectorType(F32, lanes), 0.0)
    return [cgutils.alloca_once_value(builder, zero) for _ in range(PANEL // lanes)]


def _chain(builder: Any, chain: Any, number: int, sums: Any, begins: Any) -> None:
    """Write a vector of sums where the chain begins with it, else of sums + chain."""
    vectors = builder.bitcast(chain, ir.PointerType(sums.type))
    longer = builder.fadd(sums, load(builder, vectors, number, 4))
    store(builder, chain, number, builder.select(begins, sums, longer))


def _named(products: Any) -> Any:
    return path_table.path_named(products.path_name), STORAGES[products.storage_name]


class _Operands:
    """The arguments of one call, as pointers."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any) -> None:
        self._context, self._builder, self._kinds, self._args = context, builder, kinds, args

    def tile(self, path: Any, storage: Any, group: Any) -> Tile:
        """Return a tile's bytes; arguments 1 to 3 are the weights, the panel and its groups."""
        panel = self.data(self._kinds[1], self._args[1], self._args[2], I8)
        one = ir.Constant(group.type, 1)
        number = self._builder.sub(self._builder.sub(self._args[3], group), one)
        pointers = storage.pointers(self._builder, panel, number)
        header, scales, levels = (
            VectorLoads(self._builder, start, path.lanes) for start in pointers
        )
        return Tile(header, scales, levels, path.widen)

    def row(self, number: int, group: Any, part: Any) -> RowPointers:
        """Return where the operands of a row lie; argument 7 is the first row."""
        row = self._builder.add(self._args[7], ir.Constant(group.type, number))
        group = self._builder.add(self._builder.mul(row, self._args[3]), group)
        return RowPointers(
            self._input("levels", self._times(group, GROUP), I8),
            self._input("sums", self._times(group, 2), I32),
            self._input("scales", group, F32),
            part,
        )

    def data(self, kind: Any, array: Any, offset: Any, to: Any) -> Any:
        """Return a pointer to an element of an array."""
        data = make_array(kind)(self._context, self._builder, array).data
        return self._builder.bitcast(self._builder.gep(data, [offset]), ir.PointerType(to))

    def start(self, argument: int, to: Any) -> Any:
        """Return a pointer to the first element of an argument."""
        kind = self._kinds[argument]
        return self.data(kind, self._args[argument], ir.Constant(I32, 0), to)

    def _times(self, value: Any, factor: int) -> Any:
        return self._builder.mul(value, ir.Constant(value.type, factor))

    def _input(self, field: str, offset: Any, to: Any) -> Any:
        """Return a pointer into an array that is a field of the inputs, argument 6."""
        kind, index = self._kinds[6], self._kinds[6].fields.index(field)
        array = self._builder.extract_value(self._args[6], index)
        return self.data(kind.types[index], array, offset, to)


def _unpack(
    typing_context: Any, products: Any, weights: Any, panel: Any, groups: Any, group: Any,
    levels: Any, scales: Any, minima: Any,
) -> Any:  # fmt: skip
    place = types.intp
    signature = types.void(products, weights, place, place, place, levels, scales, minima)
    path, storage = _named(products)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        operands = _Operands(context, builder, signature.args, args)
        results = operands.start(5, I8), operands.start(6, F32), operands.start(7, F32)
        unpack(builder, storage, operands.tile(path, storage, args[4]), *results)
        return context.get_dummy_value()

    return signature, codegen


part_of_one = intrinsic(_part(1))
"""``part_of_one(products, weights, panel, groups, first, last, inputs, row, chain, begins)``: the
terms of groups ``first`` … ``last − 1`` of a row, added in order, are a part; chain[0:64] ← part
where the chain ``begins`` with it, else part + chain.  ``panel`` counts bytes of the weights,
``row`` rows of ``groups`` groups of the inputs."""

part_of_four = intrinsic(_part(4))
"""The same for four rows, which take the weights from memory once: chain[0:256]."""

unpack_tile = intrinsic(_unpack)
"""``unpack_tile(products, weights, panel, groups, group, levels, scales, minima)``: writes what the
tile of a group holds, int8 (2,048), float32 (128) and (64), as `tile_code.unpack` says."""
