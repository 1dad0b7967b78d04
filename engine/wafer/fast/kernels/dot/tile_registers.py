"""Wide products by AMX: ``tdpbssd`` multiplies 16 rows × 32 inputs by 32 inputs × 16 outputs.

A strip's levels lie as the instruction takes them.  The exact sums of some tiles go to memory, one
KB for a strip; vectors then make terms of them, a row after the other.

Knows no path and no permission; see `amx`.

Source:
    Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18 (tiles and
    their configuration), and volume 2, ``LDTILECFG``, ``TDPBSSD``.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from engine.wafer.fast.kernels.dot.panel_layout import GROUP, LINE, PANEL, QUADS, STRIP
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import I8, I16, I32
from engine.wafer.fast.kernels.dot.wide_code import (
    Operands,
    WideCode,
    add_to_sums,
    factors_at,
    levels_at,
    mode_of_half,
    read,
    term,
)

__all__ = ["TileCode"]

_ROWS = 16
_STRIP_BYTES = _ROWS * LINE
"""Of the sums of a strip and all rows."""
_CONFIGURATION_BYTES = 64
_RESULTS, _INPUTS, _LEVELS = range(4), 4, range(5, 7)
"""The numbers of tile registers."""
_I64 = ir.IntType(64)


class TileCode(WideCode):
    """Products by tile registers."""

    rows = _ROWS
    any_rows = True

    def slots(self, storage: Storage) -> int:
        """Return how many tiles are unpacked together."""
        return 8

    def signed(self, storage: Storage) -> bool:
        """Say that levels are kept less their zero."""
        return True

    def scratch_bytes(self, storage: Storage) -> int:
        """Return the room for a configuration and for the sums of two tiles."""
        return _CONFIGURATION_BYTES + 2 * _sums_bytes(storage)

    def begin(self, builder: Any, storage: Storage, operands: Operands) -> None:
        """Configure the registers of this thread for blocks of so many rows."""
        quads = QUADS // len(storage.scales.scales)
        place = operands.scratch
        _put(builder, place, 0, ir.Constant(ir.VectorType(I8, 64), [1] + 63 * [0]))
        rows = builder.trunc(operands.rows, I8)
        for number in (*_RESULTS, _INPUTS, *_LEVELS):
            width = 4 * quads if number == _INPUTS else LINE
            _put(builder, place, 16 + 2 * number, ir.Constant(I16, width))
            count = ir.Constant(I8, quads) if number in _LEVELS else rows
            _put(builder, place, 48 + number, count)
        _run(builder, "ldtilecfg", place)

    def end(self, builder: Any) -> None:
        """Release the registers: the processor then keeps no state of them."""
        _run(builder, "tilerelease")

    def multiply(self, builder: Any, storage: Storage, lanes: int, operands: Operands) -> None:
        """Multiply a tile while vectors still make terms of the one before."""
        self._dots(builder, storage, operands, ir.Constant(_I64, 0))
        with cgutils.for_range(builder, operands.count) as tiles:
            following = builder.add(tiles.index, ir.Constant(_I64, 1))
            with builder.if_then(builder.icmp_signed("<", following, operands.count)):
                self._dots(builder, storage, operands, following)
            self._terms(builder, storage, operands, tiles.index)

    def _dots(self, builder: Any, storage: Storage, operands: Operands, number: Any) -> None:
        """Multiply a tile; its sums go to memory half by half, strip by strip."""
        halves = len(storage.scales.scales)
        place = _sums_of(builder, storage, operands, number)
        slot, first = operands.slot(number), operands.row(0, operands.group(number))
        line = ir.Constant(_I64, LINE)
        for half in range(halves):
            inputs = builder.gep(first.levels, [ir.Constant(I32, half * GROUP // halves)])
            _run(builder, "tileloadd64", _tile(_INPUTS), inputs, operands.stride)
            for strip in range(PANEL // STRIP):
                result, levels = _tile(_RESULTS[strip]), _tile(_LEVELS[strip % 2])
                at = levels_at(strip * STRIP, half * QUADS // halves)
                _run(builder, "tilezero", result)
                _run(builder, "tileloadd64", levels, _offset(builder, slot, at), line)
                _run(builder, "tdpbssd", result, _tile(_INPUTS), levels)
                to = (half * PANEL // STRIP + strip) * _STRIP_BYTES
                _run(builder, "tilestored64", result, _offset(builder, place, to), line)

    def _terms(self, builder: Any, storage: Storage, operands: Operands, number: Any) -> None:
        """Add the terms of a tile to the sums of all rows."""
        halves, outputs = len(storage.scales.scales), list(range(0, PANEL, STRIP))
        slot, group, mode = operands.slot(number), operands.group(number), operands.mode(number)
        factors = [
            [factors_at(builder, storage, slot, output, half, STRIP) for output in outputs]
            for half in range(halves)
        ]
        dots, kind = _sums_of(builder, storage, operands, number), ir.VectorType(I32, STRIP)
        with cgutils.for_range(builder, operands.rows) as rows:
            row = operands.row(rows.index, group)
            line = builder.gep(dots, [builder.mul(rows.index, ir.Constant(_I64, LINE))])
            for half, of_half in enumerate(factors):
                places = []
                for strip, some in enumerate(of_half, half * len(outputs)):
                    exact = read(builder, line, strip * _STRIP_BYTES, kind)
                    terms = term(builder, some, row, exact)
                    places.append(cgutils.alloca_once_value(builder, terms))
                sums = [row.part[0]] * len(outputs)
                of_mode = mode_of_half(builder, mode, half, halves)
                add_to_sums(builder, places, sums, outputs, of_mode)


def _sums_bytes(storage: Storage) -> int:
    """Return the bytes of a tile's sums."""
    return len(storage.scales.scales) * PANEL // STRIP * _STRIP_BYTES


def _sums_of(builder: Any, storage: Storage, operands: Operands, number: Any) -> Any:
    """Return where the sums of a tile go; there is room for two."""
    place = builder.and_(number, ir.Constant(_I64, 1))
    offset = builder.mul(place, ir.Constant(_I64, _sums_bytes(storage)))
    return builder.gep(_offset(builder, operands.scratch, _CONFIGURATION_BYTES), [offset])


def _offset(builder: Any, start: Any, offset: int) -> Any:
    return builder.gep(start, [ir.Constant(I32, offset)])


def _put(builder: Any, start: Any, offset: int, value: Any) -> None:
    pointer = builder.bitcast(_offset(builder, start, offset), ir.PointerType(value.type))
    builder.store(value, pointer).align = 1


def _tile(number: int) -> Any:
    return ir.Constant(I8, number)


def _run(builder: Any, name: str, *arguments: Any) -> None:
    """Run an instruction by LLVM's name."""
    kinds = [argument.type for argument in arguments]
    signature = ir.FunctionType(ir.VoidType(), kinds)
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.x86.{name}")
    builder.call(function, arguments)
