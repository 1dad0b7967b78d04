"""The colors at one router: what its core takes and gives, what only passes, and where it goes.

Named by pattern, as `plan.color_use` names them.  A number that hardware would use is not told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.wafer.anatomy.lane_traffic import Lane, lanes_through
from engine.wafer.anatomy.link_traffic import LinkTraffic
from engine.wafer.compile.compiler import Compiled
from engine.wafer.ops.site import ALONG_COLUMNS
from engine.wafer.place.placement import Placement
from engine.wafer.plan.color_use import Color, ColorUse
from engine.wafer.program.isa import Field
from engine.wafer.program.program import Region

__all__ = ["CoreColor", "colors_at", "lane_colors_at"]

_LANE = "lane"


@dataclass(frozen=True, slots=True)
class CoreColor:
    """One color at a router."""

    name: str
    core_takes: bool
    core_gives: bool
    """Where neither: it only passes."""
    comes_from: str
    """``"north"``, ``"east"``, ``"south"`` or ``"west"``; empty where it begins here."""
    goes_to: str
    """The same; empty where it ends here."""
    wavelets: int
    """That leave the router for a neighbour, of one row of a step."""


def colors_at(
    compiled: Compiled, index: int, row: int, column: int, kv_rows: int
) -> Iterator[CoreColor]:
    """Yield the colors of a region's collectives at one of its cores.

    Args:
        compiled: The model with its micro-steps.
        index: The core's region.
        row: Its row as the region counts it.
        column: Its column there.
        kv_rows: KV rows that the core sees.
    """
    site, region = compiled.sites[index], compiled.program.regions[index]
    use, traffic = ColorUse(site), LinkTraffic(site, np.full((site.rows, 1), kv_rows))
    for number in np.flatnonzero(compiled.program.instructions[:, Field.REGION] == index):
        compiled.steps[number].run(use, site)
        compiled.steps[number].run(traffic, site)
    for color in sorted({*use.taken, *use.given, *traffic.by_color} - _LANES):
        takes, gives = (bool(_at(colors, color, row, column)) for colors in (use.taken, use.given))
        wavelets = int(_at(traffic.by_color, color, row, column))
        if takes or gives or wavelets:
            away, back = _ways(color, region)
            comes = back if takes or not gives else ""
            yield CoreColor(color.text(), takes, gives, comes, away * bool(wavelets), wavelets)


_LANES = {Color(_LANE), Color(_LANE, parity=1)}
"""Lanes are told by their paths."""


def _at(colors: "dict[Color, np.ndarray]", color: Color, row: int, column: int) -> int:
    return int(colors[color][row, column]) if color in colors else 0


def _ways(color: Color, region: Region) -> tuple[str, str]:
    """Return where a color of a region goes to, and where it comes from."""
    if color.axis == ALONG_COLUMNS:
        back, away = "west", "east"
    else:
        back, away = ("south", "north") if region.flipped else ("north", "south")
    return (away, back) if color.pattern == "multicast" else (back, away)


def lane_colors_at(compiled: Compiled, placement: Placement, x: int, y: int) -> Iterator[CoreColor]:
    """Yield the lanes at a router of the wafer."""
    regions = compiled.program.regions
    for lane in lanes_through(compiled.program, placement, x, y):
        place = int(np.flatnonzero((lane.path[:, 0] == x) & (lane.path[:, 1] == y))[0])
        names = f"{regions[lane.source].label} → {regions[lane.target].label}"
        first, last = place == 0, place == len(lane.path) - 1
        yield CoreColor(
            f"lane {lane.row}, {names}",
            core_takes=last,
            core_gives=first,
            comes_from="" if first else _side(lane, place, place - 1),
            goes_to="" if last else _side(lane, place, place + 1),
            wavelets=0 if last else lane.wavelets,
        )


def _side(lane: Lane, place: int, neighbour: int) -> str:
    """Return on which side of a router of a lane its neighbour lies."""
    across, down = (lane.path[neighbour] - lane.path[place]).tolist()
    return {(0, -1): "north", (1, 0): "east", (0, 1): "south", (-1, 0): "west"}[across, down]
