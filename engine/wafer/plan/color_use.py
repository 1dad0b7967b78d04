"""Which colors every core of a region takes and gives, told by the micro-steps of its operations.

Names colors as `engine.wafer.fabric.region` hands them out: two for the chains of a pitch, one for
a pattern of multicasts, the lanes' own.  A router that only passes a color uses no queue of its
core, so it is not counted.  Sets no route and prices nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import ALONG_COLUMNS, WEST, Site

__all__ = ["Color", "ColorUse"]

Mask = NDArray[np.int64]
"""1 where a core takes part, else 0: (rows, columns) of a region."""


class Color(NamedTuple):
    """A color by its pattern, as one region sees it."""

    pattern: str
    """``chain``, ``multicast``, ``lane`` or ``gather``."""
    axis: int = -1
    """Axis it runs along; −1 for lanes."""
    reach: int = 0
    """Pitch of a chain, length of a multicast."""
    parity: int = 0
    """Which of a chain's two: 0 carries what even nodes give.  Of lanes: 0 in, 1 out."""

    @property
    def way(self) -> tuple[str, int]:
        """The direction it comes from: colors of one way could share a switch."""
        return self.pattern, self.axis

    def text(self) -> str:
        """Return it for a person."""
        where = {0: " north–south", 1: " west–east"}.get(self.axis, "")
        size = {"chain": f" of pitch {self.reach}", "multicast": f" over {self.reach}"}
        return f"{self.pattern}{where}{size.get(self.pattern, '')}"


class ColorUse:
    """Notes the colors of every core of one region (a `ledger.MicroSteps`)."""

    def __init__(self, site: Site) -> None:
        self._shape = (site.rows, site.columns)
        self.taken: dict[Color, Mask] = {}
        self.given: dict[Color, Mask] = {}

    # ── micro-steps ─────────────────────────────────────────────────────────────────────────

    def work(self, cells: Cells, **cycles: Cycles) -> None:
        """Nothing to note."""

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note a chain in groups, then the chain of their first cores."""
        if line.length <= 1:
            return
        node = np.arange(line.length)
        group = min(group, line.length)
        inside = node % group
        first = node - inside
        members = np.minimum(group, line.length - first)
        root, last = inside == 0, first + group >= line.length
        busy = self._busy(line, wavelets, kv_wavelets)
        links = (root & (members > 1)) | (~root & (inside < members - 1))
        for stride, takes, gives in ((1, links, ~root), (group, root & ~last, root & (node > 0))):
            self._chain(line, stride, takes & busy, gives & busy)

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note a multicast from position 0 of every line."""
        if line.length <= 1:
            return
        color = Color("multicast", line.axis, line.length)
        busy = self._busy(line, wavelets, kv_wavelets)
        first = np.arange(line.length) == 0
        self._note(self.given, color, line, busy & first)
        self._note(self.taken, color, line, busy & ~first)

    def look_up(self, hops: int, wavelets: Cycles, vector: Cycles, pipe: Cycles) -> None:
        """Note that any core of a row may reach its first one."""
        if self._shape[1] > 1:
            color = Color("gather", ALONG_COLUMNS)
            self._of(self.given, color)[:, 1:] = 1
            self._of(self.taken, color)[WEST] = 1

    def send(self, cells: Cells, wavelets: Cycles) -> None:
        """Note a lane that starts here."""
        self._of(self.given, Color("lane", parity=1))[cells] |= np.asarray(wavelets) > 0

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Note a lane that ends here."""
        self._of(self.taken, Color("lane"))[cells] |= np.asarray(wavelets) > 0

    # ── results ─────────────────────────────────────────────────────────────────────────────

    def counted(self, colors: dict[Color, Mask]) -> Mask:
        """Return how many of ``colors`` each core uses."""
        return sum(colors.values(), start=np.zeros(self._shape, np.int64))

    def merged(self, colors: dict[Color, Mask]) -> Mask:
        """Return how many remain if colors that come one way shared one by their switches."""
        ways: dict[tuple[str, int], Mask] = {}
        for color, mask in colors.items():
            ways[color.way] = ways.get(color.way, np.zeros(self._shape, np.int64)) | mask
        return sum(ways.values(), start=np.zeros(self._shape, np.int64))

    def at(self, colors: dict[Color, Mask], row: int, column: int) -> list[Color]:
        """Return which of ``colors`` one core uses."""
        return sorted(color for color, mask in colors.items() if mask[row, column])

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────

    def _of(self, colors: dict[Color, Mask], color: Color) -> Mask:
        return colors.setdefault(color, np.zeros(self._shape, np.int64))

    def _busy(self, line: Line, wavelets: Cycles, kv_wavelets: int) -> NDArray[np.bool_]:
        """Return which lines carry anything, shaped to go with their cores."""
        count = np.asarray(wavelets, np.int64) + kv_wavelets
        return line.take(np.broadcast_to(count, self._shape).copy())[..., :1] > 0

    def _chain(
        self, line: Line, stride: int, takes: NDArray[np.bool_], gives: NDArray[np.bool_]
    ) -> None:
        """Note nodes that are ``stride`` apart; even ones give on the first of two colors."""
        number = np.arange(line.repeat * line.length).reshape(line.repeat, 1, line.length)
        if line.axis == ALONG_COLUMNS:
            number = number.transpose(1, 0, 2)
        odd = number // stride % 2
        for parity in (0, 1):
            color = Color("chain", line.axis, line.pitch * stride, parity)
            self._note(self.given, color, line, gives & (odd == parity))
            self._note(self.taken, color, line, takes & (odd != parity))

    def _note(
        self, colors: dict[Color, Mask], color: Color, line: Line, part: NDArray[np.bool_]
    ) -> None:
        if not part.any():
            return
        mask = self._of(colors, color)
        line.put(mask, line.take(mask) | part)
