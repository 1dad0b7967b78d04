"""Streams: how collectives share colors, and which of two colors a core of a reduction takes.

All reductions along an axis share two colors, all multicasts along it one, whatever their groups
and lengths are.  Says what each router does in each of them; sets no route, prices nothing.

Two streams of a color never meet.  Streams of a color are in one order, that of the Program: by
row, instruction and phase.  Every core gives and takes in this order, and a router goes from the
route of one stream to that of the next only when the last wavelet of the first has passed, whose
control bit moves its switch on.  So each stream arrives in its turn, and the first one that is not
through yet waits for nothing but work that comes before it.

Where one pattern alone uses a color, its positions come round again.  Where several do, the switch
is closed behind the last position, and each core sets its own router when it comes to the next
pattern.  Until then all streams of the last one must have passed.  They have: between two
reductions along a line its first core, which takes in the last wavelet of the one, sends a
multicast along the line, which all cores take before they begin the other.  That holds for the
products of a head least of all: a row's logits go nowhere.  So they have colors apart, with one
pattern.  The simulated chip counts every route that is set too early and refuses the step.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import ALL

__all__ = ["PHASES", "Runs", "StreamPhase", "Tree"]

Ints = NDArray[np.int64]

PHASES = 3
"""Most phases of a reduction: in a group of 32 that spans cores, in a group of such, across."""


class StreamPhase(NamedTuple):
    """A phase of a tree: each giver sends to the core ``stride`` places nearer to the first."""

    stride: int
    givers: Ints
    """Places, int64."""


class Tree(NamedTuple):
    """A reduction along an axis in phases: chains of neighbours, then of every few-th place.

    A place is written with a digit for each phase, as a time is in hours and minutes.  In a phase
    those give whose lower digits are 0 and whose own is not.
    """

    axis: int
    apart: bool
    """Whether it is a product of the head, which has colors of its own."""
    strides: tuple[int, ...]
    """Places from a giver to its taker, by phase."""
    period: int
    """Places of a line; the next one begins behind them."""
    end: int
    """Places that take part."""

    @property
    def family(self) -> tuple[int, bool]:
        """Trees with the same one share two colors."""
        return self.axis, self.apart

    def phases(self) -> Iterator[StreamPhase]:
        """Yield the phases in order."""
        place = np.arange(self.end)
        for stride, bound in self._digits():
            yield StreamPhase(stride, place[(place % stride == 0) & (place % bound != 0)])

    def takes(self, place: Ints) -> Ints:
        """Return which of two colors cores at ``place`` take: 0 or 1; they give on the other.

        The parity of the sum of the digits, so that a core takes one color in all phases.
        """
        place = place % self.period
        digits = [place % bound // stride for stride, bound in self._digits()]
        return np.asarray(sum(digits) % 2, np.int64)

    def _digits(self) -> Iterator[tuple[int, int]]:
        """Yield the place value of each digit and of the next one."""
        yield from zip(self.strides, (*self.strides[1:], self.period), strict=True)


class Runs:
    """Notes the reductions of an operation (as `ledger.MicroSteps` are told) as trees.

    Reductions along an axis without a multicast along it between them are phases of one tree.
    """

    def __init__(self, *, head: bool) -> None:
        """Begin with none; ``head``: whether the region is the head's."""
        self._head = head
        self._runs: list[list[tuple[Line, int]]] = []
        self._open: dict[int, int] = {}

    def reduce(self, line: Line, group: int) -> int:
        """Note a reduction in groups of so many cores; returns the number of its tree."""
        if line.axis not in self._open:
            self._open[line.axis] = len(self._runs)
            self._runs.append([])
        self._runs[self._open[line.axis]].append((line, group))
        return self._open[line.axis]

    def multicast(self, axis: int) -> None:
        """Note a multicast: the next reduction along its axis begins a tree."""
        self._open.pop(axis, None)

    def trees(self) -> list[Tree]:
        """Return the trees in the order in which they began."""
        return [self._tree(calls) for calls in self._runs]

    def _tree(self, calls: list[tuple[Line, int]]) -> Tree:
        strides: list[int] = []
        for line, group in calls:
            strides += [line.pitch] if group > 1 else []
            strides += [line.pitch * group] if group < line.length else []
        line, _ = calls[-1]
        period = line.length * line.pitch
        apart = self._head and line.cells == ALL
        return Tree(line.axis, apart, tuple(strides), period, line.repeat * period)
