"""Matrix–vector products with int8 weights in panels of 64 outputs, sums in the Program's order."""

import numpy as np
from numba import prange

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import PANEL
from engine.wafer.fast.kernels.dot.terms import terms_of_four, terms_of_one
from engine.wafer.fast.kernels.operands import (
    Block,
    Floats,
    Panels,
    Quantised,
    RowSpan,
    SumOrder,
    Tiles,
)
from engine.wafer.jit.decorators import helper, kernel, parallel_kernel

__all__ = ["ROW_BLOCK", "matmul", "matmul_parallel"]

ROW_BLOCK = 4
"""Rows that share one pass over the weights."""


@helper
def _add_part(path, panels, tiles, panel, inputs, row, rows, first, last, part):
    """Part ← Σ over groups first … last of f32(dot) × (weight scale × input scale)."""
    for i in range(rows * PANEL):
        part[i] = np.float32(0.0)
    for g in range(first, last):
        tile = tiles.first + panel * tiles.groups + g
        at = row * tiles.groups + g
        if rows == ROW_BLOCK:
            terms_of_four(path, panels, tile, tiles.groups, inputs, at, part)
        else:
            terms_of_one(path, panels, tile, tiles.groups, inputs, at, part)


@helper
def _panel(path, panels, tiles, panel, inputs, row, rows, order, total):
    """Total ← one panel of outputs for a block of rows: parts last to first, in two phases."""
    size = rows * PANEL
    part = np.empty(size, np.float32)
    chain = np.empty(size, np.float32)
    last_group = (order.parts - 1) // order.group
    for number in range(last_group, -1, -1):
        low = number * order.group
        high = min(low + order.group, order.parts) - 1
        for p in range(high, low - 1, -1):
            first, last = p * tiles.groups // order.parts, (p + 1) * tiles.groups // order.parts
            _add_part(path, panels, tiles, panel, inputs, row, rows, first, last, part)
            for i in range(size):
                chain[i] = part[i] if p == high else part[i] + chain[i]
        for i in range(size):
            total[i] = chain[i] if number == last_group else chain[i] + total[i]


@helper
def _rows_of_panel(path, panels, tiles, panel, inputs, order, values, target, rows):
    """Write one panel of outputs for all rows, in blocks of `ROW_BLOCK` while there are so many."""
    left = panel * PANEL
    width = min(PANEL, tiles.outputs - left)
    row = rows.first
    while row < rows.last:
        count = ROW_BLOCK if rows.last - row >= ROW_BLOCK else 1
        total = np.empty(count * PANEL, np.float32)
        _panel(path, panels, tiles, panel, inputs, row, count, order, total)
        for r in range(count):
            at = target.at + (row + r) * target.width + left
            for j in range(width):
                values[at + j] = total[r * PANEL + j]
        row += count


@kernel
def matmul(
    path: DotPath,
    panels: Panels,
    tiles: Tiles,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """Target ← inputs × weights.

    Args:
        path: One that the processor has.
        panels: Weights, packed for the path.
        tiles: Which of them.
        inputs: Quantised rows, as wide as the matrix.
        order: Parts of the reduction own groups of inputs in turn.
        values: The arena; ``target`` is written.
        target: Where results go, at least ``tiles.outputs`` wide.
        rows: Which rows.

    Exactness:
        Bit-exact with ``engine.model.reference``'s quantised matmul of the same order.
    """
    for panel in range((tiles.outputs + PANEL - 1) // PANEL):
        _rows_of_panel(path, panels, tiles, panel, inputs, order, values, target, rows)


@parallel_kernel
def matmul_parallel(
    path: DotPath,
    panels: Panels,
    tiles: Tiles,
    inputs: Quantised,
    order: SumOrder,
    values: Floats,
    target: Block,
    rows: RowSpan,
) -> None:
    """The same with panels shared among threads; a panel's sums stay in one thread."""
    for panel in prange((tiles.outputs + PANEL - 1) // PANEL):
        _rows_of_panel(path, panels, tiles, panel, inputs, order, values, target, rows)
