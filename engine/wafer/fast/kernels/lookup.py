"""One row of a matrix in panels, dequantised: what an embedding looks up."""

import numpy as np

from engine.wafer.fast.kernels.dot.panel_layout import GROUP, HALF, LINE, PANEL, STRIP, TILE_LEVELS
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.terms import unpack_tile
from engine.wafer.fast.kernels.operands import Floats, Panels
from engine.wafer.jit.decorators import kernel_with_arrays

__all__ = ["row"]


@kernel_with_arrays
def row(
    products: Products, panels: Panels, piece: int, column: int, values: Floats, at: int
) -> None:
    """Values from ``at`` on ← one output's weights: scale × level, then − minimum, each rounded.

    Args:
        products: Its storage is that of the panel.
        panels: Weights.
        piece: Which panel.
        column: Which of its outputs.
        values: The arena.
        at: Where the row goes.
    """
    levels = np.empty(TILE_LEVELS, np.int8)
    scales = np.empty(2 * PANEL, np.float32)
    minima = np.empty(PANEL, np.float32)
    start, groups = panels.pieces[piece, 0], panels.pieces[piece, 1]
    strip = column // STRIP * GROUP * STRIP + column % STRIP * 4
    for g in range(groups):
        unpack_tile(products, panels.weights, start, groups, g, levels, scales, minima)
        for k in range(GROUP):
            level = np.float32(levels[strip + k // 4 * LINE + k % 4])
            values[at + g * GROUP + k] = level * scales[k // HALF * PANEL + column] - minima[column]
