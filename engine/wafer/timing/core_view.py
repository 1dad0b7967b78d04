"""What somebody watches of a placed model: the states of cells of cores, and of whole regions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.wafer.timing.blocks import CellGrid, grid_patches, whole_regions

if TYPE_CHECKING:
    from engine.wafer.timing.counts import Counts
    from engine.wafer.timing.timing import Timing

__all__ = ["CellActivity", "CoreView"]


@dataclass(frozen=True, slots=True)
class CellActivity:
    """The states of cells and of regions over some steps, in wafer cycles."""

    elapsed_cycles: int
    cells: NDArray[np.int64]
    """Summed over the cores of each cell, row by row, int64 (cells, 6); (0, 6) without a grid."""
    regions: NDArray[np.int64]
    """Summed over the cores of each region, int64 (regions, 6)."""
    cycles_by_operation: dict[str, int]
    """Sums to ``elapsed_cycles``."""


class CoreView:
    """A view of a placed model.  To make one takes a while, to ask it does not.  Any thread.

    Args:
        timing: Of the placed model.
        grid: The cells; None: only the regions are watched.
    """

    def __init__(self, timing: "Timing", grid: CellGrid | None) -> None:
        regions = timing.program.regions
        self._timing = timing
        self._cells = 0 if grid is None else grid.cells
        patches = [] if grid is None else list(grid_patches(regions, grid))
        patches += whole_regions(regions, self._cells)
        self._blocks = timing.blocks(patches, self._cells + len(regions))

    def activity(self, counts: "Counts") -> CellActivity:
        """Return what the cores did in ``counts``."""
        states = self._timing.sums(counts, self._blocks)
        elapsed, by_operation = self._timing.elapsed(counts)
        return CellActivity(elapsed, states[: self._cells], states[self._cells :], by_operation)
