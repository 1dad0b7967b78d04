"""How many wavelets leave every router of a region, told by the micro-steps of its operations.

A wavelet counts once for every router that hands it to a neighbour: wavelets × hops.  What a router
gives its own core does not count.  Of the lanes between regions `lane_traffic` tells.  Prices
nothing.
"""

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import ALONG_COLUMNS, Site
from engine.wafer.place.streams import Runs, Tree
from engine.wafer.plan.color_use import Color

__all__ = ["LinkTraffic"]

Ints = NDArray[np.int64]


class LinkTraffic:
    """Counts the wavelets of one region's routers for one row (a `ledger.MicroSteps`).

    Args:
        site: The region.
        kv: KV rows of the cores, int64 (H, 1); a row's own counts.
        head: Whether the region is the head's.
    """

    def __init__(self, site: Site, kv: Ints, *, head: bool) -> None:
        self._head = head
        self._runs = Runs(head=head)
        self._heard: list[tuple[int, Line, int, Ints]] = []
        self._shape = (site.rows, site.columns)
        self._kv = kv
        self.by_color: dict[Color, Ints] = {}
        """Wavelets that leave each router by color, int64 (H, W)."""

    @property
    def total(self) -> Ints:
        """Wavelets that leave each router, int64 (H, W)."""
        return sum(self.by_color.values(), start=np.zeros(self._shape, np.int64))

    def add(self, other: "LinkTraffic", times: int) -> None:
        """Add what another of the same region has counted, so many times."""
        for color, wavelets in other.by_color.items():
            self._of(color)[...] += times * wavelets

    # ── micro-steps ─────────────────────────────────────────────────────────────────────────

    def work(self, cells: Cells, **cycles: Cycles) -> None:
        """Nothing travels."""

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Count a chain in groups, then the chain of their first cores, each to position 0."""
        if line.length <= 1:
            return
        counts = self._counts(line, wavelets, kv_wavelets)
        tree = self._runs.reduce(line, group)
        self._heard.append((tree, line, min(group, line.length), counts))

    def end(self) -> None:
        """Note the end of an operation: which colors its reductions take is known now."""
        trees = self._runs.trees()
        for tree, line, group, counts in self._heard:
            self._count_chains(trees[tree], line, group, counts)
        self._runs, self._heard = Runs(head=self._head), []

    def _count_chains(self, tree: Tree, line: Line, group: int, counts: Ints) -> None:
        """Count what nodes on the way to position 0 give, on the color that they do not take."""
        node = -(-np.arange(line.length * line.pitch) // line.pitch)  # that a router serves
        inside = (node < line.length) & (node % group > 0)
        last_root = (line.length - 1) // group * group
        between = (node > 0) & (node <= last_root)
        pattern = "product" if tree.apart else "reduction"
        for stride, passed in ((1, inside), (group, between)):
            given = 1 - tree.takes(-(-node // stride) * stride * line.pitch)
            for hue in (0, 1):
                self._add(Color(pattern, line.axis, hue), line, passed & (given == hue), counts)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Count a stream from position 0 to the end of every line."""
        if line.length <= 1:
            return
        passed = np.arange(line.length * line.pitch) < (line.length - 1) * line.pitch
        counts = self._counts(line, wavelets, kv_wavelets)
        self._runs.multicast(line.axis)
        self._add(Color("multicast", line.axis), line, passed, counts)

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Count what goes to column 0 from the column that is timed as the owner."""
        if hops:
            gathered = self._of(Color("gather", ALONG_COLUMNS))
            gathered[:, 1 : hops + 1] += np.broadcast_to(wavelets, (self._shape[0], 1))

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Lanes are counted elsewhere: they leave the region."""

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Lanes are counted elsewhere."""

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────

    def _of(self, color: Color) -> Ints:
        return self.by_color.setdefault(color, np.zeros(self._shape, np.int64))

    def _counts(self, line: Line, wavelets: Cycles, kv_wavelets: int) -> Ints:
        """Return the wavelets of every line, one number for each: (·, ·)."""
        by_core = np.broadcast_to(np.asarray(wavelets, np.int64), self._shape)
        return line.take(by_core + kv_wavelets * self._kv)[..., 0]

    def _add(self, color: Color, line: Line, passed: NDArray[np.bool_], counts: Ints) -> None:
        """Add the counts of lines at those routers of each that pass them on.

        Args:
            color: What they travel on.
            line: The lines.
            passed: By hop from position 0, bool (length · pitch,).
            counts: Wavelets of each line as `Line.take` orders lines.
        """
        if not passed.any() or not counts.any():
            return
        cells = self._of(color)[line.cells]
        if line.axis == 0:  # counts (repeat, lines)
            travelled = counts[:, None, :] * passed[None, :, None]
            travelled = travelled.reshape(-1, cells.shape[1])
            cells[: len(travelled)] += travelled[: len(cells)]
        else:  # counts (lines, repeat)
            travelled = (counts[:, :, None] * passed).reshape(len(cells), -1)
            cells[:, : travelled.shape[1]] += travelled[:, : cells.shape[1]]
