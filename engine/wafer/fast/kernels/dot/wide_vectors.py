"""Code that keeps a row's 64 dot products in four vectors of 16, whatever adds a quad to them."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.vector_code import (
    I8,
    I32,
    RowPointers,
    TilePointers,
    add_terms,
    broadcast,
    load,
)

__all__ = ["V16X32", "V64X8", "in_wide_vectors"]

V16X32, V64X8 = ir.VectorType(I32, 16), ir.VectorType(I8, 64)

_QUADS = 8
_VECTORS = 4

Accumulate = Callable[[Any, Any, Any, Any], Any]


def in_wide_vectors(
    accumulate: Accumulate,
) -> Callable[[Any, TilePointers, list[RowPointers]], None]:
    """Return an ``emit`` for `panel_layout.UNSIGNED_QUADS`.

    Args:
        accumulate: Takes the builder, 16 sums (i32), 64 unsigned weights and 64 signed inputs;
            returns each sum plus its four products.
    """

    def emit(builder: Any, tile: TilePointers, rows: list[RowPointers]) -> None:
        weights = builder.bitcast(tile.weights, ir.PointerType(V64X8))
        for row in rows:
            quads = builder.bitcast(row.levels, ir.PointerType(I32))
            totals = [broadcast(builder, load(builder, row.correction, 0, 4), V16X32)] * _VECTORS
            for quad in range(_QUADS):
                inputs = broadcast(builder, load(builder, quads, quad, 1), V16X32)
                inputs = builder.bitcast(inputs, V64X8)
                for part in range(_VECTORS):
                    some = load(builder, weights, quad * _VECTORS + part, 1)
                    totals[part] = accumulate(builder, totals[part], some, inputs)
            for part in range(_VECTORS):
                add_terms(builder, tile, row, part, totals[part])

    return emit
