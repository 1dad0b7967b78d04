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

from engine.wafer.program import Region

__all__ = [
    "Point",
    "Turn",
    "lane_color",
    "lane_hops",
    "lane_path",
    "row_y",
    "turn_between",
    "turns_inside",
]


class Point(NamedTuple):
    """A core: column, row; origin north-west."""

    x: int
    y: int


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
    if source.y == target.y:
        return None
    last = source.height - 1
    if not source.flipped:
        return Turn(max(source.x, target.x) + last, -1)
    if turns_inside(source, target):
        return Turn(source.x, 1)
    return Turn(min(source.x, target.x), -1)


def turns_inside(source: Region, target: Region) -> bool:
    """Return whether lanes turn inside their source: a western turn without room west of it.

    There lane 0, which goes on over the target's whole north line, crosses the other lanes, so it
    needs a color of its own.  Never on the way to the head, from where the way back starts.
    """
    last = source.height - 1
    turns = source.flipped and source.y != target.y and bool(target.layers)
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


def _corners(source: Region, target: Region, row: int, backward: bool) -> list[Point]:
    """The ends of the straight pieces of one lane from a region to the next.

    The way back passes the regions between its ends without touching their west lines.  At a turn
    inside the source it takes the lanes' columns in reverse order, so that it nests like an
    eastern turn and crosses nothing.
    """
    start, end = Point(source.x, row_y(source, row)), Point(target.x, row_y(target, row))
    turn = turn_between(source, target)
    if turn is None:
        return [start, end]
    mirrored = backward and turns_inside(source, target)
    column = turn.column(source.height - 1 - row if mirrored else row)
    return [start, Point(column, start.y), Point(column, end.y), end]


def _route(regions: Sequence[Region], source: int, target: int, row: int) -> list[Point]:
    """Corners of the way along lane ``row``."""
    low, high = sorted((source, target))
    corners = [Point(regions[low].x, row_y(regions[low], row))]
    for a, b in pairwise(regions[low : high + 1]):
        corners += _corners(a, b, row, source > target)[1:]
    return _without_reversals(corners[::-1]) if source > target else corners


def _without_reversals(corners: list[Point]) -> list[Point]:
    """Leave out every corner at which the way stays in its row of cores."""
    kept = corners[:1]
    for corner, after in pairwise(corners[1:]):
        if not kept[-1].y == corner.y == after.y:
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
    corners = _route(regions, source, target, row)
    points = [np.array(corners[:1], np.int64)]
    for a, b in pairwise(corners):
        steps = abs(b.x - a.x) + abs(b.y - a.y)
        direction = np.array([np.sign(b.x - a.x), np.sign(b.y - a.y)], np.int64)
        points.append(np.array(a, np.int64) + np.arange(1, steps + 1)[:, None] * direction)
    return np.concatenate(points)


def lane_hops(regions: Sequence[Region], source: int, target: int) -> NDArray[np.int64]:
    """Return the hops of a path by lane, int64 (rows,); arguments as in `lane_path`."""
    hops = []
    for row in range(regions[source].height):
        corners = _route(regions, source, target, row)
        hops.append(sum(abs(b.x - a.x) + abs(b.y - a.y) for a, b in pairwise(corners)))
    return np.array(hops, np.int64)
