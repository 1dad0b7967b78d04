"""The serpentine: rectangles laid in bands east, west and east again, lanes turning between.

Lanes turn beside their bands where the wafer has room for that, else over them (`lanes.folds`): a
turn of R lanes takes R columns, and narrow blocks have so many only together.  Geometry only: it
does not know what lies in a rectangle.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from engine.errors import PlacementError
from engine.wafer.place.lanes import Turn, turn_between
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["Corner", "lay_out"]


class _Fold(NamedTuple):
    """Where lanes turn over their bands: see `lanes.folds`."""

    east: bool
    west: bool


_FOLDS = (_Fold(False, False), _Fold(False, True), _Fold(True, True))
"""In this order: a turn beside the bands is shorter, or needs no color more."""


class Corner(NamedTuple):
    """Where a rectangle lies, and whether its band runs west."""

    x: int
    y: int
    flipped: bool
    folds: bool = False
    """Whether lanes from here to another band turn over their own."""


def lay_out(
    widths: list[int], height: int, machine: MachineSpec, wafers: int
) -> list[list[Corner]]:
    """Return the corners of the rectangles, shared out over the wafers, the head last.

    Evenly; where that does not fit, with fewer blocks beside the head.

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
    refused: PlacementError | None = None
    for last in range(blocks // wafers, -1, -1):  # fewer beside the head where not all alike fit
        shares = [*_evenly(blocks - last, wafers - 1), last + 1]
        try:
            return _on_wafers(widths, shares, height, machine)
        except PlacementError as error:
            refused = refused or error
            if blocks - last >= (wafers - 1) * _most_in_area(widths, height, machine):
                break
    assert refused is not None
    raise refused


def _evenly(blocks: int, wafers: int) -> list[int]:
    """Return how many blocks each wafer holds, the fuller ones first."""
    return [blocks // wafers + (wafer < blocks % wafers) for wafer in range(wafers)]


def _most_in_area(widths: list[int], height: int, machine: MachineSpec) -> int:
    """Return how many of the first rectangles the area of a wafer can hold."""
    return machine.columns // widths[0] * (machine.rows // height)


def _on_wafers(
    widths: list[int], shares: list[int], height: int, machine: MachineSpec
) -> list[list[Corner]]:
    """Lay so many rectangles on each wafer."""
    laid: list[list[Corner]] = []
    start = 0
    for wafer, count in enumerate(shares):
        is_last = wafer + 1 == len(shares)
        known = laid[-1] if laid and not is_last and count == len(laid[-1]) else None
        share = widths[start : start + count]
        laid.append(known or _serpentine(share, height, machine, wafer, is_last))
        start += count
    return laid


def _serpentine(
    widths: Sequence[int],
    height: int,
    machine: MachineSpec,
    wafer: int = 0,
    with_head: bool = True,
) -> list[Corner]:
    """Lay rectangles east, then west, then east again, in the squarest box with room for lanes."""
    sums = {sum(widths[: n + 1]) for n in range(len(widths))}
    limits = sorted(sums | {max(widths), machine.columns})
    choices = [_bands(widths, limit) for limit in limits if max(widths) <= limit <= machine.columns]
    first = Region("", 0, 0, 0, height, (0,), {}, False, wafer)
    for fold in _FOLDS:
        laid = [_with_turns(bands, first, fold, with_head) for bands in choices]
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
    bands: Sequence[Sequence[int]], first: Region, fold: _Fold, with_head: bool
) -> tuple[list[Corner], int, int]:
    """Return corners, and the columns and rows that rectangles and turning lanes take.

    A band begins where the band before ended.  No corners: lanes cannot turn as asked for.

    Args:
        bands: Widths of the rectangles.
        first: A rectangle of their height on their wafer.
        fold: At which turns lanes fold.
        with_head: Whether the last rectangle is the head.
    """
    height = first.height
    returns = with_head and first.wafer == 0
    laid = _in_bands(bands, first, fold, returns)
    outer = [min(a.x, b.x) for a, b in pairwise(laid) if a.flipped and a.y != b.y and not a.folds]
    west = min([region.x for region in laid] + [x - height + 1 for x in outer])
    laid = [replace(region, x=region.x - west) for region in laid]
    turns = [(a, b, turn) for a, b in pairwise(laid) if (turn := turn_between(a, b)) is not None]
    columns = [turn.column(row) for *_, turn in turns for row in (0, height - 1)]
    blocked = returns and any(a.folds and _blocks_way_back(laid, a, b, t) for a, b, t in turns)
    if blocked or min(columns, default=0) < 0:
        return [], 0, 0
    across = max([region.x + region.width for region in laid] + [c + 1 for c in columns])
    corners = [Corner(region.x, region.y, region.flipped, region.folds) for region in laid]
    return corners, across, len(bands) * height


def _in_bands(
    bands: Sequence[Sequence[int]], first: Region, fold: _Fold, returns: bool
) -> list[Region]:
    """Return rectangles band by band, each marked if lanes fold behind it.

    Where the way back begins (``returns``), lanes do not fold on their way to the head itself, and
    the head lies beyond the turn that leads to its band, so that both ways through it nest.
    """
    last = len(bands) - 1
    laid: list[Region] = []
    for number, band in enumerate(bands):
        y, flipped = number * first.height, number % 2 == 1
        begins = len(laid)
        for width in band:
            x = _next_x(laid[-1], width, y, flipped) if laid else 0
            if returns and number == last and len(laid) == begins + len(band) - 1 > begins > 0:
                x = _beyond_turn(laid[begins - 1], laid[begins], x)
            laid.append(replace(first, x=x, y=y, width=width, flipped=flipped))
        to_head = returns and number == last - 1 and len(bands[last]) == 1
        folds = number < last and not to_head and (fold.west if flipped else fold.east)
        laid[-1] = replace(laid[-1], folds=folds)
    return laid


def _beyond_turn(source: Region, target: Region, x: int) -> int:
    """Return ``x``, or the nearest column to it that is no longer among those of a fold."""
    turn = turn_between(source, target)
    if turn is None or not source.folds:
        return x
    return max(x, turn.column(source.height - 1)) if source.flipped else min(x, turn.column(0))


def _blocks_way_back(laid: Sequence[Region], source: Region, target: Region, turn: Turn) -> bool:
    """Return whether a fold's columns lie beyond an end of its bands, where the way back crosses.

    It comes to an eastern fold from the west and to a western one from the east, in both bands.
    """
    for band in (source.y, target.y):
        lines = [region.x for region in laid if region.y == band]
        ends = turn.column(0), turn.column(source.height - 1)
        if max(ends) > max(lines) if source.flipped else min(ends) < min(lines):
            return True
    return False


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
