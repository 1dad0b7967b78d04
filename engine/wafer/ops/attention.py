"""Attention over a KV cache that lies in the region: positions over rows, heads over columns.

Position j lies in core row j mod R, so that memory and work stay balanced without moving a row.
A column holds whole query heads with the KV heads they read, or, where there are more columns
than heads, an even share of one head's dimensions.

Micro-steps: COMPUTE (all) compare the position with the core row's own; the row that keeps it
copies its packed key and value → COMPUTE (all) scores of the core's own KV rows → [where columns
share a head: REDUCE q·n wavelets over them to the first, multicast back; n KV rows of the core] →
COMPUTE (all) scale and largest → REDUCE (maximum) q wavelets to the north line → multicast back →
COMPUTE (all) exponentials, their sum and the weighted values → REDUCE q·(d + 1) wavelets to the
north line → COMPUTE (north line) the quotients.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from engine.errors import PlacementError
from engine.model.sum_orders import ReduceOrder
from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.cost.vector_instruction import VECTOR_KINDS, memory_rate
from engine.wafer.ops.site import (
    ALONG_COLUMNS,
    ALONG_ROWS,
    CAP_OPERATIONS,
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    Site,
)
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "AttentionShape",
    "HeadSplit",
    "capped_cost",
    "capped_steps",
    "cost",
    "keeping",
    "kv_bytes",
    "split_heads",
    "steps",
    "streamed",
]

_KV_ELEMENT_BYTES = 2


@dataclass(frozen=True, slots=True)
class AttentionShape:
    """The heads that a placement lays out, the same in every layer."""

    heads: int
    """Query heads."""
    kv_heads: int
    head_dim: int


@dataclass(frozen=True, slots=True)
class HeadSplit:
    """One column's share of the heads."""

    queries: int
    """Query heads of a column."""
    kv: int
    """KV heads of the fullest column (a copy where several columns read the same)."""
    dims: int
    """Dimensions of each of them."""
    parts: int
    """Columns that share one query head, or all that read one KV head."""
    columns: int
    """Columns that hold heads; those east of them hold none."""


@lru_cache(maxsize=4096)
def split_heads(
    shape: AttentionShape,
    columns: int,
    *,
    fill: bool = True,
    grouped: bool = False,
    most_parts: int = 0,
) -> HeadSplit:
    """Lay the heads on ``columns`` columns.

    Args:
        shape: The heads.
        columns: Columns of the region.
        fill: True: all columns hold equal shares; False: as many of them as can.
        grouped: Where there are more columns than KV heads, each holds a share of all query heads
            that read one of those, so that no key, value or weight of theirs is held twice.  Only
            priced; needs ``fill`` False.
        most_parts: Most of those shares, where there are any; 0: as many as there are columns for.

    Raises:
        PlacementError: The columns neither divide the heads nor are a multiple of them whose
            quotient divides half a head.
    """
    heads, half = shape.heads, shape.head_dim // 2
    if grouped and columns > shape.kv_heads:
        assert not fill
        parts = max(
            n
            for n in range(1, min(half, most_parts or half) + 1)
            if half % n == 0 and shape.kv_heads * n <= columns
        )
        queries = heads // shape.kv_heads
        return HeadSplit(queries, 1, shape.head_dim // parts, parts, shape.kv_heads * parts)
    if not fill:
        whole = max(n for n in range(1, min(heads, columns) + 1) if heads % n == 0)
        shares = [n for n in range(1, half + 1) if half % n == 0 and heads * n <= columns]
        columns = max([whole, *(heads * n for n in shares)])
    if heads % columns == 0:
        queries = heads // columns
        kv = _most_kv_heads(queries, heads // shape.kv_heads, columns)
        return HeadSplit(queries, kv, shape.head_dim, 1, columns)
    parts, rest = divmod(columns, heads)
    if rest or half % parts:
        raise PlacementError(
            f"{heads} heads of {shape.head_dim} do not lie on {columns} columns: use a "
            f"divisor of {heads}, or {heads} times a divisor of {half}"
        )
    return HeadSplit(1, 1, shape.head_dim // parts, parts, columns)


def _most_kv_heads(queries: int, sharing: int, columns: int) -> int:
    """KV heads that the query heads of a column read; ``sharing`` query heads read the same."""
    return max(
        ((column + 1) * queries - 1) // sharing - column * queries // sharing + 1
        for column in range(columns)
    )


def kv_bytes(split: HeadSplit, positions: int) -> int:
    """Return the SRAM bytes of keys and values of ``positions`` positions in one core."""
    return positions * 2 * split.kv * split.dims * _KV_ELEMENT_BYTES


def steps(
    micro: MicroSteps, site: Site, split: HeadSplit, order: ReduceOrder, *, capped: bool = False
) -> None:
    """Tell the micro-steps of one query row; ``capped``: scores pass through a soft cap.

    Cost (q query heads of d dimensions in a column, R rows of cores, n KV rows of a core):
        fixed: max all-reduce(R, q) + reduce(R, q·(d + 1)) + quotients on the north line
        per KV row: q·d scores + [reduce and multicast along the columns of a head] + q·(scale,
        max) + q·(subtract, exp, sum) + q·d weighted values; products of fp16 at the rate that the
        memory gives sums in fp32, the rest at the fp32 rate

    Source:
        wafer-scale attention with KV positions on one axis: He et al., WaferLLM (OSDI 2025).
        Differs: the softmax's sum travels with the weighted values; positions are dealt out in
        turn, so no row is ever shifted.
    """
    machine = site.machine
    rate, overhead = machine.fmac_fp32, machine.vector_overhead_cycles
    heads, dims = split.queries, split.dims
    cells, north = (slice(None), slice(split.columns)), (slice(0, 1), slice(split.columns))
    column = site.line(ALONG_ROWS, cells=cells)
    bands = split.columns // split.parts
    band = site.line(ALONG_COLUMNS, cells=cells, length=split.parts, repeat=bands)
    products = ceil(heads * dims / memory_rate(machine, VECTOR_KINDS["fmachs"]))
    # Vector instructions run over the KV rows: their number does not depend on how many there are.
    kept, kept_overhead = keeping(machine, split)
    micro.work(cells, vector=1, keep_vector=kept, keep_pipe=kept_overhead)
    micro.work(cells, kv_mac=products, pipe=heads * 2 * dims * overhead)
    if split.parts > 1:
        micro.reduce(band, split.parts, 0, kv_wavelets=heads)
        micro.multicast(band, 0, kv_wavelets=heads)
    scaling = 2 + (CAP_OPERATIONS if capped else 0)
    micro.work(cells, kv_vector=-(-scaling * heads // rate), pipe=scaling * heads * overhead)
    micro.reduce(column, order.group, heads)
    micro.multicast(column, heads)
    softmax = EXP_OPERATIONS + 2
    micro.work(
        cells,
        kv_mac=products,
        kv_vector=-(-heads * softmax // rate),
        pipe=heads * (2 * dims + softmax) * overhead,
    )
    micro.reduce(column, order.group, heads * (dims + 1))
    divides = heads * (machine.divide_cycles - (-DIVIDE_OPERATIONS * dims // rate))
    micro.work(north, vector=divides, pipe=heads * DIVIDE_OPERATIONS * overhead)


def keeping(machine: MachineSpec, split: HeadSplit) -> tuple[int, int]:
    """Return (vector, pipe) cycles of storing a row's packed key and value, two fp16 a word."""
    cycles, overhead = vector(machine, split.kv * split.dims)
    return int(cycles), overhead


def streamed(split: HeadSplit) -> int:
    """Return the wavelets of scores for each KV row that a core reduces and gets back."""
    return split.queries if split.parts > 1 else 0


def capped_steps(micro: MicroSteps, site: Site, split: HeadSplit, order: ReduceOrder) -> None:
    """Tell `steps` with a soft cap on the scores."""
    steps(micro, site, split, order, capped=True)


def cost(site: Site, split: HeadSplit, order: ReduceOrder) -> Cost:
    """Return the cost of `steps` alone; its second part is per KV row of all cores."""
    return site.price(steps, split, order)


def capped_cost(site: Site, split: HeadSplit, order: ReduceOrder) -> Cost:
    """Return the cost of `capped_steps` alone."""
    return site.price(capped_steps, split, order)
