"""How int8 weights lie in memory for the kernels: panels of outputs, groups of inputs, layouts.

A matrix (N, K) becomes ⌈N / 64⌉ panels of K / 32 *tiles* each.  A tile holds 64 outputs of one
group of 32 inputs: 2,048 bytes and 64 scales.  A `TileLayout` says where in a tile a weight lies.
"""

from typing import NamedTuple

__all__ = ["GROUP", "PANEL", "TILE_BYTES", "UNSIGNED_QUADS", "TileLayout"]

GROUP = 32
"""Inputs that share a scale."""
PANEL = 64
"""Outputs of a panel."""
TILE_BYTES = GROUP * PANEL
"""Bytes of one group of a panel."""


class TileLayout(NamedTuple):
    """Where a tile's weights lie: the inputs in runs, each run for all outputs in turn.

    The weight of output n and input k is byte (k // run · 64 + n) · run + k % run.
    """

    run: int
    """Inputs of one output that lie side by side; divides 32."""
    bias: int
    """Added to each weight before it becomes a byte: 128 makes bytes unsigned, 0 keeps them
    signed."""


UNSIGNED_QUADS = TileLayout(run=4, bias=128)
"""Eight quads of inputs × 64 outputs × 4 inputs, for instructions that multiply unsigned bytes by
signed ones and add four neighbours."""
