"""How the levels of a tile lie in bytes, and the code that unpacks them: 4, 5, 6 or 8 bits each.

Levels are unsigned, in strips of *lines* of 64 bytes.  Eight bits: a line for each quad.  Fewer:
the quads 2p and 2p + 1 share line p.  The lower halves of its bytes hold the lower four bits of the
levels of quad 2p, the upper halves the upper four bits of those of quad 2p + 1.  What is left lies
in one or two lines behind: the upper bits of an even quad, the lower ones of an odd quad.  So an
odd quad comes *raised*, its levels times a power of two, a byte each, without being moved.
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
"""The first line behind those of four bits."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A way to keep the levels of a tile."""

    bits: int
    lines: int
    """Lines of a strip."""
    emit: Callable[[Any, LoadLine, int], Any]
    """Writes the code that unpacks the levels of a quad: takes the IR builder, what loads from
    a line, and the quad; returns a vector of unsigned bytes, four for each output."""

    def raised(self, quad: int) -> int:
        """Return by how many bits the levels of a quad come raised."""
        return (8 - self.bits) * (quad % 2)

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


def _half(builder: Any, line: LoadLine, quad: int) -> Any:
    """Return the four bits of a quad that lie in a line, where they lie."""
    return masked(builder, line(quad // 2), 0xF0 if quad % 2 else 0x0F)


def _with_one_plane(builder: Any, line: LoadLine, quad: int) -> Any:
    """Pair p has bits 2p and 2p + 1 of a byte of the plane.

    They are the lowest bit of the odd quad and the fifth bit of the even one.
    """
    plane = shifted(builder, line(_PLANE), 3 - quad // 2 * 2)
    return builder.or_(_half(builder, line, quad), masked(builder, plane, 8 if quad % 2 else 16))


def _with_two_planes(builder: Any, line: LoadLine, quad: int) -> Any:
    """Pair p has four bits of a byte of plane p // 2, the lower ones if p is even.

    They are the two lowest bits of the odd quad and the two highest bits of the even one.
    """
    pair = quad // 2
    plane = shifted(builder, line(_PLANE + pair // 2), -2 if pair % 2 else 2)
    return builder.or_(_half(builder, line, quad), masked(builder, plane, 12 if quad % 2 else 48))


FOUR_BITS = Levels(4, _PLANE, _half)
FIVE_BITS = Levels(5, _PLANE + 1, _with_one_plane)
SIX_BITS = Levels(6, _PLANE + 2, _with_two_planes)
EIGHT_BITS = Levels(8, QUADS, _bytes)
