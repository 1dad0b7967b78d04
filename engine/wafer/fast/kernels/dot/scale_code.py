"""How the scales and minima of a tile lie in bytes, and the code that makes float32 of them.

weight = scale · level − minimum.  Either a tile has its own, as fp16 or float32 numbers, or it has
small integers, and the tiles of eight groups share an fp16 factor for each output: their products
are exact in float32 (11 bits by at most 8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.wafer.fast.kernels.dot.panel_layout import PANEL
from engine.wafer.fast.kernels.dot.vector_code import Tile

__all__ = [
    "HALVES", "HALVES_AND_MINIMA", "SHARED_AND_MINIMA", "SHARED_OF_SIXTEEN", "WHOLE",
    "WHOLE_AND_MINIMA", "WHOLE_OF_SIXTEEN", "Scales",
]  # fmt: skip

_F16, _F32 = 2 * PANEL, 4 * PANEL
"""Bytes of such a number for each output."""

Emit = Callable[[Any, Tile, int], Any]


@dataclass(frozen=True, slots=True)
class Scales:
    """A way to keep the scales of a tile."""

    tile_bytes: int
    """Before the levels of each tile."""
    header_bytes: int
    """Before the tiles of ``groups`` groups."""
    groups: int
    """Groups that share a header."""
    scales: tuple[Emit, ...]
    """Write the code that gives the scales of some outputs as float32: take the IR builder, the
    tile and the number of the vector.  One for a group, or one for each half of it."""
    minima: Emit | None = None
    """The same for the minima."""


def _half(offset: int) -> Emit:
    """Return the code of an fp16 number in the tile."""
    return lambda builder, tile, part: tile.widen(builder, tile.own.halves_at(offset, part))


def _whole(offset: int) -> Emit:
    """Return the code of a float32 number in the tile."""
    return lambda builder, tile, part: tile.own.floats_at(offset, part)


def _shared(offset: int, integers: int, *, signed: bool) -> Emit:
    """Return the code of a factor in the header times an integer in the tile."""

    def emit(builder: Any, tile: Tile, part: int) -> Any:
        factor = tile.widen(builder, tile.header.halves_at(offset, part))
        small = tile.own.small_at(integers, part)
        convert = builder.sitofp if signed else builder.uitofp
        return builder.fmul(factor, convert(small, factor.type))

    return emit


HALVES = Scales(_F16, 0, 1, (_half(0),))
HALVES_AND_MINIMA = Scales(2 * _F16, 0, 1, (_half(0),), _half(_F16))
SHARED_AND_MINIMA = Scales(
    2 * PANEL, 2 * _F16, 8,
    (_shared(0, 0, signed=False),), _shared(_F16, PANEL, signed=False),
)  # fmt: skip
SHARED_OF_SIXTEEN = Scales(
    2 * PANEL, _F16, 8, (_shared(0, 0, signed=True), _shared(0, PANEL, signed=True))
)
WHOLE = Scales(_F32, 0, 1, (_whole(0),))
WHOLE_AND_MINIMA = Scales(2 * _F32, 0, 1, (_whole(0),), _whole(_F32))
WHOLE_OF_SIXTEEN = Scales(2 * _F32, 0, 1, (_whole(0), _whole(_F32)))
