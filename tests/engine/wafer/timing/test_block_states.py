"""Sums over blocks of cores, against every core's states one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.wafer.program.program import Region
from engine.wafer.timing.blocks import CellGrid, grid_patches, whole_regions
from tests.engine.wafer.timing.test_token_cycles import (
    quick,
    random_run,
    random_timing,
    seeds,
    timing_of,
)
from tests.tiny import tiny_model
from tests.wafers import added


def slow_sums(regions, states, grid):
    """Add core by core."""
    sums = np.zeros((grid.rows, grid.columns, 6), np.int64)
    for region, cores in zip(regions, states, strict=True):
        for y in range(region.height):
            for x in range(region.width):
                across, down = region.x + x - grid.x, region.y + y - grid.y
                if 0 <= across < grid.width and 0 <= down < grid.height:
                    row = down * grid.rows // grid.height
                    sums[row, across * grid.columns // grid.width] += cores[y, x]
    return sums.reshape(-1, 6)


def random_grid(random, regions):
    """A rectangle around all cores, or one that cuts some off."""
    across = max(region.x + region.width for region in regions)
    down = max(region.y + region.height for region in regions)
    x, y = random.integers(0, [max(1, across // 2), max(1, down // 2)])
    if random.random() < 0.5:
        x = y = 0
    width, height = random.integers(1, [across + 3, down + 3])
    columns, rows = random.integers(1, [width + 1, height + 1])
    return CellGrid(*map(int, (x, y, width, height, columns, rows)))


@quick
@given(seed=seeds)
def test_the_states_of_a_cell_are_the_sums_over_its_cores(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    regions = timing.program.regions
    grid = random_grid(random, regions)
    blocks = timing.blocks(grid_patches(regions, grid), grid.cells)
    counts = [count for *_, count in random_run(random, placement, timing)]
    for count in (added(counts), counts[-1], timing.none()):
        wanted = slow_sums(regions, timing.expand(count).states, grid)
        assert np.array_equal(timing.sums(count, blocks), wanted)


@quick
@given(seed=seeds)
def test_the_states_of_a_region_are_the_sums_over_its_cores(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    regions = timing.program.regions
    blocks = timing.blocks(whole_regions(regions), len(regions))
    count = added(count for *_, count in random_run(random, placement, timing))
    activity = timing.expand(count)
    wanted = [states.sum(axis=(0, 1)) for states in activity.states]
    assert np.array_equal(timing.sums(count, blocks), wanted)
    assert timing.elapsed(count) == (activity.elapsed_cycles, activity.cycles_by_operation)


@given(cells=st.integers(1, 20), length=st.integers(1, 20))
def test_the_cells_of_a_side_are_as_equal_as_can_be(cells, length):
    cells = min(cells, length)
    region = Region("all", 0, 0, length, 1, (), {})
    (patch,) = grid_patches([region], CellGrid(0, 0, length, 1, cells, 1))
    sizes = np.bincount(patch.column_cells, minlength=cells)
    assert sizes.sum() == length
    assert sizes.max() - sizes.min() <= 1


def test_a_grid_beside_the_cores_has_no_cycles():
    timing = timing_of(tiny_model())
    regions = timing.program.regions
    grid = CellGrid(500, 500, 4, 4, 2, 2)
    blocks = timing.blocks(grid_patches(regions, grid), grid.cells)
    counts = timing.count(np.array([5], np.int32), 3)
    assert timing.sums(counts, blocks).tolist() == [[0] * 6] * 4


@pytest.mark.parametrize("logits", [0, 1])
def test_cores_that_only_logits_need_do_not_wait_for_attention_without_them(logits):
    """Counts between two snapshots of a step that runs: rows may be there, and no logits yet."""
    timing = timing_of(tiny_model())
    regions = timing.program.regions
    counts = replace(timing.count(np.array([5, 6, 7], np.int32), 3), logits=logits)
    blocks = timing.blocks(whole_regions(regions), len(regions))
    wanted = [states.sum(axis=(0, 1)) for states in timing.expand(counts).states]
    assert np.array_equal(timing.sums(counts, blocks), wanted)
