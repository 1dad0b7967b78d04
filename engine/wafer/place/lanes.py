"""Lanes: the path of every row of the residual stream from region to region, router by router.

Region row r lies on lane r of one serpentine.  Bands of R rows run east, then west; the rows of a
westward band are *flipped* (row r lies at y + R − 1 − r), so that lanes nest in their U-turns and
never cross.  A lane leads from west line to west line.  Geometry only: no cycle.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.program import Region

__all__ = [
    "LANE_BACK",
    "Turn",
    "folds",
    "lane_color",
    "lane_colors",
    "lane_hops",
    "lane_path",
    "north_hops",
    "row_y",
    "turn_between",
]

LANE_BACK = 2
"""The color of the lookup's rows; 0 and 1 carry the stream out of even and odd regions."""
_FOLDED = 3
"""The colors of lanes that fold at an eastern turn; those of a western one have the next."""


class Turn(NamedTuple):
    """Where the lanes of a region change bands: lane r uses column ``first + step·r``."""

    first: int
    step: int

    def column(self, row: int) -> int:
        """Return the column in which lane ``row`` runs south."""
        return self.first + self.step * row


def row_y(region: Region, row: int) -> int:
    """Return the wafer's row in which row ``row`` of a region lies."""
    return region.y + (region.height - 1 - row if region.flipped else row)


def turn_between(source: Region, target: Region) -> Turn | None:
    """Return the columns in which lanes go from one band to the next, None inside a band.

    Beside the bands, lane 0 is the outermost at an eastern turn and the innermost at a western one,
    so its column is the easternmost in both.  Where lanes fold (`folds`), they turn over the bands
    themselves: at an eastern turn in the columns up to the two west lines, at a western one in
    those from there on, and lane 0's column is the westernmost.
    """
    if source.y == target.y or source.wafer != target.wafer:
        return None
    last = source.height - 1
    west, east = sorted((source.x, target.x))
    if source.folds:
        return Turn(east if source.flipped else west - last, 1)
    return Turn(west if source.flipped else east + last, -1)


def folds(source: Region, target: Region) -> bool:
    """Return whether lanes turn over the columns of their own bands, where blocks lie.

    They pass the routers of those blocks and meet lanes between them, so they have a color of their
    own.  At a western turn lane 0 goes on over the target's whole north line and would cross the
    others there: it keeps its usual color, which nothing else has on its way.
    """
    return source.folds and source.y != target.y and source.wafer == target.wafer


def lane_color(regions: Sequence[Region], source: int, target: int, row: int) -> int:
    """Return the color of a lane: 0 or 1 by the source's number, 2 for the way back.

    3 and 4 are for lanes that fold at an eastern and at a western turn (`folds`).
    """
    if source > target:
        return LANE_BACK
    start = regions[source]
    if folds(start, regions[target]) and not (start.flipped and row == 0):
        return _FOLDED + start.flipped
    return source % 2


def lane_colors(regions: Sequence[Region]) -> int:
    """Return how many colors lanes have: three, five where some fold."""
    return LANE_BACK + 1 + 2 * any(folds(a, b) for a, b in pairwise(regions))


class _Corner(NamedTuple):
    """A corner of all lanes at once, each int64 (rows,)."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]


def _west_line(region: Region) -> _Corner:
    rows = np.arange(region.height)
    y = region.y + (region.height - 1 - rows if region.flipped else rows)
    return _Corner(np.full(region.height, region.x), y)


def _corners(source: Region, target: Region, backward: bool) -> list[_Corner]:
    """The ends of the straight pieces of the lanes from a region to the next.

    The way back passes the regions between its ends without touching their west lines.  Where lanes
    fold it comes from the other side of the turn, and takes their columns in reverse order, so that
    it nests as a turn beside the bands does and crosses nothing.
    """
    start, end = _west_line(source), _west_line(target)
    turn = turn_between(source, target)
    if turn is None:
        return [start, end]
    columns = turn.first + turn.step * np.arange(source.height)
    if backward and folds(source, target):
        columns = columns[::-1]
    return [start, _Corner(columns, start.y), _Corner(columns, end.y), end]


def _route(regions: Sequence[Region], source: int, target: int) -> list[_Corner]:
    """Corners of the ways along all lanes."""
    low, high = sorted((source, target))
    corners = [_west_line(regions[low])]
    for a, b in pairwise(regions[low : high + 1]):
        corners += _corners(a, b, source > target)[1:]
    return _without_reversals(corners[::-1]) if source > target else corners


def _without_reversals(corners: list[_Corner]) -> list[_Corner]:
    """Leave out every corner at which the ways stay in their rows of cores."""
    kept = corners[:1]
    for corner, after in pairwise(corners[1:]):
        stays = (kept[-1].y == corner.y) & (corner.y == after.y)
        if not stays.all():
            kept.append(corner)
    return [*kept, corners[-1]]


def lane_path(regions: Sequence[Region], source: int, target: int, row: int) -> NDArray[np.int64]:
    """Return every router that a lane passes, the start and the end core included.

    Args:
        regions: A placement's regions in the order of the stream.
        source: Index of the region that sends.
        target: Index of the region that receives; an earlier one is reached backwards.
        row: Row of the regions, the lane's number.

    Returns:
        int64, shape (hops + 1, 2): column and row of each router.
    """
    corners = np.array([[c.x[row], c.y[row]] for c in _route(regions, source, target)], np.int64)
    points = [corners[:1]]
    for a, b in pairwise(corners):
        steps = int(np.abs(b - a).sum())
        points.append(a + np.arange(1, steps + 1)[:, None] * np.sign(b - a))
    return np.concatenate(points)


def lane_hops(regions: Sequence[Region], source: int, target: int) -> NDArray[np.int64]:
    """Return the hops of a path by lane, int64 (rows,); arguments as in `lane_path`.

    0 between wafers: a link has a latency, not hops.
    """
    hops = np.zeros(regions[source].height, np.int64)
    if regions[source].wafer == regions[target].wafer:
        for a, b in pairwise(_route(regions, source, target)):
            hops += np.abs(b.x - a.x) + np.abs(b.y - a.y)
    return hops


def north_hops(regions: Sequence[Region], source: int, target: int) -> NDArray[np.int64]:
    """Return the hops of lane 0 to every core of the target's north line, int64 (columns,).

    Cores that the lane passes on its way west take their copy there; from the easternmost of them
    it goes on east.
    """
    end = regions[target]
    columns = np.arange(end.width)
    if regions[source].wafer != end.wafer:
        return columns
    path = lane_path(regions, source, target, 0)
    on_line = (path[:, 1] == row_y(end, 0)) & (path[:, 0] >= end.x)
    on_line &= path[:, 0] < end.x + end.width
    hops = np.full(end.width, -1, np.int64)
    hops[path[on_line, 0] - end.x] = np.flatnonzero(on_line)
    last = int(np.flatnonzero(hops >= 0)[-1])
    hops[last:] = hops[last] + columns[last:] - last
    return hops
