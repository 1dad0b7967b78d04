"""Wide products by vectors: the sums of some rows and some vectors of outputs are in registers.

Knows no processor: what adds products is a path's `Dots`.
"""

from collections.abc import Callable
from typing import Any, Protocol

from llvmlite import ir
from numba.core import cgutils

from engine.wafer.fast.kernels.dot.panel_layout import PANEL, QUADS
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I8, I32, RowPointers, broadcast, load
from engine.wafer.fast.kernels.dot.wide_code import (
    Operands,
    WideCode,
    add_to_sums,
    factors_at,
    levels_at,
    mode_of_half,
    read,
    term,
    total_of,
)

__all__ = ["Dots", "VectorCode", "written_at_once"]

_SLOTS = 8
"""20 to 22 KB."""


class Dots(Protocol):
    """The dot products of one row and one vector of outputs, to which quads are added."""

    def add(self, levels: Any, inputs: Any) -> None:
        """Add a quad: levels and inputs (i8), four for each output."""

    def value(self) -> Any:
        """Return Σ of (level − zero) · input, i32 for each output."""


MakeDots = Callable[[Any, Storage, Any, int], Dots]
"""Takes the IR builder, the storage, Σ of the inputs (i32) and the outputs of a vector."""


class VectorCode(WideCode):
    """Products by vectors.

    Args:
        rows: Rows of a block.
        vectors: Vectors of outputs whose sums are in registers at once, with those of all rows.
        dots: Makes a `Dots`.
        signed: Says of which storages levels are signed; the others' are unsigned.
    """

    def __init__(
        self,
        rows: int,
        vectors: int,
        dots: MakeDots,
        signed: Callable[[Storage], bool] = lambda storage: False,
    ) -> None:
        self.rows, self._vectors, self._dots, self._signed = rows, vectors, dots, signed

    def slots(self, storage: Storage) -> int:
        """Return how many tiles are unpacked together."""
        return _SLOTS

    def signed(self, storage: Storage) -> bool:
        """Say whether levels are kept less their zero."""
        return self._signed(storage)

    def scratch_bytes(self, storage: Storage) -> int:
        """Return 0: all is in registers."""
        return 0

    def begin(self, builder: Any, storage: Storage, operands: Operands) -> None:
        """Write nothing."""

    def end(self, builder: Any) -> None:
        """Write nothing."""

    def multiply(self, builder: Any, storage: Storage, lanes: int, operands: Operands) -> None:
        """Write a loop over the tiles; in it, some vectors of outputs after the other."""
        with cgutils.for_range(builder, operands.count) as loop:
            group = operands.group(loop.index)
            rows = [operands.row(number, group) for number in range(self.rows)]
            slot, mode = operands.slot(loop.index), operands.mode(loop.index)
            for first in range(0, PANEL, lanes * self._vectors):
                outputs = list(range(first, first + lanes * self._vectors, lanes))
                self._some_outputs(builder, storage, lanes, slot, rows, outputs, mode)

    def _some_outputs(
        self, builder: Any, storage: Storage, lanes: int, slot: Any, rows: list[RowPointers],
        outputs: list[int], mode: Any,
    ) -> None:  # fmt: skip
        halves = len(storage.scales.scales)
        sums = [row.part[0] for row in rows for _ in outputs]
        for half in range(halves):
            terms = self._terms(builder, storage, lanes, slot, rows, outputs, half)
            places = [cgutils.alloca_once_value(builder, some) for some in terms]
            of_half = mode_of_half(builder, mode, half, halves)
            add_to_sums(builder, places, sums, outputs * len(rows), of_half)

    def _terms(
        self, builder: Any, storage: Storage, lanes: int, slot: Any, rows: list[RowPointers],
        outputs: list[int], half: int,
    ) -> list[Any]:  # fmt: skip
        """Return the terms of a half of the group, row by row."""
        halves, kind = len(storage.scales.scales), ir.VectorType(I8, 4 * lanes)
        totals = [total_of(builder, row, half, halves) for row in rows]
        dots = [[self._dots(builder, storage, total, lanes) for _ in outputs] for total in totals]
        for quad in range(half * QUADS // halves, (half + 1) * QUADS // halves):
            levels = [read(builder, slot, levels_at(output, quad), kind) for output in outputs]
            for row, of_row in zip(rows, dots, strict=True):
                inputs = _inputs(builder, row, quad, lanes)
                for some, one in zip(levels, of_row, strict=True):
                    one.add(some, inputs)
        factors = [factors_at(builder, storage, slot, output, half, lanes) for output in outputs]
        return [
            term(builder, some, row, one.value())
            for row, of_row in zip(rows, dots, strict=True)
            for some, one in zip(factors, of_row, strict=True)
        ]


def _inputs(builder: Any, row: RowPointers, quad: int, lanes: int) -> Any:
    """Return the four inputs of a quad, for each output."""
    quads = builder.bitcast(row.levels, ir.PointerType(I32))
    four = broadcast(builder, load(builder, quads, quad, 1), ir.VectorType(I32, lanes))
    return builder.bitcast(four, ir.VectorType(I8, 4 * lanes))


def written_at_once(dots: Callable[..., Any]) -> MakeDots:
    """Return what makes `Dots` of a path's code for all quads of a row at once."""

    class AtOnce:
        def __init__(self, builder: Any, storage: Storage, total: Any, lanes: int) -> None:
            self._builder, self._storage, self._total = builder, storage, total
            self._levels: list[Any] = []
            self._inputs: list[Any] = []

        def add(self, levels: Any, inputs: Any) -> None:
            self._levels.append(levels)
            self._inputs.append(inputs)

        def value(self) -> Any:
            return dots(self._builder, self._storage, self._levels, self._inputs, self._total)

    return AtOnce
