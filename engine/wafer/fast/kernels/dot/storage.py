"""A storage: how the weights of a tile are packed, whatever multiplies by them.

A *run* of tiles begins with a header that they share; where they share nothing, a run is one tile.
In each tile the scales come first, then the levels.
"""

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.level_code import Levels
from engine.wafer.fast.kernels.dot.panel_layout import LINE
from engine.wafer.fast.kernels.dot.scale_code import Scales
from engine.wafer.fast.kernels.dot.vector_code import Tile, masked, shifted

__all__ = ["Storage"]


@dataclass(frozen=True, slots=True)
class Storage:
    """Levels and scales of a tile, in bytes: weight = scale · (level − zero) − minimum."""

    name: str
    """That of the weight format it was made for, if it was made for one."""
    levels: Levels
    zero: int
    """The level that stands for 0."""
    scales: Scales
    repack: Any = None
    """The kernel of `engine.wafer.fast.kernels.dot.repack` that packs GGML's blocks into it; None:
    it is packed from levels and scales."""

    @property
    def tile_bytes(self) -> int:
        """Bytes of a tile without the header that it shares."""
        return self.levels.tile_bytes + self.scales.tile_bytes

    @property
    def run_bytes(self) -> int:
        """Bytes of a header and its tiles."""
        return self.scales.header_bytes + self.scales.groups * self.tile_bytes

    def panel_bytes(self, groups: int) -> int:
        """Return the bytes of a panel of so many groups; the last run may be shorter."""
        headers = -(-groups // self.scales.groups)
        return headers * self.scales.header_bytes + groups * self.tile_bytes

    def unpacked(self, builder: Any, tile: Tile, quad: int, part: int) -> Any:
        """Return the unsigned levels of some outputs of a quad, four for each."""
        levels, bits = self.raised(builder, tile, quad, part), self.levels.raised(quad)
        if bits == 0:
            return levels
        return masked(builder, shifted(builder, levels, -bits), 2**self.levels.bits - 1)

    def raised(self, builder: Any, tile: Tile, quad: int, part: int) -> Any:
        """Return the same times 2 to the power of `Levels.raised`: how they are got cheapest."""
        size = self.levels.strip_bytes
        return self.levels.emit(
            builder, lambda line: tile.levels.strip_at(line * LINE, part, size), quad
        )

    def pointers(self, builder: Any, panel: Any, tile: Any) -> tuple[Any, Any, Any]:
        """Return pointers to the header, the scales and the levels of a tile of a panel.

        Args:
            builder: Where code is written.
            panel: i8 pointer to the panel.
            tile: Number of the tile, an integer of the size of a pointer.
        """

        def number(value: int) -> Any:
            return ir.Constant(tile.type, value)

        shared = number(self.scales.groups)
        run = builder.mul(builder.udiv(tile, shared), number(self.run_bytes))
        header = builder.gep(panel, [run])
        within = builder.mul(builder.urem(tile, shared), number(self.tile_bytes))
        scales = builder.gep(header, [builder.add(within, number(self.scales.header_bytes))])
        return header, scales, builder.gep(scales, [number(self.scales.tile_bytes)])
