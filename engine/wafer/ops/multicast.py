"""Copies a vector from a region's line to all cores across it.

Micro-steps: [queries, keys and values: COMPUTE (north line) keys and values rounded to fp16 and
packed in pairs] → multicast from the line across the region, every core of the line its own.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, Site, home
from engine.wafer.program.geometry import Split

__all__ = ["cost", "half_wavelets", "steps"]


def steps(
    micro: MicroSteps,
    site: Site,
    lies_along: int,
    wavelets: NDArray[np.int64],
    rounded: NDArray[np.int64] | None = None,
) -> None:
    """Tell the micro-steps of a multicast across the axis the value lies along.

    From the west line it runs east along every row, from the north line south along every column.

    Args:
        micro: Receives the micro-steps.
        site: The region.
        lies_along: Axis the value lies along.
        wavelets: Wavelets that each core of the line sends, int64.
        rounded: fp32 values that each core of the line first rounds to fp16, int64.
    """
    axis = ALONG_COLUMNS if lies_along == ALONG_ROWS else ALONG_ROWS
    if rounded is not None:
        count = site.across(lies_along, rounded)
        cycles, overhead = vector(site.machine, count)
        micro.work(home(lies_along), vector=cycles, pipe=np.where(count > 0, overhead, 0))
    micro.multicast(site.line(axis, cells=ALL), site.across(lies_along, wavelets))


def cost(
    site: Site,
    lies_along: int,
    wavelets: NDArray[np.int64],
    rounded: NDArray[np.int64] | None = None,
) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, lies_along, wavelets, rounded)


def half_wavelets(lies: Split) -> NDArray[np.int64]:
    """Return the wavelets each core sends of an fp16 vector: two values each, one length."""
    return np.where(np.asarray(lies.elements) > 0, -(-lies.most_elements // 2), 0)
