"""A storage: how the weights of a tile are packed, whatever multiplies by them.

A *run* of tiles begins with a header that they share; where they share nothing, a run is one tile.
In each tile the scales follow the levels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from engine.wafer.fast.kernels.dot.level_code import Levels
from engine.wafer.fast.kernels.dot.scale_code import Scales
from engine.wafer.fast.kernels.dot.vector_code import Tile

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
    repack: Callable[..., int] | None = None
    """Packs GGML's blocks into it, as `engine.wafer.fast.kernels.dot.repack` says; None: packed
    from levels and scales."""

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
        return self.levels.emit(builder, tile.levels, quad, part)

    def pointers(self, builder: Any, panel: Any, group: Any) -> tuple[Any, Any, Any]:
        """Return pointers to the header, the levels and the scales of a tile of a panel.

        Args:
            builder: Where code is written.
            panel: i8 pointer to the panel.
            group: Number of the tile, an integer of the size of a pointer.
        """

        def times(value: Any, factor: int) -> Any:
            return builder.mul(value, ir.Constant(group.type, factor))

        shared = ir.Constant(group.type, self.scales.groups)
        header = builder.gep(panel, [times(builder.udiv(group, shared), self.run_bytes)])
        within = times(builder.urem(group, shared), self.tile_bytes)
        first = ir.Constant(group.type, self.scales.header_bytes)
        levels = builder.gep(header, [builder.add(within, first)])
        behind = ir.Constant(group.type, self.levels.tile_bytes)
        return header, levels, builder.gep(levels, [behind])
