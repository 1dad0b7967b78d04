"""Wave: which cores work in which cycles while one row goes over the wafer, by formula.

Runs the row program once on clocks, as the schedule does, and notes for bands of cores when each
micro-step begins and ends there.  A band is a part of the cores of a micro-step; its cycles are
those of its first core and its last.  Books no states and runs no value.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Cells, Cycles, Ledger
from engine.wafer.cost.lines import Line
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Region
from engine.wafer.timing.row_clock import RowClock
from engine.wafer.timing.timing import Timing

__all__ = ["BAND_FIELDS", "RowWave", "bands_at"]

Ints = NDArray[np.int64]

BANDS = 8
"""Most bands along each side of a micro-step's cores."""

BAND_FIELDS = ("x", "y", "width", "height", "begin", "end", "instruction")
"""Columns of a table of bands; (x, y) on the wafer, origin north-west."""


@dataclass(slots=True)
class _Noting(Ledger):
    """A ledger that notes where and when each micro-step happens, in bands of its region."""

    noted: list[Ints] = field(default_factory=list)
    """Bands as (column, row, columns, rows, begin, end) of the region, int64 (·, 6)."""

    def work(self, cells: Cells, **cycles: Any) -> None:
        """Note the cores whose clocks go on."""
        before = self.clock.copy()
        Ledger.work(self, cells, **cycles)
        self._note(before, before)

    def _moves(
        self,
        cells: Cells,
        starts: Ints,
        wavelets: Cycles,
        *,
        sends: bool,
        came: Ints | None = None,
    ) -> None:
        before, begun = self.clock.copy(), self.clock.copy()
        begun[cells] = starts
        Ledger._moves(self, cells, starts, wavelets, sends=sends, came=came)
        self._note(before, begun)

    def _stream(self, line: Line, times: lines.Times, count: Ints, kv_wavelets: int) -> None:
        before, begun = self.clock.copy(), self.clock.copy()
        line.put(begun, np.broadcast_to(times.starts, line.take(begun).shape))
        Ledger._stream(self, line, times, count, kv_wavelets)
        self._note(before, begun)

    def _note(self, before: Ints, begun: Ints) -> None:
        """Note the cores whose clocks went on: when each began, and when it is free again."""
        part = self.clock > before
        if part.any():
            self.noted.append(_banded(begun, self.clock, part))


def _banded(begun: Ints, ended: Ints, part: NDArray[np.bool_]) -> Ints:
    """Return the bands of the cores that take part, (·, 6)."""
    down, across = (_edges(np.asarray(part.any(axis=axis))) for axis in (1, 0))
    found = []
    for top, bottom in down:
        for west, east in across:
            here = slice(top, bottom), slice(west, east)
            if part[here].any():
                first = int(begun[here].min(initial=_LATE, where=part[here]))
                last = int(ended[here].max(initial=0, where=part[here]))
                found.append((west, top, east - west, bottom - top, first, last))
    return np.array(found, np.int64).reshape(-1, 6)


_LATE = np.iinfo(np.int64).max


def _edges(used: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the ends of bands that cover the used places of one side."""
    places = np.flatnonzero(used)
    first, last = int(places[0]), int(places[-1]) + 1
    cuts = np.unique(np.linspace(first, last, min(BANDS, last - first) + 1).astype(np.int64))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class RowWave:
    """The bands of a row with one KV row in every core."""

    bands: Ints
    """int64 (·, 7): `BAND_FIELDS`."""

    @classmethod
    def of(cls, compiled: Compiled) -> "RowWave":
        """Run the row program of every region once; seconds for a model on a whole wafer."""
        program = compiled.program
        ledgers = [
            _Noting(site.machine, site.rows, site.columns, booked=False) for site in compiled.sites
        ]
        bands = []
        known: dict[tuple[int, int, bytes], tuple[Ints, Ints]] = {}
        here = int(program.instructions[0, Field.REGION])
        for number, row in enumerate(program.instructions):
            region = int(row[Field.REGION])
            ledger = ledgers[region]
            if region != here:
                ledger.departures, here = ledgers[here].departures, region
            noted = _run(compiled, number, ledger, known)
            bands.append(_placed(noted, program.regions[region], number))
        return cls(np.concatenate(bands))


def _run(
    compiled: Compiled,
    number: int,
    ledger: _Noting,
    known: dict[tuple[int, int, bytes], tuple[Ints, Ints]],
) -> Ints:
    """Run an instruction, or shift what it did from the same skew before: layers repeat."""
    row, steps = compiled.program.instructions[number], compiled.steps[number]
    site = compiled.sites[int(row[Field.REGION])]
    start = int(ledger.clock.min())
    skew = blake2b((ledger.clock - start).tobytes(), digest_size=16).digest()
    key = id(steps), ledger.clock.size, skew
    repeats = row[Field.OP] not in (Op.EMBED, Op.SEND, Op.RECEIVE)
    if repeats and key in known:
        clock, noted = known[key]
        ledger.clock = clock + start
        return np.asarray(noted + np.array([0, 0, 0, 0, start, start]))
    ledger.noted = []
    steps.run(ledger, site)
    noted = np.concatenate(ledger.noted) if ledger.noted else np.zeros((0, 6), np.int64)
    if repeats:
        known[key] = ledger.clock - start, noted - np.array([0, 0, 0, 0, start, start])
    return np.asarray(noted)


def _placed(noted: Ints, region: Region, number: int) -> Ints:
    """Return bands of a region as bands of the wafer, (·, 7)."""
    column, row, columns, rows, begin, end = noted.T
    if region.flipped:
        row = region.height - row - rows
    numbers = np.full(len(noted), number)
    return np.stack([column + region.x, row + region.y, columns, rows, begin, end, numbers], axis=1)


def bands_at(wave: RowWave, timing: Timing, position: int) -> Ints:
    """Return the bands of a row at a position: attentions last longer, what follows comes later.

    Returns:
        int64 (·, 7): `BAND_FIELDS`; the last one ends with the row's latency.
    """
    clock = RowClock(timing, position)
    bands = wave.bands.copy()
    for column in (4, 5):
        bands[:, column] = clock.at(wave.bands[:, 6], wave.bands[:, column])
    return bands
