"""Attention over a KV cache that lies in the region: positions over rows, heads over columns.

Position j lies in core row j mod R, so that memory and work stay balanced without moving a row.
A column holds whole query heads with the KV heads they read, or, where there are more columns
than heads, an even share of one head's dimensions.
"""

from dataclasses import dataclass

from engine.errors import PlacementError
from engine.model.orders import ReduceOrder
from engine.wafer import collectives
from engine.wafer.cost import Cost, State
from engine.wafer.ops.base import (
    ALL,
    ALONG_COLUMNS,
    ALONG_ROWS,
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    NORTH,
    Site,
)
from engine.wafer.program import Attention

__all__ = ["HeadSplit", "cost", "kv_bytes", "split_heads"]

_KV_ELEMENT_BYTES = 2


@dataclass(frozen=True, slots=True)
class HeadSplit:
    """What one column holds."""

    queries: int
    """Query heads of a column."""
    kv: int
    """KV heads of the fullest column (a copy where several columns read the same)."""
    dims: int
    """Dimensions of each of them."""
    parts: int
    """Columns that share one query head."""


def split_heads(shape: Attention, columns: int) -> HeadSplit:
    """Lay the heads on ``columns`` columns.

    Raises:
        PlacementError: The columns neither divide the heads nor are a multiple of them whose
            quotient divides half a head.
    """
    if shape.heads % columns == 0:
        queries = shape.heads // columns
        sharing = shape.heads // shape.kv_heads
        return HeadSplit(queries, _most_kv_heads(queries, sharing, columns), shape.head_dim, 1)
    parts, rest = divmod(columns, shape.heads)
    if rest or (shape.head_dim // 2) % parts:
        raise PlacementError(
            f"{shape.heads} heads of {shape.head_dim} do not lie on {columns} columns: use a "
            f"divisor of {shape.heads}, or {shape.heads} times a divisor of {shape.head_dim // 2}"
        )
    return HeadSplit(1, 1, shape.head_dim // parts, parts)


def _most_kv_heads(queries: int, sharing: int, columns: int) -> int:
    """KV heads that the query heads of a column read; ``sharing`` query heads read the same."""
    return max(
        ((column + 1) * queries - 1) // sharing - column * queries // sharing + 1
        for column in range(columns)
    )


def kv_bytes(split: HeadSplit, positions: int) -> int:
    """Return the SRAM bytes of keys and values of ``positions`` positions in one core."""
    return positions * 2 * split.kv * split.dims * _KV_ELEMENT_BYTES


def cost(site: Site, split: HeadSplit, order: ReduceOrder) -> Cost:
    """Return the cost of one query row; the last part is per KV row of a core.

    Cost (q query heads of d dimensions in a column, R rows of cores, n KV rows of a core):
        fixed: max all-reduce(R, q) + reduce(R, q·(d + 1)) + quotients on the north line
        per KV row: 2·q·d scores + [reduce and multicast along the columns of a head] + q·(scale,
        max, exp, sum) + 2·q·d weighted values, at the fp32 rate

    Source:
        wafer-scale attention with KV positions on one axis: He et al., WaferLLM (OSDI 2025).
        Differs: the softmax's sum travels with the weighted values; positions are dealt out in
        turn, so no row is ever shifted.
    """
    machine = site.machine
    ledger = site.ledger()
    rate = machine.fmac_fp32
    heads, dims = split.queries, split.dims
    overhead = machine.vector_overhead_cycles
    column = site.line(ALONG_ROWS)
    band = site.line(ALONG_COLUMNS, length=split.parts, repeat=site.columns // split.parts)
    # Vector instructions run over the KV rows: their number does not depend on how many there are.
    instructions = heads * (4 * dims + EXP_OPERATIONS + 3)
    ledger.work(ALL, pipe=instructions * overhead)
    with ledger.per_kv_row():
        products = -(-2 * heads * dims // rate)
        ledger.work(ALL, mac=2 * products, vector=-(-heads * (EXP_OPERATIONS + 3) // rate))
        if split.parts > 1:  # a score's wavelets stream: what starts the band is booked below
            wavelets = collectives.stream_cycles(machine, heads)
            ledger.book(State.COMM, wavelets, ALL)
            ledger.last(wavelets)
    if split.parts > 1:
        collectives.reduce(ledger, machine, band, split.parts, 1)
        collectives.multicast(ledger, machine, band, 1)
    collectives.reduce(ledger, machine, column, order.group, heads)
    collectives.multicast(ledger, machine, column, heads)
    collectives.reduce(ledger, machine, column, order.group, heads * (dims + 1))
    divides = heads * (machine.divide_cycles - (-DIVIDE_OPERATIONS * dims // rate))
    ledger.work(NORTH, vector=divides, pipe=heads * DIVIDE_OPERATIONS * overhead)
    return ledger.close()
