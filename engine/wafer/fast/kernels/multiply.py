"""Matrix–vector products with weights in panels of 64 outputs, sums in the Program's order."""

from engine.wafer.fast.kernels.dot.entries import call_product
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Panels,
    Pieces,
    Quantised,
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.kernels.thin import thin_product
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["matmul", "product"]


@kernel
def product(
    products: Products,
    panels: Panels,
    piece: int,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Write one panel of outputs for all rows.

    The arguments are those of `matmul`; ``products`` is of the panel's storage, and of a path that
    the processor has.
    """
    code = panels.entries[panels.pieces[piece, 4]]
    if rows.last - rows.first >= code[3]:
        address = code[2]
        call_product(address, panels, piece, inputs, order, values, target, rows)
        return
    thin_product(products, panels, piece, inputs, order, values, target, rows)


@helper
def _product(panels, piece, inputs, order, values, target, rows):
    """Write one panel of outputs by the code for its storage."""
    address = panels.entries[panels.pieces[piece, 4], 0]
    call_product(address, panels, piece, inputs, order, values, target, rows)


@kernel
def matmul(
    panels: Panels,
    pieces: Pieces,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Target ← inputs × weights.

    Args:
        panels: Weights, with the code that multiplies by them.
        pieces: Which of them; their storages may differ.
        inputs: Quantised rows, as wide as the matrix.
        order: Parts of the reduction own groups of inputs in turn.
        values: The arena; ``target`` is written.
        target: Where results go, at least as wide as the matrix has outputs.
        rows: Which rows.

    Exactness:
        Bit-exact with ``engine.model.reference``'s quantised matmul of the same order.
    """
    for piece in range(pieces.first, pieces.first + pieces.number):
        _product(panels, piece, inputs, order, values, target, rows)
