"""What a wafer map can colour its cores by, and the palette indices of each.

Numbers of cells in, indices out; 0 is no core, 1 is nothing of what is shown.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.protocol.messages import RegionInfo
from tui.visuals.heat_grid import CoreGrid, level_of
from tui.visuals.map_kinds import IDLE
from tui.visuals.palette import LEVELS, OWNER_COLOURS

__all__ = ["amounts", "changes", "owners", "share", "shares_of_state", "work_shares"]

_WORKING = 3
"""The states in which a core works: multiply–accumulate, vector, send and receive."""
_LEAST_CHANGE = 1e-3
"""A smaller change of a share is drawn as none."""


def shares_of_state(states: NDArray[np.uint64], cores: CoreGrid, state: int) -> NDArray[np.uint8]:
    """Return indices by the share of one state in a cell's cycles; its hue is the state's."""
    hue = 0 if state == IDLE else state
    return amounts(share(states, (state,)), cores, hue)


def work_shares(states: NDArray[np.uint64], cores: CoreGrid) -> NDArray[np.uint8]:
    """Return indices by the share of cycles in which a cell's cores work and do not wait."""
    return amounts(share(states, range(_WORKING)), cores)


def share(
    states: NDArray[np.uint64] | NDArray[np.int64], chosen: Sequence[int]
) -> NDArray[np.float64]:
    """Return the share of some states in each cell's cycles, 0–1; 0 without cycles."""
    sums = states.astype(np.float64)
    return np.asarray(sums[:, list(chosen)].sum(axis=1) / np.maximum(sums.sum(axis=1), 1))


def amounts(
    values: NDArray[np.float64], cores: CoreGrid, hue: int = 0, *, linear: bool = False
) -> NDArray[np.uint8]:
    """Return indices by shares 0–1, on the brightness scale of `level_of` or a linear one.

    Cells without a core are drawn where they have an amount, too: routers there pass wavelets on.
    """
    indices = cores.placed.astype(np.uint8)
    some = np.flatnonzero(values > 0)
    level = (LEVELS * values[some]).clip(0, LEVELS - 1) if linear else level_of(values[some])
    indices[some] = 2 + hue * LEVELS + level.astype(np.uint8)
    return indices


def changes(
    before: NDArray[np.float64], after: NDArray[np.float64], cores: CoreGrid
) -> NDArray[np.uint8]:
    """Return indices by how much shares grew (first hue) or fell (second hue)."""
    indices = cores.placed.astype(np.uint8)
    grown = after - before
    some = np.flatnonzero(np.abs(grown) >= _LEAST_CHANGE)
    level = level_of(np.abs(grown[some])).astype(np.uint8)
    indices[some] = 2 + (grown[some] < 0) * LEVELS + level
    return indices


def owners(
    regions: Sequence[RegionInfo], cores: CoreGrid, alone: int | None = None
) -> NDArray[np.uint8]:
    """Return indices by region: the one that holds most of a cell; ``alone``: that one only."""
    most = np.zeros(cores.rows * cores.columns, np.int64)
    indices = cores.placed.astype(np.uint8)
    for number, region in enumerate(regions):
        held = cores.of(region)
        mine = (held > most) & (held > 0)
        most = np.maximum(most, held)
        faint = alone not in (None, number)
        hue = number % len(OWNER_COLOURS)
        indices[mine] = 1 if faint else 2 + hue * LEVELS + LEVELS - 4
    return indices
