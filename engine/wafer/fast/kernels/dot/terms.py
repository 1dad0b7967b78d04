"""Tiles, as kernels call them: terms added to sums, for one row or for several, or unpacked.

One compiled piece from the bytes to the sums, so that nothing is written and read again between.
The type of the `Products` chooses the code, which `engine.wafer.fast.kernels.dot.tile_code` writes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array, populate_array

from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, LINE, PANEL, STRIP
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.dot.tile_code import add_terms, end_chain, unpack
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I8,
    I32,
    ON_ZEN,
    RowPointers,
    SumPointers,
    Tile,
    VectorLoads,
    prefetch,
)

__all__ = [
    "ROW_SUMS",
    "ROW_TOTAL",
    "THIN_ROWS",
    "end_chains",
    "room_for_sums",
    "tile_of_one",
    "tile_of_rows",
    "unpack_tile",
]

THIN_ROWS = 15
"""Rows that share one pass over the weights, at most."""
_CHAIN, _PART, _ZERO, _TOTAL = (number * PANEL for number in range(4))
ROW_SUMS = 4 * PANEL + STRIP
"""Floats of a row's sums, 64 each: of the chain of parts, of a part, none (they stay 0), of all
chains.  A line more, so that no two rows lie a page apart, which a processor takes for the same."""
ROW_TOTAL = _TOTAL
"""The first of those of all chains."""

intrinsic: Any = _intrinsic  # its type counts one argument too many

_FLOAT_BYTES = 4

_AHEAD_BYTES = 8192
"""How far ahead of its use memory is asked for.  A processor sees too few loads ahead, and its own
prefetching ends with each page: half the speed without."""

_NEAR_BYTES = (16 << 20) if ON_ZEN else 0
"""Weights up to which nothing is asked for: a cache that several cores share holds them.  Zen 5's
own prefetching is as good there, while asking costs a fifth of a product; of processors of other
makers nothing is known."""


def _tile(rows_of: "_RowsOf") -> Callable[..., Any]:
    """Return the typer of an intrinsic; numba needs its arguments' names."""

    def typer(
        typing_context: Any, products: Any, weights: Any, panel: Any, groups: Any, group: Any,
        inputs: Any, row: Any, rows: Any, sums: Any, begins: Any, ends: Any,
    ) -> Any:  # fmt: skip
        place, flag = types.intp, types.boolean
        signature = types.void(
            products, weights, place, place, place, inputs, place, place, sums, flag, flag
        )
        path, storage = _named(products)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Operands(context, builder, signature.args, args)
            tile = operands.tile(path, storage, args[4])
            ask = partial(_ask_ahead, builder, operands, tile, storage.tile_bytes // LINE)
            add_terms(builder, path, storage, tile, rows_of(builder, operands), ask)
            return context.get_dummy_value()

        return signature, codegen

    return typer


def _ask_ahead(builder: Any, operands: "_Operands", tile: Tile, lines: int, part: int) -> None:
    """Ask for the lines of a tile further on that are a part's share.

    A part at a time: asked for all at once, they fill what a core has for loads on their way, and
    the arithmetic behind them waits too; 0.9 of the time on a Xeon's two cores, up to four rows.
    """
    first, last = (number * lines // tile.parts for number in (part, part + 1))
    with builder.if_then(operands.are_far()):
        prefetch(builder, tile.ahead(_AHEAD_BYTES + first * LINE), last - first)


_RowsOf: TypeAlias = Callable[[Any, "_Operands"], Callable[[], Iterable[RowPointers]]]
"""Takes the IR builder and the operands; returns what gives, again and again, each row that code is
to be written for."""


def _only_row(builder: Any, operands: "_Operands") -> Callable[[], Iterable[RowPointers]]:
    row = operands.row(ir.Constant(operands.rows.type, 0))
    return lambda: (row,)


def _loop_of_rows(builder: Any, operands: "_Operands") -> Callable[[], Iterable[RowPointers]]:
    def rows() -> Iterator[RowPointers]:
        with cgutils.for_range(builder, operands.rows) as loop:
            yield operands.row(loop.index)

    return rows


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

    def are_far(self) -> Any:
        """Return whether the weights are more than a near cache holds."""
        weights = make_array(self._kinds[1])(self._context, self._builder, self._args[1])
        near = ir.Constant(weights.nitems.type, _NEAR_BYTES)
        return self._builder.icmp_signed(">", weights.nitems, near)

    @property
    def rows(self) -> Any:
        """How many rows; argument 7."""
        return self._args[7]

    def row(self, number: Any) -> RowPointers:
        """Return where the operands of a row lie; argument 6 is the first row, 4 the group."""
        row = self._builder.add(self._args[6], number)
        group = self._builder.add(self._builder.mul(row, self._args[3]), self._args[4])
        begins, ends = self._args[9], self._args[10]
        part = SumPointers(
            self._sums(number, begins, _ZERO, _PART),
            self._sums(number, ends, _CHAIN, _ZERO),
            self._sums(number, ends, _CHAIN, _PART),
        )
        return RowPointers(
            self._input("levels", self._times(group, GROUP), I8),
            self._input("sums", self._times(group, 2), I32),
            self._input("scales", group, F32),
            part,
        )

    def _sums(self, row: Any, flag: Any, where_set: int, elsewhere: int) -> Any:
        """Return a pointer to 64 of the sums of a row, argument 8, chosen by a flag."""
        at = [ir.Constant(row.type, place) for place in (where_set, elsewhere)]
        at = self._builder.add(self._times(row, ROW_SUMS), self._builder.select(flag, *at))
        return self.data(self._kinds[8], self._args[8], at, F32)

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
        """Return a pointer into an array that is a field of the inputs, argument 5."""
        kind, index = self._kinds[5], self._kinds[5].fields.index(field)
        array = self._builder.extract_value(self._args[5], index)
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
    """Return an array of the calling function's, `ROW_SUMS` floats for each of `THIN_ROWS`.

    It lives as long as its call, and costs nothing to make.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = THIN_ROWS * ROW_SUMS
        room = cgutils.alloca_once(builder, F32, size=size)
        room.align = LINE
        array = make_array(signature.return_type)(context, builder)
        count, each = (context.get_constant(types.intp, number) for number in (size, _FLOAT_BYTES))
        populate_array(array, room, [count], [each], each, None)
        return array._getvalue()

    return types.Array(types.float32, 1, "C")(), codegen


def _end_chain(typing_context: Any, products: Any, rows: Any, sums: Any) -> Any:
    path, _ = _named(products)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = make_array(signature.args[2])(context, builder, args[2]).data
        with cgutils.for_range(builder, args[1]) as loop:
            at = builder.mul(loop.index, ir.Constant(loop.index.type, ROW_SUMS))
            end_chain(builder, path, builder.gep(start, [at]), _CHAIN, _TOTAL)
        return context.get_dummy_value()

    return types.void(products, types.intp, sums), codegen


tile_of_one = intrinsic(_tile(_only_row))
"""``tile_of_one(products, weights, panel, groups, group, inputs, row, rows, sums, begins, ends)``:
add the terms of a group to the sums of a row.  ``panel`` counts bytes of the weights, ``row`` rows
of ``groups`` groups of the inputs; ``sums`` are those of this row, ``rows`` is 1.  Where a part
``begins`` with the group it begins with 0; where it ``ends``, the chain of parts becomes longer."""

tile_of_rows = intrinsic(_tile(_loop_of_rows))
"""The same for ``rows`` rows from ``row`` on, which take the weights from memory once."""

end_chains = intrinsic(_end_chain)
"""``end_chains(products, rows, sums)``: total ← total + chain, chain ← 0."""

unpack_tile = intrinsic(_unpack)
"""``unpack_tile(products, weights, panel, groups, group, levels, scales, minima)``: writes what the
tile of a group holds, int8 (2,048), float32 (128) and (64), as `tile_code.unpack` says."""
