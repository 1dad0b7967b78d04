"""How the levels of a tile lie in bytes, and the code that unpacks them: 4, 5, 6 or 8 bits each.

Levels are unsigned.  Eight bits: a byte each, in the order of `panel_layout`.  Fewer: the quads 2p
and 2p + 1 share a block of 256 bytes, their lower four bits in its lower and upper halves of bytes;
what is above four bits lies in planes behind, so that one shift brings it to its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.wafer.fast.kernels.dot.panel_layout import QUAD_LEVELS, TILE_LEVELS
from engine.wafer.fast.kernels.dot.vector_code import VectorLoads, masked, shifted

__all__ = ["EIGHT_BITS", "FIVE_BITS", "FOUR_BITS", "SIX_BITS", "Levels"]

_PLANES = TILE_LEVELS // 2
"""Bytes of the lower four bits, behind which the planes begin."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A way to keep the levels of a tile."""

    bits: int
    tile_bytes: int
    emit: Callable[[Any, VectorLoads, int, int], Any]
    """Writes the code that unpacks some outputs of a quad: takes the IR builder, the tile's bytes,
    the quad and the number of the vector in it; returns a vector of unsigned bytes, four for each
    output."""


def _bytes(builder: Any, tile: VectorLoads, quad: int, part: int) -> Any:
    return tile.bytes_at(quad * QUAD_LEVELS, part)


def _lower_four(builder: Any, tile: VectorLoads, quad: int, part: int) -> Any:
    both = tile.bytes_at(quad // 2 * QUAD_LEVELS, part)
    return masked(builder, shifted(builder, both, -4 * (quad % 2)), 15)


def _with_one_plane(builder: Any, tile: VectorLoads, quad: int, part: int) -> Any:
    """Bit q of a byte of the plane is the fifth bit of a level of quad q."""
    plane = shifted(builder, tile.bytes_at(_PLANES, part), 4 - quad)
    return builder.or_(_lower_four(builder, tile, quad, part), masked(builder, plane, 16))


def _with_two_planes(builder: Any, tile: VectorLoads, quad: int, part: int) -> Any:
    """Bits 2i and 2i + 1 of a byte of plane p are the upper bits of a level of quad 4p + i."""
    plane = tile.bytes_at(_PLANES + quad // 4 * QUAD_LEVELS, part)
    upper = masked(builder, shifted(builder, plane, 4 - 2 * (quad % 4)), 48)
    return builder.or_(_lower_four(builder, tile, quad, part), upper)


FOUR_BITS = Levels(4, _PLANES, _lower_four)
FIVE_BITS = Levels(5, _PLANES + QUAD_LEVELS, _with_one_plane)
SIX_BITS = Levels(6, _PLANES + 2 * QUAD_LEVELS, _with_two_planes)
EIGHT_BITS = Levels(8, TILE_LEVELS, _bytes)
