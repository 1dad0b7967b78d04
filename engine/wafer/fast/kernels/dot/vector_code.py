"""Building blocks for the code of every path: pointers to operands, and vector operations.

Writes LLVM IR through an `llvmlite` builder.  Knows no instruction of a particular processor.
"""

from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils

__all__ = [
    "F32",
    "I1",
    "I8",
    "I16",
    "I32",
    "RowPointers",
    "TilePointers",
    "add_terms",
    "broadcast",
    "call",
    "load",
]

I1, I8, I16, I32 = ir.IntType(1), ir.IntType(8), ir.IntType(16), ir.IntType(32)
F32 = ir.FloatType()


@dataclass(frozen=True, slots=True)
class TilePointers:
    """Where the weights lie that all rows share, as pointers."""

    weights: Any
    """i8, `TILE_BYTES` of them."""
    scales: Any
    """float, 64."""


@dataclass(frozen=True, slots=True)
class RowPointers:
    """Where the operands of one row lie, as pointers."""

    levels: Any
    """i8, 32: its quantised inputs."""
    correction: Any
    """i32: −bias · Σ of its inputs."""
    scale: Any
    """float: of its inputs."""
    part: Any
    """float, 64: its sums."""


def load(builder: Any, pointer: Any, index: int, align: int) -> Any:
    """Return the element of a pointer's type at an index; ``align`` in bytes."""
    value = builder.load(builder.gep(pointer, [ir.Constant(I32, index)]))
    value.align = align
    return value


def broadcast(builder: Any, scalar: Any, kind: Any) -> Any:
    """Return a vector of type ``kind`` with copies of a scalar."""
    undefined = ir.Constant(kind, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    first = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(single, undefined, first)


def call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """Call an instruction by the name LLVM has for it."""
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def add_terms(builder: Any, tile: TilePointers, row: RowPointers, index: int, dots: Any) -> None:
    """Add the terms of one vector of dot products to the row's sums.

    part ← part + f32(dot) × (weight scale × input scale), every operation rounded.

    Args:
        builder: Where code is written.
        tile: Gives the weight scales.
        row: Gives the input scale and the sums.
        index: Which of the vectors of this width, counted along the tile's outputs.
        dots: Exact int32 dot products.
    """
    kind = ir.VectorType(F32, dots.type.count)
    pointer = ir.PointerType(kind)
    factors = load(builder, builder.bitcast(tile.scales, pointer), index, 4)
    scale = broadcast(builder, load(builder, row.scale, 0, 4), kind)
    # Plain operations without flags: LLVM never fuses them.
    term = builder.fmul(builder.sitofp(dots, kind), builder.fmul(factors, scale))
    place = builder.gep(builder.bitcast(row.part, pointer), [ir.Constant(I32, index)])
    before = builder.load(place)
    before.align = 4
    builder.store(builder.fadd(before, term), place).align = 4
