"""The code of one tile, for any path and any storage: terms added to sums, or weights unpacked.

term = f32(dot) × (weight scale × input scale) − f32(Σ inputs) × (minimum × input scale), the second
part where there are minima; part ← part + term.  The dot product is exact in int32, every other
operation is rounded to float32 once.  A group with two scales has two terms, the lower half first.

Sums begin with 0 and are added to something or to 0, never chosen: a sum that began with 0 is never
−0, so that + 0 changes no bit of it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import LINE, PANEL, QUADS, STRIP
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.dot.vector_code import (
    F32,
    I8,
    I32,
    RowPointers,
    Tile,
    broadcast,
    constant,
    load,
    store,
)

__all__ = ["add_terms", "end_chain", "unpack"]


def add_terms(
    builder: Any,
    path: DotPath,
    storage: Storage,
    tile: Tile,
    rows: Callable[[], Iterable[RowPointers]],
) -> None:
    """Write the code that adds a tile's terms to the sums of some rows.

    A vector of outputs after the other: its levels are unpacked once for all rows.

    Args:
        builder: Where code is written.
        path: What multiplies.
        storage: What the tile is in.
        tile: Its bytes.
        rows: Begins with the first row again.  What is written for a row may be written once, in a
            loop over all of them.
    """
    for part in range(tile.parts):
        weights = _weights(builder, path, storage, tile, part)
        for row in rows():
            sums = _vector(builder, row.part.before, part, path.lanes)
            for term in _terms(builder, path, storage, weights, row):
                sums = builder.fadd(sums, term)
            addend = _vector(builder, row.part.addend, part, path.lanes)
            store(builder, row.part.after, part, builder.fadd(sums, addend))


def _vector(builder: Any, sums: Any, number: int, lanes: int) -> Any:
    vectors = builder.bitcast(sums, ir.PointerType(ir.VectorType(F32, lanes)))
    return load(builder, vectors, number, 4)


def end_chain(builder: Any, path: DotPath, sums: Any, chain: int, total: int) -> None:
    """Write the code for total ← total + chain, chain ← 0, for 64 outputs of a row.

    Args:
        builder: Where code is written.
        path: How wide its vectors are.
        sums: float pointer to the row's sums.
        chain: Where the chain begins in them.
        total: Where the total begins in them.
    """
    for number in range(PANEL // path.lanes):
        places = chain // path.lanes + number, total // path.lanes + number
        added, before = (_vector(builder, sums, place, path.lanes) for place in places)
        store(builder, sums, places[1], builder.fadd(added, before))
        store(builder, sums, places[0], constant(added.type, 0.0))


@dataclass(frozen=True, slots=True)
class _Weights:
    """A vector of a tile's outputs, unpacked."""

    levels: list[Any]
    """Of each quad, as the path takes them."""
    scales: list[Any]
    """Of the group, or of each half of it."""
    least: Any
    """Minima, or None."""


def _weights(builder: Any, path: DotPath, storage: Storage, tile: Tile, part: int) -> _Weights:
    unpacked = storage.raised if path.takes_raised else storage.unpacked
    minima = storage.scales.minima
    return _Weights(
        [unpacked(builder, tile, quad, part) for quad in range(QUADS)],
        [scale(builder, tile, part) for scale in storage.scales.scales],
        minima(builder, tile, part) if minima else None,
    )


def _terms(
    builder: Any, path: DotPath, storage: Storage, weights: _Weights, row: RowPointers
) -> Iterator[Any]:
    """Yield the terms of a row, that of the lower half of the group first if there are two."""
    halves = len(weights.scales)
    for half, factors in enumerate(weights.scales):
        quads = range(half * QUADS // halves, (half + 1) * QUADS // halves)
        levels = [weights.levels[quad] for quad in quads]
        inputs = [_inputs(builder, row, quad, path.lanes) for quad in quads]
        total = _total(builder, row, half, halves)
        dots = path.dots(builder, storage, levels, inputs, total)
        yield _term(builder, row, dots, factors, weights.least, total)


def _inputs(builder: Any, row: RowPointers, quad: int, lanes: int) -> Any:
    """Return the four inputs of a quad, for each output."""
    quads = builder.bitcast(row.levels, ir.PointerType(I32))
    four = broadcast(builder, load(builder, quads, quad, 1), ir.VectorType(I32, lanes))
    return builder.bitcast(four, ir.VectorType(I8, 4 * lanes))


def _total(builder: Any, row: RowPointers, half: int, halves: int) -> Any:
    """Return Σ of the inputs that share a scale."""
    first = load(builder, row.sums, half, 4)
    return first if halves == 2 else builder.add(first, load(builder, row.sums, 1, 4))


def _term(builder: Any, row: RowPointers, dots: Any, factors: Any, least: Any, total: Any) -> Any:
    # Plain operations without flags: LLVM never fuses them.
    scale = broadcast(builder, load(builder, row.scale, 0, 4), factors.type)
    product = builder.sitofp(dots, factors.type)
    term = builder.fmul(product, builder.fmul(factors, scale))
    if least is None:
        return term
    inputs = broadcast(builder, builder.sitofp(total, F32), factors.type)
    return builder.fsub(term, builder.fmul(inputs, builder.fmul(least, scale)))


def unpack(
    builder: Any, storage: Storage, tile: Tile, levels: Any, scales: Any, minima: Any
) -> None:
    """Write the code that unpacks a tile.

    Args:
        builder: Where code is written.
        storage: What the tile is in.
        tile: Its bytes.
        levels: i8 pointer: signed levels (2,048), in the order of `panel_layout`.
        scales: float pointer: scales of the first and the second half of the group (2 × 64).
        minima: float pointer: minima, 0 where the storage has none (64).
    """
    for part in range(tile.parts):
        for quad in range(QUADS):
            some = storage.unpacked(builder, tile, quad, part)
            signed = builder.sub(some, constant(some.type, storage.zero))
            strip, within = divmod(part * tile.levels.lanes, STRIP)
            at = (strip * QUADS + quad) * LINE + 4 * within
            store(builder, levels, at // some.type.count, signed)
        for half in range(2):
            scale = storage.scales.scales[half % len(storage.scales.scales)]
            number = scale(builder, tile, part)
            store(builder, scales, half * PANEL // number.type.count + part, number)
        least = storage.scales.minima
        zero = constant(ir.VectorType(F32, tile.levels.lanes), 0.0)
        store(builder, minima, part, least(builder, tile, part) if least else zero)
