"""Which cores make up each cell of a picture: a rectangle of the wafer, divided into cells.

Only places; what the cores do is `engine.wafer.timing.block_states`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.program import Region

__all__ = ["CellGrid", "Patch", "grid_patches", "whole_regions"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CellGrid:
    """A rectangle of cores, divided into cells; (column, row) on the wafer, origin north-west.

    The core in column c of the rectangle lies in column ⌊c · columns ÷ width⌋ of the cells, and
    likewise down; the rectangle may reach beyond the placed cores.
    """

    x: int
    y: int
    width: int
    height: int
    columns: int
    rows: int

    @property
    def cells(self) -> int:
        """The number of cells."""
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class Patch:
    """The cores of one region that lie in a picture, and the cell of each."""

    region: int
    rows: Ints
    """Core rows of the region, as the region counts them: 0 is the southernmost if it is flipped.
    Those of one cell stand together."""
    columns: Ints
    row_cells: Ints
    """For each of the rows, its part of the cell's number."""
    column_cells: Ints
    """For each of the columns, the rest: the cell of a core is the sum of the two."""


def grid_patches(regions: Sequence[Region], grid: CellGrid) -> Iterator[Patch]:
    """Yield the patches of the regions that lie in a grid; cells are numbered row by row."""
    for number, region in enumerate(regions):
        down = np.arange(region.height)
        places = region.y + (down[::-1] if region.flipped else down) - grid.y
        rows, row_cells = _inside(places, grid.height, grid.rows)
        across = np.arange(region.width) + region.x - grid.x
        columns, column_cells = _inside(across, grid.width, grid.columns)
        if rows.size and columns.size:
            yield Patch(number, rows, columns, row_cells * grid.columns, column_cells)


def whole_regions(regions: Sequence[Region], first: int = 0) -> Iterator[Patch]:
    """Yield every region as one cell, numbered from ``first`` on."""
    for number, region in enumerate(regions):
        rows, columns = np.arange(region.height), np.arange(region.width)
        cell = np.full(region.height, first + number)
        yield Patch(number, rows, columns, cell, np.zeros_like(columns))


def _inside(places: Ints, length: int, cells: int) -> tuple[Ints, Ints]:
    """Return which of the places along one side lie in it, and the cell of each of these."""
    inside = np.flatnonzero((places >= 0) & (places < length))
    return inside, places[inside] * cells // length
