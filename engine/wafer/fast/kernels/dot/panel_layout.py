"""How weights lie in memory for the kernels: panels of outputs, groups of inputs, tiles.

A matrix (N, K) becomes ⌈N / 64⌉ *panels* of K / 32 *tiles* each.  A tile holds 64 outputs of one
group of 32 inputs: their levels, and what makes weights of them.  A *storage*
(`engine.wafer.fast.kernels.dot.storage`) says how many bytes that takes and where in them a level
lies.  All storages have one order in common: a tile's inputs in eight *quads* of four, each quad
for all outputs in turn, so that level (n, k) is element k // 4 · 256 + n · 4 + k % 4.
"""

__all__ = ["GROUP", "HALF", "PANEL", "QUADS", "QUAD_LEVELS", "TILE_LEVELS"]

GROUP = 32
"""Inputs that are quantised together, and of a tile."""
HALF = GROUP // 2
"""Inputs that share a scale in a storage with two scales for a group."""
PANEL = 64
"""Outputs of a panel."""
QUADS = GROUP // 4
"""Quads of a tile."""
QUAD_LEVELS = 4 * PANEL
"""Levels of a quad, all outputs."""
TILE_LEVELS = GROUP * PANEL
"""Levels of a tile."""
