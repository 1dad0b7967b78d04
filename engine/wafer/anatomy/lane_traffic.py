"""The lanes of the residual stream: which of them a router passes, and how many wavelets each has.

Lanes leave their regions, so they are told by router of the wafer.  Prices nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.place.lanes import lane_path
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program

__all__ = ["Lane", "lane_traffic", "lanes"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the stream on its way from a region to the next."""

    source: int
    """Index of the region it leaves."""
    target: int
    row: int
    wavelets: int
    """Of one row of a step."""
    path: Ints
    """Column and row of every router, its ends included, int64 (hops + 1, 2)."""


def lanes(program: Program, placement: Placement) -> Iterator[Lane]:
    """Yield every lane that a token's row takes on one wafer; links between wafers have none."""
    regions, hidden = program.regions, placement.hidden
    for source, target in _moves(program):
        angles = placement.model.angles if regions[target].layers else 0
        if regions[source].wafer == regions[target].wafer:
            for row, wavelets in enumerate(lane_wavelets(hidden, angles).tolist()):
                path = lane_path(regions, source, target, row)
                yield Lane(source, target, row, wavelets, path)


def _moves(program: Program) -> Iterator[tuple[int, int]]:
    """Yield the regions that the stream leaves, each with the one that it goes to."""
    table, before = program.instructions, len(program.regions) - 1
    for row in table[table[:, Field.OP] == Op.RECEIVE]:
        yield before, int(row[Field.REGION])
        before = int(row[Field.REGION])


def lane_traffic(program: Program, along: Iterable[Lane]) -> Ints:
    """Return the wavelets of one row that leave every router on lanes, int64 (rows, columns).

    Where lane 0 goes on east along a north line, to leave the position's angles there, its way
    there counts, too.
    """
    machine = program.machine
    traffic = np.zeros((machine.rows, machine.columns), np.int64)
    for lane in along:
        passed = lane.path[:-1]
        np.add.at(traffic, (passed[:, 1], passed[:, 0]), lane.wavelets)
        target = program.regions[lane.target]
        if lane.row == 0 and target.layers:
            east = slice(_last_east(lane, target.x, target.width), target.x + target.width - 1)
            traffic[int(lane.path[-1, 1]), east] += lane.wavelets
    return traffic


def _last_east(lane: Lane, x: int, width: int) -> int:
    """Return the easternmost column of the target's north line that lane 0 itself passes."""
    on_line = lane.path[lane.path[:, 1] == lane.path[-1, 1], 0]
    return int(on_line[(on_line >= x) & (on_line < x + width)].max())
