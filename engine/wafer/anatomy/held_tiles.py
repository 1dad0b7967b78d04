"""Which part of which tensor a core holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.model.roles import Role
from engine.wafer.anatomy.region_products import RegionProduct, region_products
from engine.wafer.fabric.layout import heads_layout
from engine.wafer.ops.attention import AttentionShape, HeadSplit
from engine.wafer.ops.site import ALONG_ROWS
from engine.wafer.place.placement import Placement
from engine.wafer.program.program import Program

__all__ = ["TensorPart", "held_tiles"]


@dataclass(frozen=True, slots=True)
class TensorPart:
    """A core's part of one tensor (N outputs, K inputs)."""

    tensor: str
    format: str
    """Name of its weight format."""
    inputs: tuple[int, int]
    """First input and the one after the last."""
    outputs: tuple[tuple[int, int], ...]
    """Runs of outputs, each by its first and the one after its last."""
    bytes: int


def held_tiles(
    program: Program, placement: Placement, index: int, row: int, column: int
) -> Iterator[TensorPart]:
    """Yield the tiles of one core in the order of the instructions that use them.

    Args:
        program: The compiled model.
        placement: Where it lies.
        index: The core's region.
        row: Its row as the region counts it.
        column: Its column there.
    """
    for product in region_products(program, placement, index):
        along_rows = product.along == ALONG_ROWS
        place_in, place_out = (row, column) if along_rows else (column, row)
        start = product.first_inputs()[place_in]
        inputs = (start, start + product.inputs.elements[place_in])
        for number, outputs in enumerate(_outputs(product, placement, place_out)):
            if inputs[1] > start and outputs:
                yield TensorPart(
                    product.tensors[number],
                    product.formats[number].name,
                    inputs,
                    outputs,
                    product.bytes_at(number, place_in, place_out),
                )


def _outputs(
    product: RegionProduct, placement: Placement, place: int
) -> list[tuple[tuple[int, int], ...]]:
    """Return the runs of outputs of each stacked tensor at a place on their line."""
    if product.role is Role.QKV:
        return _of_heads(placement, place)
    found: list[tuple[tuple[int, int], ...]] = []
    for outputs in product.outputs:
        first = int(outputs[:place].sum())
        count = int(outputs[place])
        found.append(((first, first + count),) if count else ())
    return found


def _of_heads(placement: Placement, column: int) -> list[tuple[tuple[int, int], ...]]:
    """Return the runs of queries, keys and values of a column, each counted from its own first."""
    shape, heads = placement.model.attention, placement.heads
    if column >= heads.columns:
        return [(), (), ()]
    here = _layout(shape, heads)[column]
    edges = np.cumsum([0, shape.heads, shape.kv_heads, shape.kv_heads]) * shape.head_dim
    return [_runs(here[(here >= a) & (here < b)] - a) for a, b in pairwise(edges.tolist())]


@lru_cache(maxsize=8)
def _layout(shape: AttentionShape, heads: HeadSplit) -> NDArray[np.int64]:
    return heads_layout(shape, heads, heads.columns)


def _runs(elements: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Return sorted elements as runs of neighbours."""
    ordered = np.unique(elements)
    if not ordered.size:
        return ()
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    firsts = ordered[np.append(0, breaks + 1)]
    lasts = ordered[np.append(breaks, ordered.size - 1)]
    return tuple((int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True))
