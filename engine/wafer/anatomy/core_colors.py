"""The colors at one router: what its core takes and gives, what only passes, and where it goes.

Named by pattern, as `plan.color_use` names them.  A number that hardware would use is not told.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.wafer.anatomy.lane_traffic import Lane
from engine.wafer.anatomy.link_traffic import LinkTraffic
from engine.wafer.compile.compiler import Compiled
from engine.wafer.ops.site import ALONG_COLUMNS
from engine.wafer.plan.color_use import Color, ColorUse
from engine.wafer.program.isa import Field
from engine.wafer.program.program import Region

__all__ = ["CoreColor", "RegionColors", "colors_at", "lane_colors_at", "region_colors"]

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


@dataclass(frozen=True, slots=True)
class RegionColors:
    """What the collectives of a region take, give and pass on, for one row."""

    region: Region
    use: ColorUse
    traffic: LinkTraffic


def region_colors(compiled: Compiled, index: int, kv_rows: int) -> RegionColors:
    """Return the colors of all cores of a region.

    Args:
        compiled: The model with its micro-steps.
        index: The region.
        kv_rows: KV rows that each of its cores sees.
    """
    site, region = compiled.sites[index], compiled.program.regions[index]
    kv, head = np.full((site.rows, 1), kv_rows), not region.layers
    use, traffic = ColorUse(site, head=head), LinkTraffic(site, kv, head=head)
    here = np.flatnonzero(compiled.program.instructions[:, Field.REGION] == index).tolist()
    alike = Counter(id(compiled.steps[number]) for number in here)
    for step in {id(compiled.steps[number]): compiled.steps[number] for number in here}.values():
        once = LinkTraffic(site, kv, head=head)
        for each in (use, once):
            step.run(each, site)
            each.end()
        traffic.add(once, alike[id(step)])
    return RegionColors(region, use, traffic)


def colors_at(colors: RegionColors, row: int, column: int) -> Iterator[CoreColor]:
    """Yield the colors of a region's collectives at one of its cores, by row and column there."""
    use, passed = colors.use, colors.traffic.by_color
    for color in sorted({*use.taken, *use.given, *passed} - _LANES):
        takes, gives = (bool(_at(each, color, row, column)) for each in (use.taken, use.given))
        wavelets = _at(passed, color, row, column)
        if takes or gives or wavelets:
            away, back = _ways(color, colors.region)
            comes = back if takes or not gives else ""
            yield CoreColor(color.text(), takes, gives, comes, away * bool(wavelets), wavelets)


_LANES = {Color(_LANE), Color(_LANE, hue=1)}
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


def lane_colors_at(
    regions: Sequence[Region], lanes: Iterable[Lane], x: int, y: int
) -> Iterator[CoreColor]:
    """Yield those of the lanes that pass a router of the wafer."""
    for lane in lanes:
        found = np.flatnonzero((lane.path[:, 0] == x) & (lane.path[:, 1] == y))
        if not found.size:
            continue
        place = int(found[0])
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
