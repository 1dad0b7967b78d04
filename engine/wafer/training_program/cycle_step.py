"""Runs a training program on the cycle tier: its cores, routes and memories on the fabric.

Values that a core did not compute itself came in wavelets; nothing else moves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import FabricError
from engine.wafer.fabric.diagnosis import diagnose
from engine.wafer.fabric.lower import name_channels
from engine.wafer.fabric.micro import ELEMENTWISE, Kind, Micro, Programs, Reduce
from engine.wafer.fabric.network import Network
from engine.wafer.fabric.region import NodeLines, RegionBuilder
from engine.wafer.fabric.simulator import BLOCKED, DONE, Totals, new_fabric, simulate
from engine.wafer.fabric.state import Accounts
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS, Cells
from engine.wafer.place.streams import Runs
from engine.wafer.plan.color_use import ColorUse
from engine.wafer.program.program import Region
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.instructions import (
    CoreWork,
    Elementwise,
    LineMulticast,
    LineSum,
    Matvec,
    Peak,
    RankOne,
    Total,
    TrainingInstruction,
    VectorPart,
)
from engine.wafer.training_program.step_price import (
    line_of,
    order_at,
    orders_of,
    site_of,
    tell,
    work_cycles,
)

__all__ = ["SimulatedStep", "colors_of", "simulate_step"]

Floats = NDArray[np.float32]

_CYCLE_LIMIT = 500_000_000


@dataclass(frozen=True, slots=True)
class SimulatedStep:
    """What a simulation of some instructions took."""

    cycles: int
    wavelets: int
    """That cores gave to the fabric."""
    links: int
    """Crossings of links between routers."""


class _EachEnds:
    """Tells instructions to a `ColorUse` one by one: each is an operation of its own."""

    def __init__(self, share: CoreShare, instructions: Sequence[TrainingInstruction]) -> None:
        self.use = ColorUse(site_of(share), head=False)
        for each in instructions:
            if not isinstance(each, CoreWork):
                tell(self.use, share, [each])
                self.use.end()


def colors_of(share: CoreShare, instructions: Sequence[TrainingInstruction]) -> ColorUse:
    """Return the colors that each core takes and gives, for the machine's limits."""
    return _EachEnds(share, instructions).use


def simulate_step(
    share: CoreShare,
    instructions: Sequence[TrainingInstruction],
    words: Floats,
    *,
    reverse: bool = False,
) -> SimulatedStep:
    """Run instructions cycle by cycle.

    Args:
        share: The rectangle.
        instructions: In their order.
        words: (rows, columns, words) of all cores, float32, contiguous; written to.
        reverse: Visit cores and channels in the opposite order; nothing may change.

    Raises:
        FabricError: Nobody can go on, or a stream met another.
    """
    lowering = _StepLowering(share, instructions)
    for number, each in enumerate(instructions):
        lowering.add(number, each)
    routes = lowering.network.build()
    cores, size = share.rows * share.columns, words.shape[2]
    memory = np.arange(cores + 1, dtype=np.int64) * size
    program, first = lowering.programs.tables(memory[:-1])
    name_channels(lowering.network, program, first)
    fabric = new_fabric(
        routes, program, first, words.reshape(-1).view(np.int32),
        accounts=Accounts(1, len(instructions)), memory=memory,
    )  # fmt: skip
    how, cycles = simulate(fabric, 0, 1, _CYCLE_LIMIT, reverse)
    if how != DONE:
        what = "is blocked" if how == BLOCKED else "does not end"
        raise FabricError(f"a training step {what}: {diagnose(fabric).text()}")
    if fabric.totals[Totals.REWRITTEN]:
        raise FabricError("two streams of a training step would have met on one color")
    crossed = fabric.link_count.reshape(-1, 5)[:, :4].sum()
    return SimulatedStep(int(cycles), int(fabric.totals[Totals.SENT]), int(crossed))


class _StepLowering:
    """A rectangle's programs as they grow."""

    def __init__(self, share: CoreShare, instructions: Sequence[TrainingInstruction]) -> None:
        self.share, self.orders = share, orders_of(share)
        self.network = Network(share.machine, share.columns, share.rows)
        self.programs = Programs(share.rows * share.columns)
        region = Region("training", 0, 0, share.columns, share.rows, (0,), {})
        use = colors_of(share, instructions)
        self.site = RegionBuilder(region, (0, 0), self.network, self.programs, use, 0)

    def add(self, number: int, each: TrainingInstruction) -> None:
        self.site.instruction = number
        if isinstance(each, CoreWork):
            self._work(each)
        elif isinstance(each, LineSum):
            self._sum(each)
        else:
            self._spread(each)

    def _work(self, each: CoreWork) -> None:
        """The first COMPUTE takes the cycles of all, so that they are told once."""
        machine = self.share.machine
        rows, columns = self._places(each.cells)
        cores = self.site.cores(rows[:, None], columns[None, :]).ravel()
        mac, vector, pipe = work_cycles(machine, each.parts)
        cost = {"mac": mac, "vector": vector, "pipe": pipe + machine.task_cycles}
        for part in each.parts:
            kind, arguments = _micro(part)
            named = {f"a{i}": argument for i, argument in enumerate(arguments)}
            self.site.add(cores, Micro.COMPUTE, kind=kind, **named, **cost)
            cost = {}

    def _sum(self, each: LineSum) -> None:
        runs, line, order = Runs(head=False), line_of(self.share, each), order_at(self.orders, each)
        if line.length <= 1:
            return
        runs.reduce(line, order.group)
        self.site.begin(runs.trees())
        across = self._across(each)
        bases = tuple(range(0, line.length * line.repeat, line.length))
        counts = np.full(across.size, each.count)
        nodes = NodeLines(each.axis, line.length, across, counts, bases=bases)
        kind = Reduce.MAX_F32 if each.largest else Reduce.ADD_F32
        self.site.reduce(nodes, order, each.address, kind)

    def _spread(self, each: LineMulticast) -> None:
        across = self._across(each)
        counts = np.full(across.size, each.count, np.int64)
        self.site.multicast(each.axis, across, counts, each.address, length=each.length)

    def _across(self, each: LineSum | LineMulticast) -> NDArray[np.int64]:
        rows, columns = self._places(each.cells)
        return columns if each.axis == ALONG_ROWS else rows

    def _places(self, cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return (
            np.arange(self.site.extent(ALONG_ROWS))[cells[0]],
            np.arange(self.site.extent(ALONG_COLUMNS))[cells[1]],
        )


def _micro(part: VectorPart) -> tuple[Kind, tuple[int, ...]]:
    """Return the COMPUTE of a vector instruction, and its arguments."""
    match part:
        case Elementwise():
            which = 1 if part.number is not None else 2 if part.scalar else 0
            bits = int(np.float32(part.number or 0.0).view(np.int32))
            name = ELEMENTWISE.index(part.name)
            return Kind.ELEMENTWISE, (
                part.target, part.left, part.right, part.count, name, which, bits,
            )  # fmt: skip
        case Matvec():
            return Kind.CONTRACT, (
                part.target, part.matrix, part.vector, part.outputs, part.inputs,
                part.rows_apart, part.columns_apart,
            )  # fmt: skip
        case RankOne():
            return Kind.OUTER, (
                part.target, part.left, part.right, part.rows, part.columns, part.apart,
            )  # fmt: skip
        case Total():
            return Kind.TOTAL, (part.source, part.target, part.count)
        case Peak():
            return Kind.PEAK, (part.target, part.source, part.count)
    raise TypeError(f"no COMPUTE for {part!r}")
