"""Products of many rows, as kernels call them: tiles unpacked into slots, blocks of rows.

The type of the `Products` chooses the code, which `engine.wafer.fast.kernels.dot.wide_code` and the
path's `WideCode` write.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, LINE, PANEL
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I8,
    I32,
    RowPointers,
    Tile,
    VectorLoads,
)
from engine.wafer.fast.kernels.dot.wide_code import ROW_SUMS, slot_bytes, unpack_slot

__all__ = [
    "Sizes", "begin", "end", "first_line", "keep", "multiply_block", "sizes_of", "unpack",
    "write_totals",
]  # fmt: skip

intrinsic: Any = _intrinsic  # its type counts one argument too many


class Sizes(NamedTuple):
    """What a kernel must know of a path and a storage."""

    rows: int
    """Rows of a block, at most."""
    any_rows: bool
    """Whether a block may have fewer."""
    slots: int
    """Tiles that are unpacked together."""
    slot: int
    """Bytes of one that is unpacked."""
    tile: int
    """Bytes of one in a panel, without what it shares."""
    scratch: int
    """Bytes that the code needs."""


def _named(products: Any) -> tuple[Any, Any, Any]:
    path, storage = path_table.path_named(products.path_name), STORAGES[products.storage_name]
    return path, storage, path.wide_code()


@intrinsic
def sizes_of(typing_context: Any, products: Any) -> Any:
    """``sizes_of(products)``: the `Sizes` of a path and a storage, known when it is compiled."""
    _, storage, wide = _named(products)
    sizes = Sizes(
        wide.rows, wide.any_rows, wide.slots(storage), slot_bytes(storage), storage.tile_bytes,
        wide.scratch_bytes(storage),
    )  # fmt: skip
    kinds = [types.boolean if isinstance(size, bool) else types.intp for size in sizes]
    result = types.NamedTuple(kinds, Sizes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = [
            context.get_constant(kind, size) for kind, size in zip(kinds, sizes, strict=True)
        ]
        return context.make_tuple(builder, result, numbers)

    return result(products), codegen


@intrinsic
def unpack(
    typing_context: Any, products: Any, weights: Any, panel: Any, tile: Any, slot: Any
) -> Any:
    """``unpack(products, weights, panel, tile, slot)``: write a tile of a panel to an address.

    ``panel`` counts bytes of the weights, ``tile`` tiles as they lie.
    """
    path, storage, wide = _named(products)
    place = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        panel = builder.gep(_data(context, builder, weights, args[1]), [args[2]])
        pointers = storage.pointers(builder, panel, args[3])
        header, own, levels = (VectorLoads(builder, start, path.lanes) for start in pointers)
        loaded = Tile(header, own, levels, path.widen)
        to = builder.inttoptr(args[4], ir.PointerType(I8))
        unpack_slot(builder, storage, loaded, to, signed=wide.signed(storage))
        return context.get_dummy_value()

    return types.void(products, weights, place, place, place), codegen


@intrinsic
def first_line(typing_context: Any, room: Any) -> Any:
    """``first_line(room)``: the address of an array's first byte that begins a line.

    `keep` the array for as long as it is used: nothing else refers to it.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = _data(context, builder, room, args[0])
        number = builder.ptrtoint(start, context.get_value_type(types.intp))
        up = builder.add(number, ir.Constant(number.type, LINE - 1))
        return builder.and_(up, ir.Constant(number.type, -LINE))

    return types.intp(room), codegen


@intrinsic
def keep(typing_context: Any, room: Any) -> Any:
    """``keep(room)``: the array lives until here."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_dummy_value()

    return types.void(room), codegen


@intrinsic
def write_totals(typing_context: Any, sums: Any, count: Any, values: Any, at: Any) -> Any:
    """``write_totals(sums, count, values, at)``: values from ``at`` on ← 0 + totals of a row."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        totals = builder.inttoptr(args[0], ir.PointerType(F32))
        totals = builder.gep(totals, [ir.Constant(I32, ROW_SUMS - PANEL)])
        to = builder.gep(_data(context, builder, values, args[2]), [args[3]])
        with cgutils.for_range(builder, args[1]) as loop:
            total = builder.load(builder.gep(totals, [loop.index]))
            total = builder.fadd(total, ir.Constant(F32, 0.0))
            builder.store(total, builder.gep(to, [loop.index]))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, values, types.intp), codegen


def _of_block(write: Callable[..., None]) -> Callable[..., Any]:
    """Return the typer of an intrinsic that writes code for a block of rows."""

    def typer(
        typing_context: Any, products: Any, slots: Any, groups: Any, modes: Any, first: Any,
        count: Any, inputs: Any, row: Any, rows: Any, width: Any, sums: Any, scratch: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        path, storage, wide = _named(products)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Block(context, builder, signature.args, args, slot_bytes(storage))
            write(builder, path, storage, wide, operands)
            return context.get_dummy_value()

        return types.void(
            products, place, groups, modes, place, place, inputs, place, place, place, place, place
        ), codegen  # fmt: skip

    return typer


begin = intrinsic(
    _of_block(lambda builder, path, storage, wide, block: wide.begin(builder, storage, block))
)
"""Must run in a thread before its first block of so many rows; takes what `multiply_block` does."""

multiply_block = intrinsic(
    _of_block(
        lambda builder, path, storage, wide, block: wide.multiply(
            builder, storage, path.lanes, block
        )
    )
)
"""``multiply_block(products, slots, groups, modes, first, count, inputs, row, rows, width, sums,
scratch)``: add the terms of tiles to the sums of a block of rows.

Slot i < ``count`` holds group ``groups[first + i]``; its mode is ``modes[first + i]``.  The block's
``rows`` begin at ``row``, of ``width`` groups of the inputs each.  ``slots``, ``sums`` and
``scratch`` are addresses; the sums are float32 (rows, `ROW_SUMS`).
"""


@intrinsic
def end(typing_context: Any, products: Any) -> Any:
    """``end(products)``: must run in a thread after its last block."""
    _, _, wide = _named(products)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide.end(builder)
        return context.get_dummy_value()

    return types.void(products), codegen


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Return a pointer to an array's first element."""
    return make_array(kind)(context, builder, array).data


class _Block:
    """The arguments of one call of `multiply_block`: the `Operands` of a `WideCode`."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any, slot_bytes: int) -> None:
        self._context, self._builder, self._kinds = context, builder, kinds
        _, slots, groups, modes, self._first, self.count, self._inputs = args[:7]
        self._row, self.rows, self._width, sums, scratch = args[7:]
        self._slot_bytes = slot_bytes
        self._groups, self._modes = (
            _data(context, builder, kinds[2 + i], array) for i, array in enumerate((groups, modes))
        )
        self._slots, self._sums, self.scratch = (
            builder.inttoptr(address, ir.PointerType(I8)) for address in (slots, sums, scratch)
        )
        self.stride = self._times(self._width, GROUP)

    def slot(self, number: Any) -> Any:
        """Return an i8 pointer to a slot."""
        return self._builder.gep(self._slots, [self._times(number, self._slot_bytes)])

    def mode(self, number: Any) -> Any:
        """Return the mode of the tile in a slot."""
        return self._number(self._modes, number)

    def group(self, number: Any) -> Any:
        """Return the group of the tile in a slot."""
        return self._number(self._groups, number)

    def row(self, number: Any, group: Any) -> RowPointers:
        """Return where the operands of a row of the block lie for a group."""
        row = self._builder.mul(self._plus(self._row, number), self._width)
        group = self._builder.add(row, group)
        offset = self._times(self._plus(ir.Constant(row.type, 0), number), 4 * ROW_SUMS)
        return RowPointers(
            self._input("levels", self._times(group, GROUP), I8),
            self._input("sums", self._times(group, 2), I32),
            self._input("scales", group, F32),
            [self._builder.gep(self._sums, [offset])],
        )

    def _number(self, numbers: Any, slot: Any) -> Any:
        at = self._builder.add(self._first, slot)
        return self._builder.load(self._builder.gep(numbers, [at]))

    def _plus(self, value: Any, number: Any) -> Any:
        if isinstance(number, int):
            number = ir.Constant(value.type, number)
        return self._builder.add(value, number)

    def _times(self, value: Any, factor: int) -> Any:
        return self._builder.mul(value, ir.Constant(value.type, factor))

    def _input(self, field: str, offset: Any, to: Any) -> Any:
        """Return a pointer into an array that is a field of the inputs."""
        index = self._kinds[6].fields.index(field)
        array = self._builder.extract_value(self._inputs, index)
        data = _data(self._context, self._builder, self._kinds[6].types[index], array)
        return self._builder.bitcast(self._builder.gep(data, [offset]), ir.PointerType(to))
