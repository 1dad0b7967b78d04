"""What a training program costs: its micro-steps told to a ledger, as those of inference are."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.model.sum_orders import ReduceOrder
from engine.wafer.cost.ledger import Ledger, MicroSteps
from engine.wafer.cost.lines import Line, best_group
from engine.wafer.ops.site import ALONG_ROWS, Cells, Site
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.instructions import (
    CoreWork,
    LineMulticast,
    LineSum,
    TrainingInstruction,
    VectorPart,
)

__all__ = [
    "ProgramTraffic", "line_of", "order_at", "orders_of", "site_of", "step_cycles", "tell",
    "traffic", "work_cycles",
]  # fmt: skip


def site_of(share: CoreShare) -> Site:
    """Return the rectangle as operations see it."""
    return Site(share.machine, share.columns, share.rows)


def orders_of(share: CoreShare) -> tuple[ReduceOrder, ReduceOrder, ReduceOrder]:
    """Return the orders of sums along rows, along columns, and over the columns of a head.

    Groups are those that bring a share of the queries, of the stream, and of the scores fastest.
    """
    return (
        _order(share.machine, share.rows, share.queries),
        _order(share.machine, share.columns, share.stream),
        _order(share.machine, share.parts, share.heads * share.slots),
    )


def order_at(
    orders: tuple[ReduceOrder, ReduceOrder, ReduceOrder], each: LineSum | LineMulticast
) -> ReduceOrder:
    """Return the order of an instruction's lines."""
    return orders[2 if each.length else each.axis]


def line_of(share: CoreShare, each: LineSum | LineMulticast) -> Line:
    """Return an instruction's lines as the ledger takes them."""
    extent = share.rows if each.axis == ALONG_ROWS else share.columns
    length = each.length or extent
    return site_of(share).line(each.axis, cells=each.cells, length=length, repeat=extent // length)


def _order(machine: MachineSpec, cores: int, wavelets: int) -> ReduceOrder:
    return ReduceOrder(cores, max(1, min(cores, best_group(machine, cores, wavelets))))


def work_cycles(machine: MachineSpec, parts: Iterable[VectorPart]) -> tuple[int, int, int]:
    """Return (multiply–accumulate, other, overhead) cycles of a COMPUTE, without its task's."""
    mac = other = overhead = 0
    for part in parts:
        cycles, waits = part.cycles(machine)
        mac, other = mac + part.multiplies * cycles, other + (not part.multiplies) * cycles
        overhead += waits
    return mac, other, overhead


def tell(micro: MicroSteps, share: CoreShare, instructions: Iterable[TrainingInstruction]) -> None:
    """Tell the micro-steps of instructions."""
    orders = orders_of(share)
    for each in instructions:
        if isinstance(each, CoreWork):
            mac, other, overhead = work_cycles(share.machine, each.parts)
            micro.work(each.cells, mac=mac, vector=other, pipe=overhead)
        elif isinstance(each, LineSum):
            micro.reduce(line_of(share, each), order_at(orders, each).group, each.count)
        else:
            micro.multicast(line_of(share, each), each.count)


def step_cycles(share: CoreShare, instructions: Iterable[TrainingInstruction]) -> int:
    """Return the cycles until the last core is done, all free at cycle 0."""
    ledger = Ledger(share.machine, share.rows, share.columns, booked=False)
    tell(ledger, share, instructions)
    return int(ledger.clock.max())


@dataclass(frozen=True, slots=True)
class ProgramTraffic:
    """What instructions send, all cores together."""

    sums: int
    """Sums along lines: points at which cores wait for others."""
    multicasts: int
    hops: int
    """Links that wavelets cross; each crossing moves four bytes."""


def traffic(share: CoreShare, instructions: Iterable[TrainingInstruction]) -> ProgramTraffic:
    """Return what instructions send.

    A sum crosses a link for every member of a group, and as many as a group is long for every
    group but the first; a multicast crosses each link of its line once.
    """
    sums = multicasts = hops = 0
    orders = orders_of(share)
    for each in instructions:
        if isinstance(each, CoreWork):
            continue
        order = order_at(orders, each)
        lines = _lines(share, each.axis, each.cells) * line_of(share, each).repeat
        if order.parts == 1:
            continue
        if isinstance(each, LineSum):
            groups = -(-order.parts // order.group)
            hops += lines * each.count * (order.parts - groups + (groups - 1) * order.group)
            sums += 1
        else:
            hops += lines * each.count * (order.parts - 1)
            multicasts += 1
    return ProgramTraffic(sums, multicasts, hops)


def _lines(share: CoreShare, axis: int, cells: Cells) -> int:
    """Return how many parallel lines an instruction has: all across, or one home line's."""
    other = cells[1] if axis == 0 else cells[0]
    extent = share.columns if axis == 0 else share.rows
    return len(range(extent)[other])
