"""Orders: the groups in which each sum of a placement meets, for the fewest cycles.

Every reduction has the group size that is best for it, unless its shape gives one: those along an
axis share two colors, whatever their groups are (`streams`).  Prices nothing but collectives.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.wafer.cost.lines import reduce_costs
from engine.wafer.ops import select
from engine.wafer.place.lanes import lane_colors
from engine.wafer.place.placement import Placement
from engine.wafer.place.shape import block_outputs
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec

__all__ = ["Orders", "choose_orders", "choose_orders_of_regions", "colors_used", "order_over"]

_CHAIN_COLORS = 2
"""Of all reductions along an axis: neighbours give on different ones."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a placement's reductions, and how many colors a region needs for them."""

    sums: SumOrders
    select: ReduceOrder
    """The chain of the largest logit."""
    colors_used: int
    """Colors of the region that needs the most."""


def choose_orders(machine: MachineSpec, placement: Placement) -> SumOrders:
    """Choose for each sum the two-phase chain with the fewest cycles.

    Raises:
        PlacementError: A region needs more colors than a program may use.
    """
    return choose_orders_of_regions(machine, placement).sums


def choose_orders_of_regions(machine: MachineSpec, placement: Placement) -> Orders:
    """Choose the order of every reduction; see `choose_orders`."""
    shape, heads = placement.shape, placement.heads
    used = max(colors_used(placement).values())
    budget = machine.colors - machine.reserved_colors
    if used > budget:
        raise PlacementError(
            f"a region of {shape.rows} rows needs {used} colors, a program on {machine.name} may "
            f"use {budget}: use a machine with more"
        )
    by_core = block_outputs(placement.model, shape, heads)
    outputs = {role: int(np.sum(each, axis=0).max()) for role, each in by_core.items()}

    def over(lies: Split, *streams: int) -> ReduceOrder:
        return order_over(machine, shape.group, lies.parts, streams, lies.span)

    queries = heads.queries
    sums = SumOrders(
        hidden=over(placement.hidden, outputs[Role.QKV], outputs[Role.GATE_UP]),
        norm=order_over(machine, shape.group, shape.rows, (1, 1)),
        positions=order_over(
            machine, shape.group, shape.rows, (queries, queries * (heads.dims + 1))
        ),
        heads=over(placement.attended, outputs[Role.OUT]),
        ffn=over(placement.gated, outputs[Role.DOWN]),
        head_dim=ReduceOrder.chain(heads.parts),
    )
    choice = order_over(machine, shape.group, shape.head_columns, (select.WAVELETS,))
    return Orders(sums, choice, used)


@lru_cache(maxsize=4096)
def order_over(
    machine: MachineSpec, group: int, length: int, streams: tuple[int, ...], pitch: int = 1
) -> ReduceOrder:
    """Return the order with the fewest cycles for all ``streams``, the largest group of equals.

    Args:
        machine: The chip.
        group: Cores of a group, if it is given: `Shape.group`.
        length: Cores of the line.
        streams: Wavelets of the reductions that have the order.
        pitch: Hops from one core of the line to the next.
    """
    if group:
        return ReduceOrder(length, max(1, min(group, length)))
    costs = np.sum([reduce_costs(machine, length, b, pitch) for b in streams], axis=0)
    return ReduceOrder(length, length - int(np.argmin(costs[::-1])) if length > 1 else 1)


def colors_used(placement: Placement) -> dict[str, int]:
    """Return the colors of a block and of the head: lanes, reductions, multicasts.

    The head's products have two apart, and a looked-up row one on its way to column 0.
    """
    shape = placement.shape
    lanes = lane_colors(placement.regions)
    rows = (_CHAIN_COLORS + 1) * (shape.rows > 1)
    columns, head_columns = (
        (_CHAIN_COLORS + 1) * (n > 1) for n in (shape.columns, shape.head_columns)
    )
    head = _CHAIN_COLORS * (shape.rows > 1) + (shape.head_columns > 1)
    return {"block": lanes + rows + columns, "head": lanes + rows + head_columns + head}
