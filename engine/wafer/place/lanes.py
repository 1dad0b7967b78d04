"""Lanes: the path of every row of the residual stream from region to region, router by router.

Region row r lies on lane r of one serpentine.  Bands of R rows run east, then west; the rows of a
westward band are *flipped* (row r lies at y + R − 1 − r), so that lanes nest in their U-turns and
never cross.  A lane leads from west line to west line.  Geometry only: no cycle, no color.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.program import Region

__all__ = [
    "Turn",
    "lane_color",
    "lane_hops",
    "lane_path",
    "north_hops",
    "row_y",
    "turn_between",
    "turns_inside",
]


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

    At an eastern turn, lane 0 is the outermost: columns from the further of the two west lines
    eastwards.  At a western turn, lane 0 is the innermost; the columns lie west of both regions,
    or, where the wafer has no room there, inside the source (`turns_inside`).
    """
    if source.y == target.y or source.wafer != target.wafer:
        return None
    last = source.height - 1
    if not source.flipped:
        return Turn(max(source.x, target.x) + last, -1)
    if turns_inside(source, target):
        return Turn(source.x, 1)
    return Turn(min(source.x, target.x), -1)


def turns_inside(source: Region, target: Region) -> bool:
    """Return whether lanes turn inside their source: a western turn without room west of it.

    Lane 0 goes on over the target's whole north line and crosses the other lanes there, so it
    needs a color of its own.  Lanes never turn inside on their way to the head of a single wafer,
    because the way back starts there.
    """
    last = source.height - 1
    starts_back = not target.layers and target.wafer == 0
    turns = source.flipped and source.y != target.y and not starts_back
    turns = turns and source.wafer == target.wafer
    fits = source.width > last and source.x + last < target.x + target.width
    return turns and fits and min(source.x, target.x) < last


def lane_color(regions: Sequence[Region], source: int, target: int, row: int) -> int:
    """Return the color of a lane: 0 or 1 by the source's number, 2 for the way back.

    3 is for lane 0 of a turn inside its source (`turns_inside`).
    """
    if source > target:
        return 2
    if row == 0 and turns_inside(regions[source], regions[target]):
        return 3
    return source % 2


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

    The way back passes the regions between its ends without touching their west lines.  At a turn
    inside the source it takes the lanes' columns in reverse order, so that it nests like an
    eastern turn and crosses nothing.
    """
    start, end = _west_line(source), _west_line(target)
    turn = turn_between(source, target)
    if turn is None:
        return [start, end]
    columns = turn.first + turn.step * np.arange(source.height)
    if backward and turns_inside(source, target):
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
