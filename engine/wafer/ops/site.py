"""Site: the region an operation runs on, its lines of cores, and counts of scalar work."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cells, Cost, Ledger, Tally, with_kv_slope
from engine.wafer.cost.lines import Line
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "ALL",
    "ALONG_COLUMNS",
    "ALONG_ROWS",
    "CAP_OPERATIONS",
    "CORNER",
    "DIVIDE_OPERATIONS",
    "EXP_OPERATIONS",
    "NORTH",
    "NORTH_BUT_CORNER",
    "RECIPROCAL_OPERATIONS",
    "RSQRT_OPERATIONS",
    "WEST",
    "Cells",
    "Site",
    "home",
]

ALL: Cells = (slice(None), slice(None))
WEST: Cells = (slice(None), slice(0, 1))
"""Column 0 of a region: where the residual stream lies, along rows."""
NORTH: Cells = (slice(0, 1), slice(None))
"""Row 0 of a region: where heads and feed-forward meet, along columns."""
NORTH_BUT_CORNER: Cells = (slice(0, 1), slice(1, None))
CORNER: Cells = (slice(0, 1), slice(0, 1))
"""Core (0, 0), on both lines."""

ALONG_ROWS = 0
ALONG_COLUMNS = 1

EXP_OPERATIONS = 24
"""fp32 and integer operations of `engine.scalars.exp32`, counted in its text."""
RSQRT_OPERATIONS = 19
"""The same for `engine.scalars.rsqrt32`."""
RECIPROCAL_OPERATIONS = 10
"""A vector's reciprocals: a first guess from the bits, three Newton steps of three operations.
Assumed: a vector's quotients are found this way, a single one by the machine's division."""
DIVIDE_OPERATIONS = 3
"""Operations per element of a correctly rounded quotient once the reciprocal is known: multiply,
residual, correction (Markstein, 1990)."""
CAP_OPERATIONS = EXP_OPERATIONS + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 3
"""The same for a vector's `engine.scalars.softcap32`: a product, 1 + …, a difference besides."""


@dataclass(frozen=True, slots=True)
class Site:
    """A region of a machine as an operation sees it."""

    machine: MachineSpec
    columns: int
    rows: int
    by_core: bool = True
    """False: price without the states of single cores."""

    def price(self, steps: Callable[..., None], *arguments: object) -> Cost:
        """Return what micro-steps cost alone, from an aligned start.

        Args:
            steps: ``steps(micro, site, *arguments)`` tells them.
            *arguments: What else they depend on.
        """
        if not self.by_core:
            tally = Tally(self.machine)
            steps(tally, self, *arguments)
            return tally.close()
        runs = []
        for kv_rows in (1, 2):
            ledger = Ledger(
                self.machine, self.rows, self.columns, kv=np.full((self.rows, 1), kv_rows)
            )
            steps(ledger, self, *arguments)
            runs.append(ledger.close())
            if not ledger.states[1].any():
                return runs[0]
        return with_kv_slope(*runs)

    def line(
        self, axis: int, *, cells: Cells = ALL, length: int = 0, pitch: int = 1, repeat: int = 1
    ) -> Line:
        """Return the lines along ``axis`` within ``cells``; ``length`` 0 means the whole axis."""
        extent = self.rows if axis == ALONG_ROWS else self.columns
        return Line(cells, axis, extent, length or extent // pitch, pitch, repeat)

    def across(self, axis: int, by_core: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return values by position along ``axis`` shaped to broadcast over the region."""
        return by_core[:, None] if axis == ALONG_ROWS else by_core[None, :]


def home(axis: int) -> Cells:
    """Return the line where a vector that lies along ``axis`` has its home."""
    return WEST if axis == ALONG_ROWS else NORTH
