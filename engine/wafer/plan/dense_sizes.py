"""Sizes of a block that leave little of a core's memory free, for models that barely fit a wafer.

For every number of rows that bands of the wafer can have, and some numbers of layers in a block,
the narrowest block that holds them.  Heads are grouped, so that nothing is held twice.  Prices
nothing, and only what is priced may lie like this.
"""

from collections.abc import Callable, Iterator
from math import ceil

from engine.errors import PlacementError
from engine.wafer.place.core_bytes import block_sram, head_sram
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.serpentine import lay_out
from engine.wafer.place.shape import Shape, heads_of
from engine.wafer.program.geometry import GROUP
from engine.wafer.program.machine import MachineSpec

__all__ = ["dense_sizes", "fewest_wafers", "narrowest_head", "room_for_weights"]

_MOST_LAYERS = 8
"""Of a block: with more, blocks are so wide that bands have room for few of them."""
_MOST_BANDS = 16


def fewest_wafers(machine: MachineSpec, weight_bytes: int) -> int:
    """Return how many wafers the bytes of the weights alone take."""
    return max(1, ceil(weight_bytes / room_for_weights(machine)))


def room_for_weights(machine: MachineSpec) -> int:
    """Return the bytes of a wafer beside code and system."""
    room = machine.sram_bytes - machine.code_bytes - machine.system_bytes
    return max(1, room) * machine.columns * machine.rows


def dense_sizes(
    model: ModelShape, machine: MachineSpec, context: int, wafers: range
) -> list[tuple[int, int]]:
    """Return (columns, rows) of the blocks that hold a model on the fewest of ``wafers``, if any.

    Args:
        model: The sizes.
        machine: The chip.
        context: KV rows to hold.
        wafers: Numbers of wafers to try, from the fewest on.
    """
    sizes = list(_narrowest(model, machine, context))
    for count in wafers:
        found = [
            (columns, rows)
            for columns, rows, layers, head in sizes
            if _fits(machine, columns, rows, ceil(model.layers / layers), head, count)
        ]
        if found:
            return found
    return []


def narrowest_head(model: ModelShape, machine: MachineSpec, rows: int) -> int | None:
    """Return the fewest columns with which a head of so many rows fits its cores, None if none."""
    return _least(
        machine.columns, lambda columns: head_sram(model, machine, Shape(1, rows, columns))
    )


def _narrowest(
    model: ModelShape, machine: MachineSpec, context: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (columns, rows, layers of a block, columns of the head)."""
    for rows in _rows(model, machine):
        head = narrowest_head(model, machine, rows)
        for layers in range(1, min(_MOST_LAYERS, model.layers) + 1 if head else 0):

            def hold(columns: int, rows: int = rows, layers: int = layers) -> object:
                shape = Shape(columns, rows, 1, grouped=True)
                heads = heads_of(model, shape, runs=False)
                return block_sram(model, machine, shape, heads, context, layers)

            columns = _least(machine.columns, hold)
            if columns and head:
                yield columns, rows, layers, head


def _rows(model: ModelShape, machine: MachineSpec) -> list[int]:
    """Return the rows of which bands fill the wafer best, for each number of bands.

    The fewest that hold as much of the stream as those the band has room for.
    """
    unit = GROUP if model.formats.in_groups else 1
    rows = set()
    for bands in range(1, _MOST_BANDS + 1):
        share = ceil(model.hidden / (machine.rows // bands))
        if unit == GROUP:  # whole groups, or an even share of one
            share = next((n for n in (1, 2, 4, 8, 16, 32) if n >= share), ceil(share / unit) * unit)
        rows.add(ceil(model.hidden / share))
    return sorted(rows)


def _fits(
    machine: MachineSpec, columns: int, rows: int, blocks: int, head: int, wafers: int
) -> bool:
    if rows * (blocks * columns + head) > wafers * machine.columns * machine.rows:
        return False
    try:
        lay_out([columns] * blocks + [head], rows, machine, min(wafers, blocks))
    except PlacementError:
        return False
    return True


def _least(most: int, hold: Callable[[int], object]) -> int | None:
    """Return the least number up to ``most`` from which on ``hold`` does not refuse."""
    if not _holds(hold, most):
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(hold, middle) else (middle + 1, high)
    return low


def _holds(hold: Callable[[int], object], number: int) -> bool:
    try:
        hold(number)
    except PlacementError:
        return False
    return True
