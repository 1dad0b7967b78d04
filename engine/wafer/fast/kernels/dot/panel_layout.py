"""How weights lie in memory for the kernels: panels of outputs, groups of inputs, tiles.

A matrix (N, K) becomes ⌈N / 64⌉ *panels* of K / 32 *tiles* each.  A tile holds 64 outputs of one
group of 32 inputs: what makes weights of levels, then the levels.  A *storage*
(`engine.wafer.fast.kernels.dot.storage`) says how many bytes that takes and where in them a level
lies.  All storages have one order in common, so that memory is read from its beginning to its end:

- Tiles of a panel go from the last group to the first, as parts of a reduction are added.
- Levels of a tile lie in four *strips* of 16 outputs, and in each of them in eight *quads* of four
  inputs: level (n, k) is element n // 16 · 512 + k // 4 · 64 + n % 16 · 4 + k % 4.
"""

__all__ = ["GROUP", "HALF", "LINE", "PANEL", "QUADS", "STRIP", "TILE_LEVELS"]

GROUP = 32
"""Inputs that are quantised together, and of a tile."""
HALF = GROUP // 2
"""Inputs that share a scale in a storage with two scales for a group."""
PANEL = 64
"""Outputs of a panel."""
QUADS = GROUP // 4
"""Quads of a tile."""
STRIP = 16
"""Outputs of a strip."""
LINE = 4 * STRIP
"""Levels of a strip's quad; that many bytes are a line of the cache of most processors."""
TILE_LEVELS = GROUP * PANEL
"""Levels of a tile."""
