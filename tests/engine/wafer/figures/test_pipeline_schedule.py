"""The schedule of a pipeline against a clock that ticks, and the price of filling and draining."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.families import read_graph
from engine.wafer.figures.dedicated_training import DedicatedTraining
from engine.wafer.figures.pipeline_schedule import PipelineBlock, pipeline_cycles, pipeline_passes
from engine.wafer.figures.training_question import priced_shape
from engine.wafer.program import machine

BUNDLED = Path(__file__).parents[4] / "weights" / "spark-nano" / "config.json"
SHAPE = priced_shape(read_graph(BUNDLED, 512))
WSE3 = machine.get("wse3")


def ticked(blocks: list[tuple[int, int]], rows: int) -> int:
    """Run a pipeline a cycle at a time: a free block takes a row back if one waits, else forward.

    It takes none forward while as many are on their way as blocks follow, itself counted.
    """
    count = len(blocks)
    forward = [list(range(rows)), *([] for _ in blocks[1:])]
    backward: list[list[int]] = [[] for _ in blocks]
    busy: list[tuple[int, int, bool] | None] = [None] * count  # until when, which row, back?
    held, clock, returned = [0] * count, 0, 0
    while returned < rows:
        for block, work in enumerate(busy):
            if work is None or work[0] > clock:
                continue
            busy[block] = None
            _, row, back = work
            if back:
                held[block] -= 1
                if block:
                    backward[block - 1].append(row)
                else:
                    returned += 1
            elif block + 1 < count:
                forward[block + 1].append(row)
            else:
                backward[block].append(row)
        for block in range(count):
            if busy[block] is not None:
                continue
            if backward[block]:
                busy[block] = (clock + blocks[block][1], backward[block].pop(0), True)
            elif forward[block] and held[block] < count - block:
                held[block] += 1
                busy[block] = (clock + blocks[block][0], forward[block].pop(0), False)
        clock += 1
    return clock - 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 5), rows=st.integers(1, 9), there=st.integers(1, 6), back=st.integers(1, 9)
)
def test_blocks_that_are_alike_take_what_a_ticking_clock_says(count, rows, there, back):
    cycles = pipeline_cycles([PipelineBlock(there, back)] * count, rows)
    assert cycles == ticked([(there, back)] * count, rows) == (rows + count - 1) * (there + back)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    costs=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=4),
    rows=st.integers(1, 9),
)
def test_no_block_does_two_things_at_once_and_no_row_comes_before_itself(costs, rows):
    blocks = [PipelineBlock(*each) for each in costs]
    passes = pipeline_passes(blocks, rows, link_cycles=2.0)
    assert len(passes) == 2 * rows * len(blocks)
    when = {(each.block, each.row, each.is_backward): each for each in passes}
    for block in range(len(blocks)):
        mine = sorted(each for each in passes if each.block == block)
        mine.sort(key=lambda each: each.start)
        assert all(a.end <= b.start for a, b in itertools.pairwise(mine))
        held = 0
        for each in mine:
            held += -1 if each.is_backward else 1
            assert 0 <= held <= len(blocks) - block
        if block:
            for row in range(rows):
                assert when[block, row, False].start >= when[block - 1, row, False].end + 2.0
                assert when[block - 1, row, True].start >= when[block, row, True].end + 2.0
    # A block that follows a fixed order is never slower than any order needs, but for its own.
    slowest = max(sum(each) for each in costs)
    assert pipeline_cycles(blocks, rows) >= rows * slowest


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("head_blocks", [1, 8])
def test_a_step_takes_as_long_as_its_schedule(blocks, recompute, head_blocks):
    for rows in (1, 2, 8, 40):
        placed = DedicatedTraining(SHAPE, 128, blocks, head_blocks, rows, 512, recompute)
        phases = dict(placed.phases(WSE3))
        passing = sum(phases.values()) - phases["norm of the gradients"] - phases["optimisers"]
        stages = placed.pipeline(WSE3)
        assert len(stages) == blocks + 1
        scheduled = pipeline_cycles(stages, rows)
        assert passing == pytest.approx(scheduled, rel=1e-12)
        if rows == 1:  # one row passes everything once
            assert passing == pytest.approx(sum(each.forward + each.backward for each in stages))
