"""Products of few rows: a panel's weights are read once, for up to `THIN_ROWS` rows at a time.

Sums follow the Program's order: terms make parts, parts make chains, from the last to the first,
and the results of chains are added in the same way.
"""

from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.terms import (
    ROW_SUMS,
    ROW_TOTAL,
    THIN_ROWS,
    end_chains,
    room_for_sums,
    tile_of_one,
    tile_of_rows,
)
from engine.wafer.fast.kernels.operands import Block, Floats, Panels, Quantised, RowSpan, SumOrder
from engine.wafer.jit.decorators import inlined

__all__ = ["thin_product"]


@inlined
def _part(products, panels, piece, inputs, row, rows, first, last, sums):
    """Add the terms of some groups to a part, and the part to the chain."""
    panel, groups = panels.pieces[piece, 0], panels.pieces[piece, 1]
    for g in range(first, last):
        begins, ends = g == first, g == last - 1
        if rows == 1:
            tile_of_one(
                products, panels.weights, panel, groups, g, inputs, row, rows, sums, begins, ends
            )
        else:
            tile_of_rows(
                products, panels.weights, panel, groups, g, inputs, row, rows, sums, begins, ends
            )


@inlined
def _panel(products, panels, piece, inputs, row, rows, order, sums):
    """Total ← one panel of outputs for some rows: parts last to first, in two phases.

    Part p has the groups from p · groups // parts on; the quotient and the remainder of that
    division go down with p.
    """
    groups = panels.pieces[piece, 1]
    size, excess = groups // order.parts, groups % order.parts
    first, remainder = groups, 0
    in_chain = (order.parts - 1) % order.group + 1
    for _ in range(order.parts):
        last = first
        first, remainder = first - size, remainder - excess
        if remainder < 0:
            first, remainder = first - 1, remainder + order.parts
        _part(products, panels, piece, inputs, row, rows, first, last, sums)
        in_chain -= 1
        if in_chain == 0:
            end_chains(products, rows, sums)
            in_chain = order.group


@inlined
def thin_product(
    products: Products,
    panels: Panels,
    piece: int,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Write one panel of outputs for all rows; the arguments are those of `multiply.product`."""
    width, left = panels.pieces[piece, 2], panels.pieces[piece, 3]
    sums = room_for_sums()
    row = rows.first
    while row < rows.last:
        count = min(THIN_ROWS, rows.last - row)
        sums[: count * ROW_SUMS] = 0
        _panel(products, panels, piece, inputs, row, count, order, sums)
        for r in range(count):
            at = target.at + (row + r) * target.width + left
            totals, outputs = sums[r * ROW_SUMS + ROW_TOTAL :], values[at : at + width]
            for j in range(width):
                outputs[j] = totals[j]
        row += count
