"""The path for AVX2: ``vpmaddubsw`` multiplies magnitudes by signed bytes, two products to an i16.

|w| · (x · sign w) = w · x, and two of these are at most 2 · 128 · 127 < 2¹⁵: the pairs never
saturate.  The weights are signed again, so no correction is needed.
"""

from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import UNSIGNED_QUADS
from engine.wafer.fast.kernels.dot.vector_code import (
    I1,
    I8,
    I16,
    I32,
    RowPointers,
    TilePointers,
    add_terms,
    broadcast,
    call,
    load,
)

__all__ = ["AVX2"]

_QUADS = 8
_VECTORS = 8  # 8 outputs each
_V8X32, _V16X16, _V32X8 = ir.VectorType(I32, 8), ir.VectorType(I16, 16), ir.VectorType(I8, 32)


def _emit(builder: Any, tile: TilePointers, rows: list[RowPointers]) -> None:
    """Work out eight outputs of every row, eight times over: few registers hold them."""
    weights = builder.bitcast(tile.weights, ir.PointerType(_V32X8))
    quads = [builder.bitcast(row.levels, ir.PointerType(I32)) for row in rows]
    for part in range(_VECTORS):
        totals = [ir.Constant(_V8X32, [0] * 8)] * len(rows)
        for quad in range(_QUADS):
            signed, magnitudes = _signed(builder, load(builder, weights, quad * _VECTORS + part, 1))
            for number, row in enumerate(quads):
                inputs = broadcast(builder, load(builder, row, quad, 1), _V8X32)
                inputs = builder.bitcast(inputs, _V32X8)
                sums = _four_products(builder, signed, magnitudes, inputs)
                totals[number] = builder.add(totals[number], sums)
        for row, total in zip(rows, totals, strict=True):
            add_terms(builder, tile, row, part, total)


def _signed(builder: Any, weights: Any) -> tuple[Any, Any]:
    """Return the signed weights and their magnitudes; 128, that of −128, fits an unsigned byte."""
    signed = builder.xor(weights, ir.Constant(_V32X8, [128] * 32))
    kept = ir.Constant(I1, 0)
    return signed, call(builder, "llvm.abs.v32i8", _V32X8, [signed, kept])


def _four_products(builder: Any, signed: Any, magnitudes: Any, inputs: Any) -> Any:
    """Return the sum of the four products of each of eight outputs, int32."""
    turned = call(builder, "llvm.x86.avx2.psign.b", _V32X8, [inputs, signed])
    pairs = call(builder, "llvm.x86.avx2.pmadd.ub.sw", _V16X16, [magnitudes, turned])
    ones = ir.Constant(_V16X16, [1] * 16)
    return call(builder, "llvm.x86.avx2.pmadd.wd", _V8X32, [pairs, ones])


AVX2 = DotPath("avx2", ("avx2",), UNSIGNED_QUADS, _emit)
