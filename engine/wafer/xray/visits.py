"""Visits: when a row's residual stream is in which region, by the formulas' schedule."""

from dataclasses import dataclass
from itertools import groupby

from engine.wafer.program.isa import Field
from engine.wafer.timing.row_clock import ends_of_row
from engine.wafer.timing.timing import Timing

__all__ = ["Visit", "row_start", "row_visits"]


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in a region, in cycles since the row entered."""

    region: int
    begin: int
    end: int


def row_visits(timing: Timing, position: int, *, logits: bool = True) -> list[Visit]:
    """Return the visits of the row at a position, one after the other.

    Args:
        timing: Of the placed model.
        position: KV rows before it.
        logits: Whether its logits are computed; if not, it ends before the head.
    """
    table, ends = timing.program.instructions, ends_of_row(timing, position)
    numbers = [n for n in range(len(table)) if logits or not table[n, Field.LAST_ROW]]
    visits, begin = [], 0
    for region, among in groupby(numbers, key=lambda n: int(table[n, Field.REGION])):
        end = int(ends[list(among)[-1]])
        visits.append(Visit(region, begin, end))
        begin = end
    return visits


def row_start(timing: Timing, position: int, rows: int, last: int, row: int) -> int:
    """Return the cycle of a step in which one of its rows enters.

    Args:
        timing: Of the placed model.
        position: KV rows before the step.
        rows: Tokens appended.
        last: How many of them have logits.
        row: Which row, from 0.

    Exactness:
        For the last row, with its latency, this is `Timing.step_cycles`.
    """
    start = 0
    for wave, logits in timing.waves(rows, last):
        if row < wave:
            return start + _within_wave(timing, position, wave, logits, row)
        start += timing.step_cycles(position, wave, logits)
        position, row = position + wave, row - wave
    raise ValueError(f"row {row} of a step of {rows} rows")


def _within_wave(timing: Timing, position: int, rows: int, logits: int, row: int) -> int:
    """Return the cycle of a wave in which a row enters: the rows before it occupy a region."""
    interval, interval_logits = timing.intervals
    plain = min(row, rows - logits)
    first = timing.in_first_region
    longer = int(timing.growth(position, rows)[:row, first].sum())
    return plain * interval + (row - plain) * interval_logits + longer
