"""Tiles, as kernels call them: a part of a sum for one row or for several, and a tile unpacked.

One compiled piece from the bytes to the sums, so that nothing is written and read again between.
The type of the `Products` chooses the code, which `engine.wafer.fast.kernels.dot.tile_code` writes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
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
    prefetch,
)

__all__ = ["ROW_SUMS", "THIN_ROWS", "part_of_one", "part_of_rows", "room_for_sums", "unpack_tile"]

THIN_ROWS = 7
"""Rows that share one pass over the weights, at most."""
ROW_SUMS = 3 * PANEL
"""Floats of a row's sums, 64 each: of the part, of the chain of parts, of the chains."""

intrinsic: Any = _intrinsic  # its type counts one argument too many

_AHEAD_BYTES = 8192
"""How far ahead of its use memory is asked for.  A processor sees too few loads ahead, and its own
prefetching ends with each page: half the speed without."""


def _part(sums_of: Callable[..., Any]) -> Callable[..., Any]:
    """Return the typer of an intrinsic; numba needs its arguments' names.

    Args:
        sums_of: What makes `_SumsOfOne` or `_SumsOfRows`.
    """

    def typer(
        typing_context: Any, products: Any, weights: Any, panel: Any, groups: Any, first: Any,
        last: Any, inputs: Any, row: Any, rows: Any, sums: Any, begins: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(
            products, weights, place, place, place, place, inputs, place, place, sums,
            types.boolean,
        )  # fmt: skip
        path, storage = _named(products)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Operands(context, builder, signature.args, args)
            sums = sums_of(builder, operands.start(9, F32), args[8], path.lanes)
            sums.clear()
            with cgutils.for_range(builder, args[5], start=args[4]) as loop:
                tile = operands.tile(path, storage, loop.index)
                prefetch(builder, tile.ahead(_AHEAD_BYTES), storage.tile_bytes // LINE)
                each = partial(_each_row, operands, sums, loop.index)
                add_terms(builder, path, storage, tile, each)
            sums.lengthen_chains(args[10])
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _each_row(operands: "_Operands", sums: "_Sums", group: Any) -> Iterator[RowPointers]:
    """Yield where the operands of a row lie, as often as code for a row is to be written."""
    for row in sums.rows():
        yield operands.row(row, group, sums.parts(row))


class _Sums(ABC):
    """The sums of some rows while a part is added.

    Args:
        builder: Where code is written.
        memory: float pointer: `ROW_SUMS` for each row.
        count: Rows, an integer of the size of a pointer.
        lanes: Outputs of a vector.
    """

    def __init__(self, builder: Any, memory: Any, count: Any, lanes: int) -> None:
        self._builder, self._memory, self._count = builder, memory, count
        self._kind, self._vectors = ir.VectorType(F32, lanes), PANEL // lanes

    @abstractmethod
    def rows(self) -> Iterator[Any]:
        """Yield the number of a row, as often as code for a row is to be written."""

    @abstractmethod
    def parts(self, row: Any) -> list[Any]:
        """Return pointers to the vectors of a row's part."""

    def clear(self) -> None:
        """Write the code that begins parts with 0."""
        for row in self.rows():
            for part in self.parts(row):
                self._builder.store(constant(self._kind, 0.0), part)

    def lengthen_chains(self, begins: Any) -> None:
        """Write the code for chain ← part where ``begins`` holds, else part + chain."""
        for row in self.rows():
            for number, part in enumerate(self.parts(row)):
                sums, chain = self._builder.load(part), self._memory_of(row, self._vectors + number)
                longer = self._builder.fadd(sums, self._builder.load(chain))
                self._builder.store(self._builder.select(begins, sums, longer), chain)

    def _memory_of(self, row: Any, number: int) -> Any:
        """Return a pointer to a vector of the sums of a row; they begin at lines of the cache."""
        at = self._builder.mul(row, ir.Constant(row.type, ROW_SUMS))
        at = self._builder.add(at, ir.Constant(row.type, number * self._kind.count))
        start = self._builder.gep(self._memory, [at])
        return self._builder.bitcast(start, ir.PointerType(self._kind))


class _SumsOfOne(_Sums):
    """Those of one row: its part is in registers."""

    def __init__(self, builder: Any, memory: Any, count: Any, lanes: int) -> None:
        super().__init__(builder, memory, count, lanes)
        self._parts = [cgutils.alloca_once(builder, self._kind) for _ in range(self._vectors)]

    def rows(self) -> Iterator[Any]:
        yield ir.Constant(self._count.type, 0)

    def parts(self, row: Any) -> list[Any]:
        return self._parts


class _SumsOfRows(_Sums):
    """Those of several rows: code for a row is written once, in a loop."""

    def rows(self) -> Iterator[Any]:
        with cgutils.for_range(self._builder, self._count) as loop:
            yield loop.index

    def parts(self, row: Any) -> list[Any]:
        return [self._memory_of(row, number) for number in range(self._vectors)]


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

    def row(self, number: Any, group: Any, part: list[Any]) -> RowPointers:
        """Return where the operands of a row lie; argument 7 is the first row."""
        row = self._builder.add(self._args[7], number)
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


@intrinsic
def room_for_sums(typing_context: Any) -> Any:
    """Return a pointer to floats of the calling function, `ROW_SUMS` for each of `THIN_ROWS`.

    They live as long as its call, and cost nothing to make.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        room = cgutils.alloca_once(builder, F32, size=THIN_ROWS * ROW_SUMS)
        room.align = LINE
        return room

    return types.CPointer(types.float32)(), codegen


part_of_one = intrinsic(_part(_SumsOfOne))
"""``part_of_one(products, weights, panel, groups, first, last, inputs, row, rows, sums, begins)``:
the terms of groups ``first`` … ``last − 1`` of a row, added in order, are a part; chain ← part
where the chain ``begins`` with it, else part + chain.  ``panel`` counts bytes of the weights,
``row`` rows of ``groups`` groups of the inputs; ``sums`` are those of this row, ``rows`` is 1."""

part_of_rows = intrinsic(_part(_SumsOfRows))
"""The same for ``rows`` rows from ``row`` on, which take the weights from memory once."""

unpack_tile = intrinsic(_unpack)
"""``unpack_tile(products, weights, panel, groups, group, levels, scales, minima)``: writes what the
tile of a group holds, int8 (2,048), float32 (128) and (64), as `tile_code.unpack` says."""
