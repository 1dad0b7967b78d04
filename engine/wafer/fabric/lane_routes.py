"""The lanes of one color from a region to another, as routes of routers.

Paths join where they meet in one lane and may not touch another.  Knows no micro-instruction.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.wafer.fabric.network import EAST, NORTH, RAMP, SOUTH, WEST, bit
from engine.wafer.place.lanes import row_y
from engine.wafer.program.program import Region

__all__ = ["LaneRoutes"]

Ints = NDArray[np.int64]

_PORT_OF_STEP = np.full((3, 3), RAMP)
"""Port by (Δx + 1, Δy + 1)."""
_PORT_OF_STEP[2, 1], _PORT_OF_STEP[0, 1] = EAST, WEST
_PORT_OF_STEP[1, 0], _PORT_OF_STEP[1, 2] = NORTH, SOUTH
_OPPOSITE = np.array([WEST, SOUTH, EAST, NORTH, RAMP])


class LaneRoutes:
    """Ports taken and left at every router of a network, for one color that is being walked."""

    def __init__(self, columns: int, rows: int, corner: tuple[int, int]) -> None:
        """Start without a way; ``corner`` is the wafer's (x, y) of the first router."""
        self._corner = np.array(corner, np.int64)
        self._taken = np.zeros((rows, columns), np.int64)
        self._left = np.zeros((rows, columns), np.int64)
        self._lane = np.full((rows, columns), -1, np.int64)

    def walk(self, path: Ints, lane: int) -> None:
        """Add a path, int64 (n, 2) of wafer coordinates, up to a router where it joins its lane.

        Raises:
            PlacementError: The path touches another lane.
        """
        x, y = (path - self._corner).T
        steps = np.diff(path, axis=0) + 1
        leaves = np.append(_PORT_OF_STEP[steps[:, 0], steps[:, 1]], RAMP)
        arrives = np.insert(_OPPOSITE[leaves[:-1]], 0, RAMP)
        owner = self._lane[y, x]
        known = np.flatnonzero(owner >= 0)
        count = int(known[0]) if known.size else x.size
        if known.size:
            if owner[count] != lane:
                raise PlacementError(f"lane {lane} meets lane {owner[count]} at {path[count]}")
            self._taken[y[count], x[count]] |= 1 << arrives[count]
        x, y = x[:count], y[:count]
        self._taken[y, x] = 1 << arrives[:count]
        self._left[y, x] = 1 << leaves[:count]
        self._lane[y, x] = lane

    def cover(self, region: Region) -> None:
        """Let lane 0 leave its wavelets at every core of the north line of where it ends."""
        y = row_y(region, 0) - int(self._corner[1])
        first = region.x - int(self._corner[0])
        columns = np.arange(first, first + region.width)
        walked = self._lane[y, columns] == 0
        self._left[y, columns[walked]] |= bit(RAMP)
        beyond = columns[np.flatnonzero(walked)[-1] + 1 :]
        if not beyond.size:
            return
        self._left[y, beyond[0] - 1] |= bit(EAST)
        if np.any(self._lane[y, beyond] >= 0):
            raise PlacementError(f"lanes cross the north line of {region.label}")
        self._lane[y, beyond] = 0
        self._taken[y, beyond] = bit(WEST)
        self._left[y, beyond] = bit(EAST, RAMP)
        self._left[y, beyond[-1]] = bit(RAMP)

    def routes(self) -> Iterator[tuple[int, int, Ints, Ints]]:
        """Yield (ports taken, ports left, columns, rows) of routers with the same route."""
        y, x = np.nonzero(self._lane >= 0)
        masks = self._taken[y, x] * 32 + self._left[y, x]
        for mask in np.unique(masks):
            here = masks == mask
            yield int(mask) // 32, int(mask) % 32, x[here], y[here]
