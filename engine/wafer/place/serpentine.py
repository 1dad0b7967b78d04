"""The serpentine: rectangles laid in bands east, west and east again, lanes turning between.

Geometry only: it does not know what lies in a rectangle.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from engine.errors import PlacementError
from engine.wafer.place.lanes import turn_between, turns_inside
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["Corner", "lay_out"]


class Corner(NamedTuple):
    """Where a rectangle lies, and whether its band runs west."""

    x: int
    y: int
    flipped: bool


def lay_out(
    widths: list[int], height: int, machine: MachineSpec, wafers: int
) -> list[list[Corner]]:
    """Return the corners of the rectangles, shared out evenly over the wafers, the head last.

    Args:
        widths: Columns of the rectangles, the head's last.
        height: Rows of all of them.
        machine: The chip.
        wafers: Number of chips.

    Raises:
        PlacementError: The rectangles and their lanes do not fit.
    """
    if wafers == 1:
        return [_serpentine(widths, height, machine)]
    blocks = len(widths) - 1
    laid = []
    start = 0
    for wafer in range(wafers):
        count = blocks // wafers + (wafer < blocks % wafers)
        end = start + count if wafer + 1 < wafers else len(widths)
        laid.append(_serpentine(widths[start:end], height, machine, wafer, wafer + 1 == wafers))
        start = end
    return laid


def _serpentine(
    widths: Sequence[int],
    height: int,
    machine: MachineSpec,
    wafer: int = 0,
    with_head: bool = True,
) -> list[Corner]:
    """Lay rectangles east, then west, then east again, in the squarest box with room for lanes.

    Lanes turn west of their bands where the wafer has room for that, else inside their regions.
    """
    sums = {sum(widths[: n + 1]) for n in range(len(widths))}
    limits = sorted(sums | {max(widths), machine.columns})
    choices = [_bands(widths, limit) for limit in limits if max(widths) <= limit <= machine.columns]
    for inside in (False, True):
        first = Region("", 0, 0, 0, height, (0,), {}, False, wafer)
        laid = [_with_turns(bands, first, inside, with_head) for bands in choices]
        fitting = [
            (max(across, down), corners)
            for corners, across, down in laid
            if corners and across <= machine.columns and down <= machine.rows
        ]
        if fitting:
            return min(fitting, key=lambda choice: choice[0])[1]
    raise PlacementError(
        f"{len(widths)} rectangles of {height} rows (widest {max(widths)}) and the turns of "
        f"{height} lanes between their bands do not fit the {machine.columns} × "
        f"{machine.rows} cores of {machine.name}: use fewer rows, more layers per block, or "
        "a larger machine"
    )


def _with_turns(
    bands: Sequence[Sequence[int]], first: Region, inside: bool, with_head: bool
) -> tuple[list[Corner], int, int]:
    """Return corners, and the columns and rows that rectangles and turning lanes take.

    A band begins where the band before ended.  No corners: lanes cannot turn as asked for.

    Args:
        bands: Widths of the rectangles.
        first: A rectangle of their height on their wafer.
        inside: Whether lanes may turn inside their regions.
        with_head: Whether the last rectangle is the head.
    """
    height = first.height
    laid: list[Region] = []
    for number, band in enumerate(bands):
        for width in band:
            y, flipped = number * height, number % 2 == 1
            x = _next_x(laid[-1], width, y, flipped) if laid else 0
            laid.append(replace(first, x=x, y=y, width=width, flipped=flipped))
    if with_head:
        laid[-1] = replace(laid[-1], layers=())
    west = min(region.x for region in laid)
    if not inside:
        outer = [min(a.x, b.x) for a, b in pairwise(laid) if a.flipped and a.y != b.y]
        west = min([west, *(x - height + 1 for x in outer)])
    laid = [replace(region, x=region.x - west) for region in laid]
    pairs = list(pairwise(laid))
    turns = [turn for a, b in pairs if (turn := turn_between(a, b)) is not None]
    turning = [turn.column(row) for turn in turns for row in (0, height - 1)]
    if min(turning, default=0) < 0 or (not inside and any(turns_inside(a, b) for a, b in pairs)):
        return [], 0, 0
    across = max([region.x + region.width for region in laid] + [c + 1 for c in turning])
    corners = [Corner(region.x, region.y, region.flipped) for region in laid]
    return corners, across, len(bands) * height


def _next_x(before: Region, width: int, y: int, flipped: bool) -> int:
    """Return the west edge of the rectangle that follows another in its band or begins the next."""
    if before.y == y:
        return before.x - width if flipped else before.x + before.width
    return before.x + min(0, before.width - width) if flipped else before.x


def _bands(widths: Sequence[int], limit: int) -> list[list[int]]:
    """Cut a row of rectangles into bands of at most ``limit`` columns."""
    bands: list[list[int]] = [[]]
    for width in widths:
        if bands[-1] and sum(bands[-1]) + width > limit:
            bands.append([])
        bands[-1].append(width)
    return bands
