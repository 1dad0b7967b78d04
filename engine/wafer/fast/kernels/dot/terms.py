"""Terms, as kernels call them: one tile for 1 or 4 rows, from the bytes to the sums.

part ← part + f32(dot) × (weight scale × input scale): the dot product is exact in int32, each
product and the sum are rounded to float32 once.  One compiled piece, so that nothing is written and
read again between.  The type of the path chooses the code.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from engine.wafer.fast.kernels.dot import path_table
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL, TILE_BYTES
from engine.wafer.fast.kernels.dot.vector_code import F32, I8, I32, RowPointers, TilePointers

__all__ = ["terms_of_four", "terms_of_one"]


def _terms(rows: int) -> Callable[..., Any]:
    """Return the typer of an intrinsic for ``rows`` rows; numba needs its arguments' names."""

    def typer(
        typing_context: Any, path: Any, panels: Any, tile: Any, groups: Any, inputs: Any, at: Any,
        part: Any,
    ) -> Any:  # fmt: skip
        place = types.intp
        signature = types.void(path, panels, place, place, inputs, place, part)
        emit = path_table.path_named(path.path_name).emit

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            operands = _Operands(context, builder, signature.args, args)
            emit(builder, operands.tile(), [operands.row(number) for number in range(rows)])
            return context.get_dummy_value()

        return signature, codegen

    return typer


class _Operands:
    """The arguments of one call, as pointers."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any) -> None:
        self._context, self._builder, self._kinds, self._args = context, builder, kinds, args

    def tile(self) -> TilePointers:
        """Return where the tile's weights and scales lie."""
        tile = self._args[2]
        return TilePointers(
            self._pointer(1, "weights", self._times(tile, TILE_BYTES), I8),
            self._pointer(1, "scales", self._times(tile, PANEL), F32),
        )

    def row(self, number: int) -> RowPointers:
        """Return where the operands of a row lie; rows are ``groups`` groups apart."""
        group = self._builder.add(self._args[5], self._times(self._args[3], number))
        part = ir.Constant(group.type, number * PANEL)
        return RowPointers(
            self._pointer(4, "levels", self._times(group, GROUP), I8),
            self._pointer(4, "corrections", group, I32),
            self._pointer(4, "scales", group, F32),
            self._data(self._kinds[6], self._args[6], part, F32),
        )

    def _times(self, value: Any, factor: int) -> Any:
        return self._builder.mul(value, ir.Constant(value.type, factor))

    def _pointer(self, argument: int, field: str, offset: Any, to: Any) -> Any:
        """Return a pointer into an array that is a field of a tuple of arrays."""
        kind, index = self._kinds[argument], self._kinds[argument].fields.index(field)
        array = self._builder.extract_value(self._args[argument], index)
        return self._data(kind.types[index], array, offset, to)

    def _data(self, kind: Any, array: Any, offset: Any, to: Any) -> Any:
        data = make_array(kind)(self._context, self._builder, array).data
        return self._builder.bitcast(self._builder.gep(data, [offset]), ir.PointerType(to))


terms_of_one = intrinsic(_terms(1))
"""``terms_of_one(path, panels, tile, groups, inputs, at, part)``: part[0:64] += the terms of one
row.  ``tile`` counts tiles of the panels, ``at`` groups of the inputs; a row has ``groups``."""

terms_of_four = intrinsic(_terms(4))
"""The same for four rows, which take the weights from memory once: part[0:256] += their terms."""
