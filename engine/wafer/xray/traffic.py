"""Traffic of an instruction: wavelets, the links they cross, collectives.  Counts, no cycles.

Listens to the micro-steps that the cycles come from.  A lookup is counted from the column whose
cycles are told for it, the middle one.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.cost.lines import Line
from engine.wafer.program.isa import Field, Op
from engine.wafer.timing.timing import Timing

__all__ = ["Sent", "Traffic", "TrafficTable"]

Ints = NDArray[np.int64]


@dataclass(slots=True)
class Traffic:
    """Adds up what the micro-steps of one row send, on a region of H × W cores."""

    height: int
    width: int
    collectives: int = 0
    """Reductions and multicasts of more than one core."""
    wavelets: int = 0
    """Words that cores send; a word that routers copy on its way counts once."""
    hops: int = 0
    """Links between routers that they cross."""
    kv_wavelets: Ints = field(init=False)
    """Further wavelets for each KV row of the cores of a core row, (H,)."""
    kv_hops: Ints = field(init=False)
    """The links that these cross, (H,)."""
    _lane_0: int = 0
    """Hops of lane 0 to the west line."""

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.kv_wavelets, self.kv_hops = np.zeros((2, self.height), np.int64)

    def work(self, cells: Cells, **cycles: object) -> None:
        """Send nothing."""

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Send from every core but the first of each line; roots of groups send farther."""
        size = min(group, line.length)
        groups = -(-line.length // size) if size else 0
        links = line.pitch * (line.length - groups + (groups - 1) * size)
        self._collective(line, line.length - 1, links, wavelets, kv_wavelets)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Send from the first core of each line along all of it."""
        self._collective(line, 1, line.pitch * (line.length - 1), wavelets, kv_wavelets)

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Send what was found from its column to column 0."""
        if hops:
            count = self._total(wavelets, slice(None))
            self.wavelets += count
            self.hops += count * hops

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Send on the lanes; where they end says `receive`."""
        self.wavelets += self._total(wavelets, cells[0])

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Cross the lanes; of a north line, only the links on which lane 0 goes on east.

        The other cores of the line take their copy as the lane passes: their links are the lane's.
        """
        by_core = np.asarray(hops, np.int64)
        if by_core.shape[0] == 1 and cells[0] != slice(None):
            line = np.concatenate([[self._lane_0], by_core[0]])
            self.hops += int(np.max(wavelets)) * int((np.diff(line) > 0).sum())
        else:
            self._lane_0 = int(by_core[0, 0])
            self.hops += int((by_core * np.asarray(wavelets, np.int64)).sum())

    def _total(self, wavelets: Cycles, rows: slice) -> int:
        """Return the wavelets of one column of cores."""
        number = len(range(*rows.indices(self.height)))
        return int(np.broadcast_to(np.asarray(wavelets, np.int64), (number, 1)).sum())

    def _collective(
        self, line: Line, senders: int, links: int, wavelets: Cycles, kv_wavelets: int
    ) -> None:
        if line.length <= 1:
            return
        shape = self.height, self.width
        count = line.take(np.broadcast_to(np.asarray(wavelets, np.int64), shape))[..., 0]
        if not (count.any() or kv_wavelets):
            return
        self.collectives += 1
        self.wavelets += senders * int(count.sum())
        self.hops += links * int(count.sum())
        if kv_wavelets:
            rows = line.take(np.broadcast_to(np.arange(self.height)[:, None], shape))[..., 0]
            lines_of = np.bincount(rows.ravel(), minlength=self.height)
            self.kv_wavelets += senders * kv_wavelets * lines_of
            self.kv_hops += links * kv_wavelets * lines_of


@dataclass(frozen=True, slots=True)
class Sent:
    """What a step sends, over all cores."""

    collectives: int
    """Of one row with logits: rows that are under way together run them side by side."""
    wavelets: int
    hops: int


class TrafficTable:
    """The traffic of every instruction of a compiled model; equal instructions are counted once."""

    def __init__(self, compiled: Compiled) -> None:
        self._program = compiled.program
        known: dict[tuple[int, int], Traffic] = {}
        self._each: list[Traffic] = []
        for row, steps in zip(compiled.program.instructions, compiled.steps, strict=True):
            region = int(row[Field.REGION])
            key = region, id(steps)
            if key not in known:
                site = compiled.sites[region]
                known[key] = Traffic(site.rows, site.columns)
                steps.run(known[key], site)
            self._each.append(known[key])

    def of_step(self, timing: Timing, position: int, rows: int, last: int) -> Sent:
        """Return what a step sends: its rows, of which the last ones have logits."""
        table = self._program.instructions
        wavelets = hops = 0
        for row, sent in zip(table, self._each, strict=True):
            times = last if row[Field.LAST_ROW] else rows
            wavelets, hops = wavelets + times * sent.wavelets, hops + times * sent.hops
            if row[Field.OP] == Op.ATTENTION and sent.kv_hops.any():
                window = self._program.attentions[int(row[Field.VARIANT])].window
                seen = timing.kv_rows(position, rows, window).sum(axis=0)
                wavelets += int(seen @ sent.kv_wavelets)
                hops += int(seen @ sent.kv_hops)
        return Sent(sum(sent.collectives for sent in self._each), wavelets, hops)
