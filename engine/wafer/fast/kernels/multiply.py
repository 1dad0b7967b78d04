"""Matrix–vector products with weights in panels of 64 outputs, sums in the Program's order."""

import numpy as np

from engine.wafer.fast.kernels.dot.entries import call_product
from engine.wafer.fast.kernels.dot.panel_layout import PANEL
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.terms import part_of_four, part_of_one
from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Panels,
    Pieces,
    Quantised,
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.kernels.wide import WIDE_ROWS
from engine.wafer.jit.decorators import helper, kernel

__all__ = ["ROW_BLOCK", "matmul", "product"]

ROW_BLOCK = 4
"""Rows that share one pass over the weights."""


@helper
def _panel(products, panels, piece, inputs, row, rows, order, total):
    """Total ← one panel of outputs for a block of rows: parts last to first, in two phases."""
    panel, groups = panels.pieces[piece, 0], panels.pieces[piece, 1]
    chain = np.empty(rows * PANEL, np.float32)
    last_group = (order.parts - 1) // order.group
    for number in range(last_group, -1, -1):
        low = number * order.group
        high = min(low + order.group, order.parts) - 1
        for p in range(high, low - 1, -1):
            first, last = p * groups // order.parts, (p + 1) * groups // order.parts
            if rows == ROW_BLOCK:
                part_of_four(
                    products, panels.weights, panel, groups, first, last, inputs, row, chain,
                    p == high,
                )  # fmt: skip
            else:
                part_of_one(
                    products, panels.weights, panel, groups, first, last, inputs, row, chain,
                    p == high,
                )  # fmt: skip
        for i in range(rows * PANEL):
            total[i] = chain[i] if number == last_group else chain[i] + total[i]


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
    """Write one panel of outputs for all rows, in blocks of `ROW_BLOCK` while there are so many.

    The arguments are those of `matmul`; ``products`` is of the panel's storage, and of a path that
    the processor has.
    """
    if rows.last - rows.first >= WIDE_ROWS:
        address = panels.entries[panels.pieces[piece, 4], 2]
        call_product(address, panels, piece, inputs, order, values, target, rows)
        return
    width, left = panels.pieces[piece, 2], panels.pieces[piece, 3]
    total = np.empty(ROW_BLOCK * PANEL, np.float32)
    row = rows.first
    while row < rows.last:
        count = ROW_BLOCK if rows.last - row >= ROW_BLOCK else 1
        _panel(products, panels, piece, inputs, row, count, order, total)
        for r in range(count):
            at = target.at + (row + r) * target.width + left
            for j in range(width):
                values[at + j] = total[r * PANEL + j]
        row += count


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
