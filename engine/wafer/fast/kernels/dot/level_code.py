"""How the levels of a tile lie in bytes, and the code that unpacks them: 4, 5, 6 or 8 bits each.

Levels are unsigned, in strips of *lines* of 64 bytes.  Eight bits: a line for each quad.  Fewer:
the quads 2p and 2p + 1 share line p, their lower four bits in the lower and upper halves of its
bytes; what is above four bits lies in one or two lines behind, so that one shift brings it to its
place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.wafer.fast.kernels.dot.panel_layout import LINE, PANEL, QUADS, STRIP
from engine.wafer.fast.kernels.dot.vector_code import masked, shifted

__all__ = ["EIGHT_BITS", "FIVE_BITS", "FOUR_BITS", "SIX_BITS", "Levels"]

LoadLine = Callable[[int], Any]
"""Returns a vector of bytes, four for each of some outputs of a strip, out of a line."""

_PLANE = QUADS // 2
"""The first line behind the lower four bits."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A way to keep the levels of a tile."""

    bits: int
    lines: int
    """Lines of a strip."""
    emit: Callable[[Any, LoadLine, int], Any]
    """Writes the code that unpacks a quad of some outputs: takes the IR builder, what loads from
    a line, and the quad; returns a vector of unsigned bytes, four for each output."""

    @property
    def strip_bytes(self) -> int:
        """Bytes of a strip."""
        return self.lines * LINE

    @property
    def tile_bytes(self) -> int:
        """Bytes of a tile."""
        return PANEL // STRIP * self.strip_bytes


def _bytes(builder: Any, line: LoadLine, quad: int) -> Any:
    return line(quad)


def _lower_four(builder: Any, line: LoadLine, quad: int) -> Any:
    return masked(builder, shifted(builder, line(quad // 2), -4 * (quad % 2)), 15)


def _with_one_plane(builder: Any, line: LoadLine, quad: int) -> Any:
    """Bit q of a byte of the plane is the fifth bit of a level of quad q."""
    upper = masked(builder, shifted(builder, line(_PLANE), 4 - quad), 16)
    return builder.or_(_lower_four(builder, line, quad), upper)


def _with_two_planes(builder: Any, line: LoadLine, quad: int) -> Any:
    """Bits 2i and 2i + 1 of a byte of plane p are the upper bits of a level of quad 4p + i."""
    plane = line(_PLANE + quad // 4)
    upper = masked(builder, shifted(builder, plane, 4 - 2 * (quad % 4)), 48)
    return builder.or_(_lower_four(builder, line, quad), upper)


FOUR_BITS = Levels(4, _PLANE, _lower_four)
FIVE_BITS = Levels(5, _PLANE + 1, _with_one_plane)
SIX_BITS = Levels(6, _PLANE + 2, _with_two_planes)
EIGHT_BITS = Levels(8, QUADS, _bytes)
