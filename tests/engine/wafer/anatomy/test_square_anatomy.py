"""What single cores hold, pass on and run, against the budget, the prices and the tensors."""

from itertools import pairwise

import numpy as np
import pytest

from engine.wafer.anatomy.anatomy import Anatomy
from engine.wafer.anatomy.core_memory import USES, core_memory
from engine.wafer.anatomy.held_tiles import held_tiles
from engine.wafer.anatomy.row_program import RowPrograms
from engine.wafer.plan.placed import Placed
from engine.wafer.program.program import Program
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.xray.traffic import TrafficTable
from tests.wafers import (
    random_machine,
    random_mixed_model,
    random_model,
    random_placement,
)

several = pytest.mark.parametrize("seed", range(3))


def random_placed(seed, mixed=False):
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    model = random_mixed_model(random) if mixed else random_model(random)
    placement = random_placement(random, model, spec)
    return Placed(model.graph, spec, placement), random


@pytest.mark.parametrize("mixed", [False, True])
@several
def test_no_core_holds_more_than_the_budget_of_the_fullest(mixed, seed):
    placed, _ = random_placed(seed, mixed)
    for index, region in enumerate(placed.program.regions):
        memory = core_memory(placed.program, placed.placement, index)
        assert memory.shape == (region.height, region.width, len(USES))
        for number, use in enumerate(USES):
            fullest = int(memory[..., number].max())
            assert fullest <= region.sram_bytes[use], use
            if len(region.layers) < len(placed.program.regions[0].layers) and region.layers:
                continue  # budgeted like a block with one layer more
            if use in ("code", "kv"):
                assert fullest == region.sram_bytes[use]
            # The budget adds up the largest share of every part, even of different cores.
            assert fullest >= 0.5 * region.sram_bytes[use], use


@several
def test_every_weight_lies_in_one_core_and_keys_and_values_at_least_in_one(seed):
    """Of random shapes on few cores: every core is asked for its tiles."""
    placed, _ = random_placed(seed)
    program = placed.program
    held = {}
    for index, region in enumerate(program.regions):
        for row in range(region.height):
            for column in range(region.width):
                for tile in held_tiles(program, placed.placement, index, row, column):
                    shape = placed.graph.weights[tile.tensor]
                    count = held.setdefault(tile.tensor, np.zeros(shape, np.int64))
                    for first, end in tile.outputs:
                        assert 0 <= first < end <= shape[0]
                        count[first:end, slice(*tile.inputs)] += 1
    matrices = {name for name, shape in placed.graph.weights.items() if len(shape) == 2}
    assert held.keys() == matrices
    for name, count in held.items():
        shared = "k_proj" in name or "v_proj" in name
        assert count.min() == 1 if not shared else count.min() >= 1, name
        assert shared or count.max() == 1, name


def booked(program: Program, timing, region, row, column):
    """Cycles by state that the prices book for one row with logits, one KV row in every core."""
    run = timing.core_costs.regions[region]
    return (run.busy_row.sum(axis=0) + run.busy_step.sum(axis=0))[:, row, column]


@several
def test_the_micro_steps_of_a_core_add_up_to_what_it_is_priced_at(seed):
    placed, random = random_placed(seed)
    compiled, program = placed.compiled, placed.program
    programs = RowPrograms(compiled)
    assert programs.latency == placed.timing._schedule.latency
    for _ in range(4):
        index = int(random.integers(len(program.regions)))
        region = program.regions[index]
        row, column = int(random.integers(region.height)), int(random.integers(region.width))
        steps = programs.of(index, row, column)
        found = np.array([[s.mac, s.vector, s.comm, s.pipe] for s in steps]).sum(axis=0)
        wanted = booked(program, placed.timing, index, row, column)
        if placed.placement.heads.parts == 1:  # else `Timing` counts streams of KV rows apart
            assert found.tolist() == wanted.tolist()
        assert all(step.waits >= 0 for step in steps)
        assert all(a.end == b.begin for a, b in pairwise(steps))
        assert steps[0].begin == 0
        assert steps[-1].end == placed.timing.done_at()[index][row, column]


@several
def test_a_core_is_found_where_it_lies_and_no_core_elsewhere(seed):
    placed, _ = random_placed(seed)
    anatomy = Anatomy(placed)
    for index, region in enumerate(placed.program.regions):
        found = anatomy.core(region.x, region.y)
        assert found is not None
        assert (found.region, found.label) == (index, region.label)
        assert found.row == (region.height - 1 if region.flipped else 0)
        assert sum(found.memory.values()) <= region.sram_bytes["max_total"]
    assert anatomy.core(placed.machine.columns - 1, placed.machine.rows - 1) is None


@several
def test_the_cells_of_a_map_add_up_to_the_cores(seed):
    placed, random = random_placed(seed)
    anatomy, machine = Anatomy(placed), placed.machine
    whole = CellGrid(0, 0, machine.columns, machine.rows, machine.columns, machine.rows)
    position = int(random.integers(placed.placement.context_length))
    coarse = CellGrid(0, 0, machine.columns, machine.rows, 5, 3)
    for what in ("sram", "links"):
        cores, cells = (anatomy.still(what, grid, position) for grid in (whole, coarse))
        assert cores.sum() == cells.sum() > 0
        if what == "links":  # which tests hold to the links of the simulation
            table = TrafficTable(placed.compiled)
            assert cores.sum() == table.of_step(placed.timing, position, 1, 1).hops
    ages, oldest = (anatomy.still("age", grid, position) for grid in (whole, coarse))
    assert (ages >= 0).sum() == placed.program.cores_used
    assert ages[ages >= 0].min() == oldest[oldest >= 0].min()
    states = anatomy.still("states", coarse, position)
    assert states.sum() == placed.program.cores_used * placed.step_cycles(position)
