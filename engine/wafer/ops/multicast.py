"""Copying what lies on a region's line to all cores across it."""

from engine.wafer import collectives
from engine.wafer.cost import Cost
from engine.wafer.ops.base import ALONG_COLUMNS, ALONG_ROWS, Site

__all__ = ["cost"]


def cost(site: Site, lies_along: int, wavelets: int) -> Cost:
    """Return the cost of a multicast of ``wavelets`` a core, across the axis the value lies along.

    From the west line it runs east along every row, from the north line south along every column.
    """
    ledger = site.ledger()
    axis = ALONG_COLUMNS if lies_along == ALONG_ROWS else ALONG_ROWS
    collectives.multicast(ledger, site.machine, site.line(axis), wavelets)
    return ledger.close()
