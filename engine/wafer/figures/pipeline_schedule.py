"""When which block of a pipeline works on which row: one forward, one backward, and its length.

A block first takes as many rows forward as blocks follow it, and one more; from then on it takes
one row back and one forward in turn, and at last the rest back.  Prices only; knows no machine.

Source:
    Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters" (SC 2021),
    section 2.2, PipeDream-Flush.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["BlockPass", "PipelineBlock", "pipeline_cycles", "pipeline_passes"]


@dataclass(frozen=True, slots=True)
class PipelineBlock:
    """What a row takes in one block, in cycles."""

    forward: float
    backward: float


class BlockPass(NamedTuple):
    """A row's way through a block, there or back."""

    block: int
    row: int
    is_backward: bool
    start: float
    """Cycles from the beginning of the step."""
    end: float


def pipeline_passes(
    blocks: Sequence[PipelineBlock], rows: int, link_cycles: float = 0.0
) -> list[BlockPass]:
    """Return the passes of a step, block by block, each in the order in which they run.

    Args:
        blocks: From the first to the last, which turns rows back.
        rows: Of the batch; each passes alone.
        link_cycles: From a block to its neighbour.
    """
    ends: dict[tuple[int, int, bool], float] = {}
    free = [0.0] * len(blocks)
    found: list[list[BlockPass]] = [[] for _ in blocks]
    orders = [list(_order(len(blocks) - block, rows)) for block in range(len(blocks))]
    done = [0] * len(blocks)
    while any(at < len(order) for at, order in zip(done, orders, strict=True)):
        for block, order in enumerate(orders):
            while done[block] < len(order):
                row, is_backward = order[done[block]]
                ready = _ready(ends, block, row, is_backward, len(blocks))
                if ready is None:
                    break
                cost = blocks[block].backward if is_backward else blocks[block].forward
                start = max(free[block], ready + link_cycles * (ready > 0.0))
                free[block] = ends[block, row, is_backward] = start + cost
                found[block].append(BlockPass(block, row, is_backward, start, start + cost))
                done[block] += 1
    return [each for passes in found for each in passes]


def pipeline_cycles(blocks: Sequence[PipelineBlock], rows: int, link_cycles: float = 0.0) -> float:
    """Return the cycles from the first row's entry until the last row is back."""
    return max(each.end for each in pipeline_passes(blocks, rows, link_cycles))


def _order(ahead: int, rows: int) -> Iterator[tuple[int, bool]]:
    """Yield (row, is_backward) of a block that keeps as many rows as ``ahead`` at most."""
    first = min(ahead, rows)
    yield from ((row, False) for row in range(first))
    for row in range(rows):
        yield row, True
        if first + row < rows:
            yield first + row, False


def _ready(
    ends: dict[tuple[int, int, bool], float], block: int, row: int, is_backward: bool, count: int
) -> float | None:
    """Return when a row reaches a block; None: nothing has said so yet."""
    if not is_backward:
        return 0.0 if block == 0 else ends.get((block - 1, row, False))
    own = ends.get((block, row, False))
    return own if block == count - 1 else ends.get((block + 1, row, True))
