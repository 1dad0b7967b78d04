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
    ask: Callable[[int], None],
) -> None:
    """Write the code that adds a tile's terms to the sums of some rows.

    A vector of outputs after the other: its levels are unpacked once for all rows.  What is loaded
    of a row serves all of them if ``rows`` gives the same row again.

    Args:
        builder: Where code is written.
        path: What multiplies.
        storage: What the tile is in.
        tile: Its bytes.
        rows: Begins with the first row again.  What is written for a row may be written once, in a
            loop over all of them.
        ask: Writes the code that asks memory for what comes later; called for each vector of
            outputs, by its number.
    """
    known: dict[RowPointers, _RowInputs] = {}
    for part in range(tile.parts):
        weights = _weights(builder, path, storage, tile, part)
        ask(part)
        for row in rows():
            loaded = known.setdefault(row, _RowInputs(builder, row, path.lanes))
            sums = _vector(builder, row.part.before, part, path.lanes)
            for term in _terms(builder, path, storage, weights, loaded):
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


class _RowInputs:
    """The inputs of a row, a vector with a copy for each output; loaded when first asked for.

    Args:
        builder: Where code is written.
        row: Where they lie.
        lanes: Outputs of a vector.
    """

    def __init__(self, builder: Any, row: RowPointers, lanes: int) -> None:
        self._builder, self._row, self._lanes = builder, row, lanes
        self._quads: dict[int, Any] = {}
        self._scale: Any = None
        self._totals: dict[tuple[int, int], Any] = {}

    def quad(self, number: int) -> Any:
        """Return the four inputs of a quad."""
        if number not in self._quads:
            quads = self._builder.bitcast(self._row.levels, ir.PointerType(I32))
            four = self._copies(load(self._builder, quads, number, 1), I32)
            kind = ir.VectorType(I8, 4 * self._lanes)
            self._quads[number] = self._builder.bitcast(four, kind)
        return self._quads[number]

    def scale(self) -> Any:
        """Return the scale of the group."""
        if self._scale is None:
            self._scale = self._copies(load(self._builder, self._row.scale, 0, 4), F32)
        return self._scale

    def total(self, half: int, halves: int) -> Any:
        """Return Σ of the inputs that share a scale, one number."""
        if (half, halves) not in self._totals:
            first = load(self._builder, self._row.sums, half, 4)
            if halves == 1:
                first = self._builder.add(first, load(self._builder, self._row.sums, 1, 4))
            self._totals[half, halves] = first
        return self._totals[half, halves]

    def _copies(self, scalar: Any, element: Any) -> Any:
        return broadcast(self._builder, scalar, ir.VectorType(element, self._lanes))


def _terms(
    builder: Any, path: DotPath, storage: Storage, weights: _Weights, row: _RowInputs
) -> Iterator[Any]:
    """Yield the terms of a row, that of the lower half of the group first if there are two."""
    halves = len(weights.scales)
    for half, factors in enumerate(weights.scales):
        quads = range(half * QUADS // halves, (half + 1) * QUADS // halves)
        levels = [weights.levels[quad] for quad in quads]
        inputs = [row.quad(quad) for quad in quads]
        total = row.total(half, halves)
        dots = path.dots(builder, storage, levels, inputs, total)
        yield _term(builder, row, dots, factors, weights.least, total)


def _term(builder: Any, row: _RowInputs, dots: Any, factors: Any, least: Any, total: Any) -> Any:
    # Plain operations without flags: LLVM never fuses them.
    product = builder.sitofp(dots, factors.type)
    term = builder.fmul(product, builder.fmul(factors, row.scale()))
    if least is None:
        return term
    inputs = broadcast(builder, builder.sitofp(total, F32), factors.type)
    return builder.fsub(term, builder.fmul(inputs, builder.fmul(least, row.scale())))


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
