"""Which colors every core of a region takes and gives, told by the micro-steps of its operations.

Colors are shared as `engine.wafer.place.streams` says: two for the reductions along an axis, one
for the multicasts along it, the lanes' own.  A router that only passes a color uses no queue of its
core, so it is not counted.  Sets no route and prices nothing.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost.ledger import Cells, Cycles
from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import ALONG_COLUMNS, WEST, Site
from engine.wafer.place.streams import Runs, Tree
from engine.wafer.program.isa import Field

__all__ = ["Color", "ColorUse", "color_use"]

Mask = NDArray[np.int64]
"""1 where a core takes part, else 0: (rows, columns) of a region."""


class Color(NamedTuple):
    """A color by its pattern, as one region sees it."""

    pattern: str
    """``reduction``, ``product`` (of the head), ``multicast``, ``lane`` or ``gather``."""
    axis: int = -1
    """Axis it runs along; −1 for lanes."""
    hue: int = 0
    """Which of a reduction's two.  Of lanes: 0 in, 1 out."""

    def text(self) -> str:
        """Return it for a person."""
        return self.pattern + {0: " north–south", 1: " west–east"}.get(self.axis, "")


class _Heard(NamedTuple):
    """A reduction that was told, until its whole tree is known."""

    tree: int
    line: Line
    group: int
    busy: NDArray[np.bool_]


class ColorUse:
    """Notes the colors of every core of one region (a `ledger.MicroSteps`)."""

    def __init__(self, site: Site, *, head: bool) -> None:
        """Begin with none; ``head``: whether the region is the head's."""
        self._shape, self._head = (site.rows, site.columns), head
        self.taken: dict[Color, Mask] = {}
        self.given: dict[Color, Mask] = {}
        self.trees: dict[tuple[int, bool], list[Tree]] = {}
        """The trees that share two colors, by `Tree.family`, in the order in which they come."""
        self.lengths: dict[int, list[int]] = {}
        """The lengths of multicasts, by axis."""
        self._runs = Runs(head=head)
        self._heard: list[_Heard] = []

    # ── micro-steps ─────────────────────────────────────────────────────────────────────────

    def work(self, cells: Cells, **cycles: Cycles) -> None:
        """Nothing to note."""

    def reduce(self, line: Line, group: int, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note a chain in groups, then the chain of their first cores."""
        if line.length > 1:
            tree = self._runs.reduce(line, group)
            self._heard.append(_Heard(tree, line, group, self._busy(line, wavelets, kv_wavelets)))

    def multicast(self, line: Line, wavelets: Cycles, kv_wavelets: int = 0) -> None:
        """Note a multicast from position 0 of every line."""
        if line.length <= 1:
            return
        self._runs.multicast(line.axis)
        _append(self.lengths.setdefault(line.axis, []), line.length)
        color = Color("multicast", line.axis)
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
        self._of(self.given, Color("lane", hue=1))[cells] |= np.asarray(wavelets) > 0

    def receive(self, cells: Cells, hops: Cycles, wavelets: Cycles, link_cycles: int = 0) -> None:
        """Note a lane that ends here."""
        self._of(self.taken, Color("lane"))[cells] |= np.asarray(wavelets) > 0

    def end(self) -> None:
        """Note the end of an operation: its trees are known now."""
        trees = self._runs.trees()
        for tree in trees:
            _append(self.trees.setdefault(tree.family, []), tree)
        for heard in self._heard:
            self._note_chains(heard, trees[heard.tree])
        self._runs, self._heard = Runs(head=self._head), []

    # ── results ─────────────────────────────────────────────────────────────────────────────

    def counted(self, colors: dict[Color, Mask]) -> Mask:
        """Return how many of ``colors`` each core uses."""
        return sum(colors.values(), start=np.zeros(self._shape, np.int64))

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

    def _note_chains(self, heard: _Heard, tree: Tree) -> None:
        """Note who takes and who gives in the groups, then among their first cores."""
        line = heard.line
        node = np.arange(line.length)
        group = min(heard.group, line.length)
        inside = node % group
        members = np.minimum(group, line.length - (node - inside))
        root, last = inside == 0, node - inside + group >= line.length
        takes = (inside < members - 1) | (root & ~last)
        gives = node > 0
        place = np.arange(line.repeat * line.length).reshape(line.repeat, 1, line.length)
        if line.axis == ALONG_COLUMNS:
            place = place.transpose(1, 0, 2)
        hue = tree.takes(place * line.pitch)
        pattern = "product" if tree.apart else "reduction"
        for each in (0, 1):
            color = Color(pattern, line.axis, each)
            self._note(self.taken, color, line, takes & heard.busy & (hue == each))
            self._note(self.given, color, line, gives & heard.busy & (hue != each))

    def _note(
        self, colors: dict[Color, Mask], color: Color, line: Line, part: NDArray[np.bool_]
    ) -> None:
        if not part.any():
            return
        mask = self._of(colors, color)
        line.put(mask, line.take(mask) | part)


def color_use(compiled: Compiled, index: int) -> ColorUse:
    """Return the colors of a region's cores."""
    site = compiled.sites[index]
    use = ColorUse(site, head=not compiled.program.regions[index].layers)
    heard = set()
    for number in np.flatnonzero(compiled.program.instructions[:, Field.REGION] == index):
        step = compiled.steps[number]
        if id(step) not in heard:
            heard.add(id(step))
            step.run(use, site)
            use.end()
    return use


def _append(known: list[Any], one: Any) -> None:
    if one not in known:
        known.append(one)
