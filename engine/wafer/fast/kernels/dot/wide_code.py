"""What products of many rows share: tiles unpacked into slots, terms, and the places of sums.

A *slot* holds a tile with a byte for each level, in the order of `panel_layout`, then its scales
and minima as float32.  A tile's place in the order of a sum is its *mode*: bits that name the sums
that its terms are added to, and the sum that the result is then.  A row's sums lie together, 64
each: that of the part, of the chain of parts, and of the chains.

Knows no path: how one multiplies is its `WideCode`.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Protocol

from llvmlite import ir

from engine.wafer.fast.kernels.dot.panel_layout import LINE, PANEL, QUADS, STRIP, TILE_LEVELS
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I32,
    RowPointers,
    Tile,
    broadcast,
    constant,
    load,
    store,
)

__all__ = [
    "ADD_CHAIN", "ADD_PART", "ADD_TOTAL", "CHAIN_SUM", "PART_SUM", "ROW_SUMS", "TOTAL_SUM",
    "Factors", "Operands", "WideCode", "add_to_sums", "factors_at", "levels_at", "mode_of_half",
    "read", "slot_bytes", "term", "total_of", "unpack_slot",
]  # fmt: skip

ADD_PART, ADD_CHAIN, ADD_TOTAL = 1, 2, 4
"""Bits of a mode: the sums that a tile's terms are added to, one after the other."""
PART_SUM, CHAIN_SUM, TOTAL_SUM = 0, 8, 16
"""Values of a mode's bits above: the sum that the result is then."""
_SUM_SHIFT = 3
ROW_SUMS = 3 * PANEL
"""Floats of a row's sums."""


class Operands(Protocol):
    """The arguments of a call that multiplies a block of rows, as pointers and integers."""

    rows: Any
    """Rows of the block."""
    count: Any
    """Slots."""
    scratch: Any
    """i8 pointer to `WideCode.scratch_bytes`; begins at a line."""
    stride: Any
    """Bytes from a row's inputs to the next row's."""

    def slot(self, number: Any) -> Any:
        """Return an i8 pointer to a slot."""

    def mode(self, number: Any) -> Any:
        """Return the mode of the tile in a slot."""

    def group(self, number: Any) -> Any:
        """Return the group of the tile in a slot."""

    def row(self, number: Any, group: Any) -> RowPointers:
        """Return where a row's operands lie for a group; ``part`` points to its sums (i8)."""


class WideCode(ABC):
    """How a path multiplies many rows by the tiles in slots."""

    rows: int
    """Rows of a block, at most."""
    any_rows = False
    """Whether a block may have fewer."""

    @abstractmethod
    def slots(self, storage: Storage) -> int:
        """Return how many tiles are unpacked together; the first cache holds what is at work."""

    @abstractmethod
    def signed(self, storage: Storage) -> bool:
        """Say whether levels are kept less their zero, as signed bytes."""

    @abstractmethod
    def multiply(self, builder: Any, storage: Storage, lanes: int, operands: Operands) -> None:
        """Write the code that adds the terms of the tiles to the sums of the rows."""

    @abstractmethod
    def scratch_bytes(self, storage: Storage) -> int:
        """Return the room that it needs."""

    @abstractmethod
    def begin(self, builder: Any, storage: Storage, operands: Operands) -> None:
        """Write what must run in a thread before its first block."""

    @abstractmethod
    def end(self, builder: Any) -> None:
        """Write what must run after its last block."""


def slot_bytes(storage: Storage) -> int:
    """Return the bytes of a slot."""
    return TILE_LEVELS + 4 * PANEL * len(_factors(storage))


def unpack_slot(builder: Any, storage: Storage, tile: Tile, slot: Any, *, signed: bool) -> None:
    """Write the code that unpacks a tile into a slot, an i8 pointer."""
    lanes = tile.levels.lanes
    for part in range(tile.parts):
        for quad in range(QUADS):
            some = storage.unpacked(builder, tile, quad, part)
            if signed:
                some = builder.sub(some, constant(some.type, storage.zero))
            _write(builder, slot, levels_at(part * lanes, quad), some)
        for number, emit in enumerate(_factors(storage)):
            _write(builder, slot, _factor_at(number, part * lanes), emit(builder, tile, part))


def levels_at(output: int, quad: int) -> int:
    """Return where in a slot the levels of a quad begin, from an output on."""
    return (output // STRIP * QUADS + quad) * LINE + 4 * (output % STRIP)


def _factor_at(number: int, output: int) -> int:
    return TILE_LEVELS + 4 * (number * PANEL + output)


def _factors(storage: Storage) -> tuple[Any, ...]:
    """Return what writes the code of scales and minima, in a slot's order."""
    scales = storage.scales
    return scales.scales if scales.minima is None else (*scales.scales, scales.minima)


def _write(builder: Any, start: Any, offset: int, value: Any) -> None:
    store(builder, builder.gep(start, [ir.Constant(I32, offset)]), 0, value)


def read(builder: Any, start: Any, offset: int, kind: Any) -> Any:
    """Return a vector that lies so many bytes behind an i8 pointer."""
    pointer = builder.gep(start, [ir.Constant(I32, offset)])
    return load(builder, builder.bitcast(pointer, ir.PointerType(kind)), 0, 4)


def total_of(builder: Any, row: RowPointers, half: int, halves: int) -> Any:
    """Return Σ of the inputs that share a scale."""
    first = load(builder, row.sums, half, 4)
    return first if halves == 2 else builder.add(first, load(builder, row.sums, 1, 4))


class Factors(NamedTuple):
    """What makes terms of the dot products of some outputs, float32 vectors."""

    scale: Any
    least: Any
    """The minima; None where there are none."""


def factors_at(
    builder: Any, storage: Storage, slot: Any, output: int, half: int, lanes: int
) -> Any:
    """Return the `Factors` of a vector of outputs and a half of the group (0 where it has one)."""
    kind = ir.VectorType(F32, lanes)
    scale = read(builder, slot, _factor_at(half, output), kind)
    if storage.scales.minima is None:
        return Factors(scale, None)
    last = len(storage.scales.scales)
    return Factors(scale, read(builder, slot, _factor_at(last, output), kind))


def term(builder: Any, factors: Factors, row: RowPointers, dots: Any) -> Any:
    """Return a vector of terms of a row (see `tile_code`); ``dots`` are exact, i32."""
    kind = factors.scale.type
    scale = broadcast(builder, load(builder, row.scale, 0, 4), kind)
    product = builder.fmul(builder.sitofp(dots, kind), builder.fmul(factors.scale, scale))
    if factors.least is None:
        return product
    total = broadcast(builder, total_of(builder, row, 0, 1), dots.type)
    inputs = builder.sitofp(total, kind)
    return builder.fsub(product, builder.fmul(inputs, builder.fmul(factors.least, scale)))


def add_to_sums(
    builder: Any, places: list[Any], sums: list[Any], outputs: list[int], mode: Any
) -> None:
    """Write the code that adds terms to the sums that a mode names.

    Args:
        builder: Where code is written.
        places: Pointers to vectors of terms, which change.
        sums: For each an i8 pointer to the row's sums.
        outputs: For each the first output.
        mode: An integer; where it is known, only what it asks for is written.
    """
    for number, bit in enumerate((ADD_PART, ADD_CHAIN, ADD_TOTAL)):
        asked = builder.and_(mode, ir.Constant(mode.type, bit))
        with builder.if_then(builder.icmp_unsigned("!=", asked, ir.Constant(mode.type, 0))):
            for place, start, output in zip(places, sums, outputs, strict=True):
                some = builder.load(place)
                other = read(builder, start, 4 * (number * PANEL + output), some.type)
                builder.store(builder.fadd(some, other), place)
    sum_number = builder.lshr(mode, ir.Constant(mode.type, _SUM_SHIFT))
    offset = builder.mul(sum_number, ir.Constant(mode.type, 4 * PANEL))
    for place, start, output in zip(places, sums, outputs, strict=True):
        _write(builder, builder.gep(start, [offset]), 4 * output, builder.load(place))


def mode_of_half(builder: Any, mode: Any, half: int, halves: int) -> Any:
    """Return the mode of a half's terms: the first half's go to the part, the second's there too.

    Only then is the tile done; registers do not hold the terms of both.
    """
    first = builder.and_(mode, ir.Constant(mode.type, ADD_PART))
    if half < halves - 1:
        return builder.or_(first, ir.Constant(mode.type, PART_SUM))
    return builder.or_(mode, ir.Constant(mode.type, ADD_PART)) if half else mode
