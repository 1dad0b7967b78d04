"""Schedules of published collectives along a line: every core's instructions, and their routes.

All lines of a rectangle that run the same way follow one schedule at the same time.  The same
schedules are priced in `engine.wafer.cost.collectives`.  Knows no values and simulates nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.wafer.cost.collectives import Collective, group_sizes, tree_children
from engine.wafer.fabric.micro import ADVANCE, CTRL, Micro, Reduce
from engine.wafer.fabric.network import OPPOSITE, RAMP, Network, bit

__all__ = ["REDUCTIONS", "LineAxis", "LineSchedule", "LineStep", "sum_kind"]


@dataclass(frozen=True, slots=True)
class LineAxis:
    """The lines that are reduced along one axis, all alike; position 0 is west or north."""

    cores: NDArray[np.int64]
    """Core number by position and line, (P, lines)."""
    x: NDArray[np.int64]
    """Column by position and line."""
    y: NDArray[np.int64]
    back: int
    """Port towards position 0."""

    @property
    def length(self) -> int:
        """Cores of a line."""
        return int(self.cores.shape[0])


@dataclass(frozen=True, slots=True)
class LineStep:
    """One micro-instruction of the cores at one position of all lines."""

    axis: LineAxis
    position: int
    op: Micro
    into: int | None = None
    """Color it takes wavelets of."""
    out: int | None = None
    """Color it sends."""
    flags: int = 0
    kind: Reduce | None = None
    """How it combines wavelets with memory; None means the collective's sum."""
    count: int | None = None
    """Wavelets; None means the whole vector."""
    offset: int = 0
    """First word of the vector."""
    offset_2: int = 0
    """First word of the part that is taken, where another part is sent."""


@dataclass(slots=True)
class LineSchedule:
    """Routes set so far and the steps of every core in order."""

    asked: Collective
    network: Network
    steps: list[LineStep] = field(default_factory=list)
    next_color: int = 0

    def colors(self, count: int) -> range:
        """Take ``count`` colors nobody has."""
        taken = range(self.next_color, self.next_color + count)
        self.next_color += count
        return taken

    def step(self, axis: LineAxis, position: int, op: Micro, **fields: Any) -> None:
        """Append an instruction at one position of every line; fields as in `LineStep`."""
        self.steps.append(LineStep(axis, position, op, **fields))

    def path(self, axis: LineAxis, sender: int, receiver: int, color: int) -> None:
        """Route a color from one position's ramp to another's, past the cores between."""
        step = -1 if receiver < sender else 1
        ahead = axis.back if step < 0 else OPPOSITE[axis.back]
        behind = OPPOSITE[ahead]
        self._route(axis, sender, color, bit(RAMP), bit(ahead))
        for position in range(sender + step, receiver, step):
            self._route(axis, position, color, bit(behind), bit(ahead))
        self._route(axis, receiver, color, bit(behind), bit(RAMP))

    def _route(self, axis: LineAxis, position: int, color: int, taken: int, left: int) -> None:
        self.network.route(color, axis.x[position], axis.y[position], taken, left)

    # ── algorithms, along one axis ──────────────────────────────────────────────────────────

    def chain(self, axis: LineAxis, positions: list[int], colors: range) -> None:
        """A chain from the last of ``positions`` to the first, which adds it to its memory.

        Neighbours in the chain send in two colors by turns.
        """
        ordered = positions[::-1]
        for k, (sender, receiver) in enumerate(pairwise(ordered)):
            out, into = colors[k % 2], colors[(k - 1) % 2]
            self.path(axis, sender, receiver, out)
            if k == 0:
                self.step(axis, sender, Micro.SEND, out=out)
            else:
                self.step(axis, sender, Micro.REDUCE_SEND, into=into, out=out)
        if len(ordered) > 1:
            self.step(axis, ordered[-1], Micro.REDUCE, into=colors[len(ordered) % 2])

    def whole_chain(self, axis: LineAxis, groups: int) -> None:
        """Every core adds its neighbour's stream to its own vector and passes it on."""
        self.chain(axis, list(range(axis.length)), self.colors(2))

    def star(self, axis: LineAxis, groups: int) -> None:
        """All send to position 0; a router passes its own core's vector, then those behind it.

        The last wavelet of a core advances its router's switch.
        """
        (color,) = self.colors(1)
        x, y, ahead = axis.x, axis.y, bit(axis.back)
        behind = bit(OPPOSITE[axis.back])
        self.network.route(color, x[0], y[0], behind, bit(RAMP))
        self.network.route(color, x[1:], y[1:], bit(RAMP), ahead, position=0)
        if axis.length > 2:
            self.network.route(color, x[1:-1], y[1:-1], behind, ahead, position=1)
        for position in range(1, axis.length):
            self.step(axis, position, Micro.SEND, out=color, flags=CTRL)
            self.step(axis, 0, Micro.REDUCE, into=color)

    def tree(self, axis: LineAxis, groups: int) -> None:
        """A binomial tree in two colors; the nearest child first, the last passed on.

        A core sends in the color of its number of set bits, odd or even; its children and its
        parent have the other.  A stream from farther away waits at a router until the streams of
        the router's own core have passed: the core's own opens the switch of the color it sends
        in, its last child's that of the color it takes.  Where none can be closed, a link prefers
        the higher color, so the earliest of such streams gets the lower one.
        """
        colors = self.colors(2)
        if _earliest(axis.length).bit_count() % 2:
            colors = colors[::-1]
        for position in range(axis.length):
            out, into = (colors[(position.bit_count() + k) % 2] for k in (0, 1))
            children = tree_children(position, axis.length)
            if children:
                self._take(axis, position, into)
            if position:
                self._give(axis, position, out)
                self._let_pass(axis, position, colors, bool(children))
            for child in children:
                if position and child == children[-1]:
                    flags = self._tree_flags(axis, position)
                    self.step(axis, position, Micro.REDUCE_SEND, into=into, out=out, flags=flags)
                else:
                    self.step(axis, position, Micro.REDUCE, into=into)
            if position and not children:
                flags = self._tree_flags(axis, position)
                self.step(axis, position, Micro.SEND, out=out, flags=flags)

    def _tree_flags(self, axis: LineAxis, position: int) -> int:
        """Return the flag of a core's last wavelet; a last child's opens its parent as well."""
        parent = position - (position & -position)
        last = tree_children(parent, axis.length)[-1] == position
        return CTRL if last else ADVANCE

    def _let_pass(self, axis: LineAxis, position: int, colors: range, has_children: bool) -> None:
        """Route streams from beyond a core past it, after its own."""
        sender = position + (position & -position)
        while sender < axis.length:
            as_sent = (sender.bit_count() - position.bit_count()) % 2 == 0
            switch = 1 if as_sent or has_children else 0
            self._pass(axis, position, colors[sender.bit_count() % 2], switch=switch)
            sender += sender & -sender

    def ring(self, axis: LineAxis, groups: int) -> None:
        """A ring: neighbours by turns in two colors, the way from the last core back in a third.

        In round r core p sends chunk p − r while chunk p − r − 1 comes in, P − 1 rounds to add and
        P − 1 to bring the sums to all.
        """
        cores = axis.length
        colors = self.colors(3)
        out = [colors[p % 2] for p in range(cores - 1)] + [colors[2]]
        for position, color in enumerate(out):
            self.path(axis, position, (position + 1) % cores, color)
        size = self.asked.wavelets // cores
        for turn in range(2 * (cores - 1)):
            kind = sum_kind(self.asked) if turn < cores - 1 else Reduce.TAKE
            for position in range(cores):
                sent = (position - turn) % cores
                taken = (position - turn - 1) % cores
                self.step(
                    axis, position, Micro.EXCHANGE, into=out[position - 1], out=out[position],
                    kind=kind, count=size, offset=sent * size, offset_2=taken * size,
                )  # fmt: skip

    def two_phase(self, axis: LineAxis, groups: int) -> None:
        """Chains in groups of neighbours, then a chain of the groups' first cores; two colors.

        Member j of group k sends in color (k + j) mod 2, a first core in that of its group's
        number.  A first core's stream waits at the routers of the group ahead until their own
        cores' streams have passed: the control bit of these opens the switch.  The first core of
        the last group, which may be smaller, passes its group's stream on at once, the others add
        theirs before.
        """
        members, groups, last = group_sizes(axis.length, groups)
        if groups == 1 or members == 1:
            self.whole_chain(axis, groups)
            return
        colors = self.colors(2)
        if groups % 2 == 0:  # a link prefers the higher color: that of the group's own stream
            colors = colors[::-1]
        for group in range(groups):
            first, size = group * members, last if group == groups - 1 else members
            for j in range(size - 1, 0, -1):
                self._member(axis, first, j, size, group == groups - 1, colors, group)
            into = colors[(group + 1) % 2]
            if size == 1:  # a last group of one core
                self._give(axis, first, colors[group % 2])
                self.step(axis, first, Micro.SEND, out=colors[group % 2])
                continue
            self._take(axis, first, into)
            if group == 0:
                self.step(axis, 0, Micro.REDUCE, into=into)
                self.step(axis, 0, Micro.REDUCE, into=into)
                continue
            out = colors[group % 2]
            self._give(axis, first, out)
            if group < groups - 1:
                self.step(axis, first, Micro.REDUCE, into=into)
            self.step(axis, first, Micro.REDUCE_SEND, into=into, out=out)

    def _member(
        self,
        axis: LineAxis,
        first: int,
        j: int,
        members: int,
        last_group: bool,
        colors: range,
        group: int,
    ) -> None:
        """Routes and instruction of member ``j`` > 0 of a group of a two-phase reduction."""
        position = first + j
        out, into = colors[(group + j) % 2], colors[(group + j + 1) % 2]
        passing = None if last_group else colors[(group + 1) % 2]
        is_leaf = j == members - 1
        self._give(axis, position, out)
        if not is_leaf:
            self._take(axis, position, into)
        if passing is not None:
            free = passing == into and is_leaf
            self._pass(axis, position, passing, switch=0 if free else 1)
        if is_leaf:
            self.step(axis, position, Micro.SEND, out=out, flags=CTRL)
        else:
            self.step(axis, position, Micro.REDUCE_SEND, into=into, out=out, flags=CTRL)

    def _give(self, axis: LineAxis, position: int, color: int) -> None:
        """Route a color from a core towards position 0."""
        self._route(axis, position, color, bit(RAMP), bit(axis.back))

    def _take(self, axis: LineAxis, position: int, color: int) -> None:
        """Route a color that comes towards position 0 to a core."""
        self._route(axis, position, color, bit(OPPOSITE[axis.back]), bit(RAMP))

    def _pass(self, axis: LineAxis, position: int, color: int, *, switch: int) -> None:
        """Route a color past a core towards position 0, in a position of its switch."""
        x, y = axis.x[position], axis.y[position]
        ahead = axis.back
        self.network.route(color, x, y, bit(OPPOSITE[ahead]), bit(ahead), position=switch)

    def two_tree(self, axis: LineAxis, groups: int) -> None:
        """Two chains to the middle of every group, then two of the middles to the middle one."""
        members = axis.length // groups
        middles = [group * members + members // 2 for group in range(groups)]
        colors = self.colors(4)
        for group, root in enumerate(middles):
            first = group * members
            self._both_chains(axis, list(range(first, first + members)), root, colors)
        self._both_chains(axis, middles, middles[groups // 2], self.colors(4))

    def _both_chains(self, axis: LineAxis, line: list[int], root: int, colors: range) -> None:
        """Chains from both ends of ``line`` to ``root``, which adds the farther half first."""
        self.chain(axis, [p for p in line if p >= root], colors[:2])
        self.chain(axis, [p for p in line if p <= root][::-1], colors[2:])


def _earliest(cores: int) -> int:
    """Return the core that sends first: its subtree lacks the most levels, as the line ends."""
    core, earliest, most = cores - 1, cores - 1, -1
    while core:
        missing = (core & -core).bit_length() - 1 - len(tree_children(core, cores))
        if missing >= most:
            earliest, most = core, missing
        core -= core & -core
    return earliest


def sum_kind(asked: Collective) -> Reduce:
    """Return the ⊕ of a collective's sums."""
    return Reduce.ADD_F16X2 if asked.dtype == "fp16" else Reduce.ADD_F32


REDUCTIONS: dict[str, Callable[[LineSchedule, LineAxis, int], None]] = {
    "chain": LineSchedule.whole_chain,
    "star": LineSchedule.star,
    "tree": LineSchedule.tree,
    "two-phase": LineSchedule.two_phase,
    "two-tree": LineSchedule.two_tree,
    "ring": LineSchedule.ring,
}
