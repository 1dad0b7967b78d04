"""What part of the wafer a map shows, and how large: zoom and pan as arithmetic.

A *pixel* is half a terminal cell.  It stands for a square of ``block`` cores, or a core for a
square of ``zoom`` pixels.  Coordinates are (column, row) of cores, origin north-west.
"""

from typing import NamedTuple

__all__ = ["MOST_ZOOM", "MapWindow", "Scale", "coarser", "finer", "whole_wafer", "window_around"]

MOST_ZOOM = 8
"""Pixels of a core's edge at most."""


class Scale(NamedTuple):
    """How large cores are drawn; one of the two is 1."""

    block: int
    """Edge of the square of cores that a pixel stands for."""
    zoom: int
    """Edge in pixels of one core."""


class MapWindow(NamedTuple):
    """A part of the wafer at a scale."""

    x: int
    """Column of the westmost core."""
    y: int
    """Row of the northmost core."""
    scale: Scale
    columns: int
    """Blocks from west to east."""
    rows: int
    """Blocks from north to south."""

    @property
    def centre(self) -> tuple[int, int]:
        """The core in the middle."""
        block = self.scale.block
        return self.x + self.columns * block // 2, self.y + self.rows * block // 2


def finer(scale: Scale) -> Scale:
    """Return the next scale at which cores are larger; the same at the end.

    Example:
        >>> finer(Scale(5, 1)), finer(Scale(1, 1))
        (Scale(block=3, zoom=1), Scale(block=1, zoom=2))
    """
    if scale.block > 1:
        return Scale((scale.block + 1) // 2, 1)
    return Scale(1, min(2 * scale.zoom, MOST_ZOOM))


def coarser(scale: Scale, largest: int) -> Scale:
    """Return the next scale at which cores are smaller, until a pixel stands for ``largest``².

    Example:
        >>> coarser(Scale(3, 1), 9), coarser(Scale(1, 4), 9)
        (Scale(block=6, zoom=1), Scale(block=1, zoom=2))
    """
    if scale.zoom > 1:
        return Scale(1, scale.zoom // 2)
    return Scale(max(scale.block, min(2 * scale.block, largest)), 1)


def whole_wafer(wafer: tuple[int, int], width: int, height: int) -> Scale:
    """Return the finest scale at which all cores of a wafer fit.

    Args:
        wafer: Its columns and rows of cores.
        width: Terminal cells.
        height: Terminal rows of two pixels each.
    """
    return Scale(max(1, -(-wafer[0] // width), -(-wafer[1] // (2 * height))), 1)


def window_around(
    centre: tuple[int, int], scale: Scale, wafer: tuple[int, int], width: int, height: int
) -> MapWindow:
    """Return the window around a core that fills a place, moved so that it lies on the wafer.

    Args:
        centre: The core in the middle.
        scale: How large cores are drawn.
        wafer: Columns and rows of cores.
        width: Terminal cells.
        height: Terminal rows of two pixels each.
    """
    x, columns = _along(centre[0], scale, wafer[0], width)
    y, rows = _along(centre[1], scale, wafer[1], 2 * height)
    return MapWindow(x, y, scale, columns, rows)


def _along(middle: int, scale: Scale, cores: int, pixels: int) -> tuple[int, int]:
    """Return the first core and the number of blocks along one axis."""
    count = max(1, min(-(-cores // scale.block), pixels // scale.zoom))
    shown = count * scale.block
    return max(0, min(middle - shown // 2, cores - shown)), count
