"""Products of many rows: a panel's tiles are unpacked once, then multiplied by all rows.

A few tiles at a time, as many as the first cache holds, in the order in which the sum takes them.
"""

import numpy as np

from engine.wafer.fast.kernels.dot.panel_layout import LINE
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.wide_code import (
    ADD_CHAIN,
    ADD_PART,
    ADD_TOTAL,
    CHAIN_SUM,
    PART_SUM,
    ROW_SUMS,
    TOTAL_SUM,
)
from engine.wafer.fast.kernels.dot.wide_parts import (
    begin,
    end,
    first_line,
    keep,
    multiply_block,
    sizes_of,
    unpack,
    write_totals,
)
from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Panels,
    Quantised,
    RowSpan,
    SumOrder,
)
from engine.wafer.fast.kernels.prefetching import ask_for
from engine.wafer.jit.decorators import helper, kernel_with_arrays

__all__ = ["wide_product"]


@helper
def _order_tiles(order, width, groups, modes):
    """Write the groups of a row in the order in which their terms are added, and their modes.

    Parts without a group are left out: they would add 0.  The first sum of each kind is not added
    to 0, so that a result may be −0 where the contract has 0; `write_totals` adds 0 in the end.
    """
    n, total_begins = 0, True
    for number in range((order.parts - 1) // order.group, -1, -1):
        low = number * order.group
        high = min(low + order.group, order.parts) - 1
        chain_begins = True
        for p in range(high, low - 1, -1):
            first, last = p * width // order.parts, (p + 1) * width // order.parts
            for group in range(first, last):
                groups[n] = group
                modes[n] = PART_SUM if group == first else PART_SUM | ADD_PART
                n += 1
            if first < last:
                modes[n - 1] |= CHAIN_SUM if chain_begins else CHAIN_SUM | ADD_CHAIN
                chain_begins = False
        if not chain_begins:
            modes[n - 1] ^= CHAIN_SUM ^ TOTAL_SUM
            if not total_begins:
                modes[n - 1] |= ADD_TOTAL
            total_begins = False


@helper
def _block_sizes(most, any_rows, rows):
    """Return the number of blocks and the rows of each; together they may have more."""
    blocks = -(-rows // most)
    return blocks, -(-rows // blocks) if any_rows else most


@kernel_with_arrays
def wide_product(
    products: Products,
    panels: Panels,
    piece: int,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Write one panel of outputs for all rows, as many as a block has at least.

    The arguments are those of `multiply.product`.  Rows go in blocks of one size; the last one ends
    with the last row, and computes rows again where it begins before the end of the one before.
    """
    sizes = sizes_of(products)
    panel, width = panels.pieces[piece, 0], panels.pieces[piece, 1]
    groups, modes = np.empty(width, np.int64), np.empty(width, np.int64)
    _order_tiles(order, width, groups, modes)
    blocks, size = _block_sizes(sizes.rows, sizes.any_rows, rows.last - rows.first)
    sums_bytes = 4 * blocks * size * ROW_SUMS
    room = np.empty(sizes.slots * sizes.slot + sizes.scratch + sums_bytes + LINE, np.uint8)
    slots = first_line(room)
    scratch = slots + sizes.slots * sizes.slot
    sums = scratch + sizes.scratch
    share = -(-sizes.slots * sizes.tile // (blocks * LINE))
    begin(
        products, slots, groups, modes, 0, 0, inputs, rows.first, size, width, sums, scratch
    )  # fmt: skip
    for first in range(0, width, sizes.slots):
        count = min(sizes.slots, width - first)
        for slot in range(count):
            tile = width - 1 - groups[first + slot]
            unpack(products, panels.weights, panel, tile, slots + slot * sizes.slot)
        ahead = panel + (first + sizes.slots) * sizes.tile
        for b in range(blocks):
            ask_for(panels.weights, ahead + b * share * LINE, share)
            multiply_block(
                products, slots, groups, modes, first, count, inputs,
                min(rows.first + b * size, rows.last - size), size, width,
                sums + 4 * b * size * ROW_SUMS, scratch,
            )  # fmt: skip
    end(products)
    outputs, left = panels.pieces[piece, 2], panels.pieces[piece, 3]
    for i in range(blocks * size):
        row = min(rows.first + i // size * size, rows.last - size) + i % size
        at = target.at + row * target.width + left
        write_totals(sums + 4 * i * ROW_SUMS, outputs, values, at)
    keep(room)
