"""Whole tokens on both tiers: the same bits, nearly the same cycles; faults are named."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import EngineError
from engine.model.sum_orders import ReduceOrder
from engine.wafer.check.comparison import Comparison
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.fabric import state
from engine.wafer.fabric.chip import CYCLE_LIMIT, SimulatedChip
from engine.wafer.fabric.simulator import STOPPED, simulate
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from engine.wafer.program.isa import Field, Op
from tests.tiny import tiny_model
from tests.wafers import random_machine, random_model, random_placement, runner_on

SMALL = machine.get("small")


def random_comparison(seed, **sizes):
    random = np.random.default_rng(seed)
    model, spec = random_model(random), random_machine(random)
    runner = runner_on(model, spec, random_placement(random, model, spec))
    return Comparison(runner, model.tensors, int(random.integers(1, 9)), 2)


@pytest.fixture(scope="module")
def square():
    """A small model in two blocks of two layers each and a head, groups spanning cores."""
    model = tiny_model(seed=4, hidden=128, layers=4, heads=2, kv_heads=1, ffn=96)
    placement = place(model_shape(model.graph), SMALL, Shape(8, 8, 6, blocks=2), 32)
    return model, placement


def comparison(square, prefill=3, tokens=1):
    model, placement = square
    return Comparison(runner_on(model, SMALL, placement), model.tensors, prefill, tokens)


@pytest.mark.parametrize("seed", [2, 5, 6, 10, 17, 19, 22, 31, 33, 40, 43, 48, 55])
def test_both_tiers_are_the_same(seed):
    """Random model, machine, placement and prompt length: all values, a token's cycles, links."""
    report = random_comparison(seed).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert report.wavelets["sent"] + report.wavelets["copied"] == report.wavelets["taken"]
    assert 0 < report.busiest_link <= 1
    assert abs(report.relative_error) < 0.05
    assert report.states["mac"].largest == 0


def test_both_tiers_are_the_same_where_lanes_turn_over_the_blocks():
    """Narrow blocks that fill the machine: a fold at either end of the bands, and a way back."""
    model = tiny_model(seed=7, hidden=128, layers=13, heads=2, kv_heads=1, ffn=96)
    full = replace(SMALL, columns=20, rows=24)
    placement = place(model_shape(model.graph), full, Shape(4, 8, 8), 32)
    assert {region.flipped for region in placement.regions if region.folds} == {False, True}

    report = Comparison(runner_on(model, full, placement), model.tensors, 3, 2).run()

    assert report.first_difference is None
    assert abs(report.relative_error) < 0.05


def test_the_order_of_visits_does_not_matter(square):
    steps = []
    for reverse in (False, True):
        chip = comparison(square).chip
        steps.append(chip.step(np.array([5, 90, 7], np.int32), reverse=reverse))

    assert steps[0].cycles == steps[1].cycles
    assert np.array_equal(steps[0].trace, steps[1].trace)
    assert np.array_equal(steps[0].states, steps[1].states)


def test_a_step_takes_the_same_cycles_every_time(square):
    cycles = {comparison(square).chip.step(np.array([5, 90], np.int32)).cycles for _ in range(4)}

    assert len(cycles) == 1


def test_rows_of_any_step_are_the_same(square):
    """A prefill of three rows is three decodes, bit for bit."""
    tokens = np.array([5, 90, 7], np.int32)
    together = comparison(square).chip.step(tokens)
    alone = comparison(square).chip
    steps = [alone.step(tokens[i : i + 1]) for i in range(3)]

    logits = next(
        tap for tap in alone.chip.taps if alone.chip.program.buffers[tap.buffer].name == "logits"
    )
    assert np.array_equal(together.trace[-1, logits.words], steps[-1].trace[0, logits.words])
    assert together.cycles < sum(step.cycles for step in steps)


def test_a_flipped_weight_is_named(square):
    """One bit of one core's tile: the product of that core's row of outputs differs first."""
    tiers = comparison(square)
    program, chip = tiers.program, tiers.chip
    o_products = [
        i for i, row in enumerate(program.instructions) if row[0] == Op.MATMUL and row[9] == 1
    ]
    tap = next(tap for tap in chip.chip.taps if tap.instruction == o_products[0])
    home = int(tap.cores[9])
    # The tile is the first thing DOT multiplies with; its address is argument 1.
    rows = chip.chip.instructions[chip.chip.first[home] : chip.chip.first[home + 1]]
    dot = next(row for row in rows if row[26] == o_products[0] and row[1] == 8)
    chip.words[dot[19]] ^= 1 << 6

    difference = tiers.run().first_difference

    assert (difference.operation, difference.instruction) == ("matmul", o_products[0])
    column, row = difference.core
    assert (row - chip.chip.corner[1]) * chip.chip.network.columns + (
        column - chip.chip.corner[0]
    ) == home
    assert difference.value == "o"


def test_swapped_reduction_steps_are_named(square):
    """The chip adds in another order than the Program's."""
    model, placement = square
    tiers = comparison(square)
    compiled = compile_graph(model.graph, SMALL, placement)
    orders = list(compiled.program.orders)
    used = compiled.program.instructions
    product = next(i for i, row in enumerate(used) if row[0] == Op.MATMUL)
    index = int(used[product][7])
    parts = orders[index].parts
    other = 2 if orders[index].group != 2 else parts  # 1 and all are the same chain
    before, orders[index] = orders[index], ReduceOrder(parts, other)
    told = tuple(
        replace(step, arguments=tuple(orders[index] if a == before else a for a in step.arguments))
        if row[Field.ORDER] == index
        else step
        for step, row in zip(compiled.steps, used, strict=True)
    )
    program = replace(compiled.program, orders=tuple(orders))
    changed = replace(compiled, program=program, steps=told)
    tiers.chip = SimulatedChip(changed, placement, model.tensors, rows=3, context=4)

    difference = tiers.run().first_difference

    assert difference is not None
    assert difference.operation in {"matmul", "norm"}


class DisturbedChip(SimulatedChip):
    """Stops in the middle of a step and does something to a wavelet."""

    at = 400

    def simulate(self, fabric, rows, reverse):
        outcome, _ = simulate(fabric, self.position, rows, self.at, reverse)
        while outcome == STOPPED and not self.disturb(fabric):
            self.at += 1
            outcome, _ = simulate(fabric, self.position, rows, self.at, reverse)
        return simulate(fabric, self.position, rows, CYCLE_LIMIT, reverse)

    def waiting(self, fabric):
        """A channel between routers with a wavelet in it, and its first slot."""
        queues = fabric.queues
        busy = np.flatnonzero((queues[:, state.COUNT] > 0) & (queues[:, state.RECEIVER] >= 0))
        if not busy.size:
            return None
        channel = int(busy[0])
        return channel, state.SLOTS + 2 * int(queues[channel, state.HEAD])


class FlippingChip(DisturbedChip):
    def disturb(self, fabric):
        found = self.waiting(fabric)
        if found is None:
            return False
        fabric.queues[found] ^= 1 << 22
        return True


class DroppingChip(DisturbedChip):
    def disturb(self, fabric):
        found = self.waiting(fabric)
        if found is None:
            return False
        channel, _ = found
        queues = fabric.queues
        queues[channel, state.HEAD] = (queues[channel, state.HEAD] + 1) & queues[
            channel, state.MASK
        ]
        queues[channel, state.COUNT] -= 1
        return True


def disturbed(square, kind):
    model, placement = square
    tiers = comparison(square, prefill=1)
    compiled = compile_graph(model.graph, SMALL, placement)
    tiers.chip = kind(compiled, placement, model.tensors, rows=1, context=2)
    return tiers


def test_a_flipped_wavelet_is_named(square):
    difference = disturbed(square, FlippingChip).run().first_difference

    assert difference is not None
    assert difference.operation in {op.name.lower() for op in Op}
    assert str(difference.core[0]) in str(difference)


def test_a_dropped_wavelet_blocks_the_fabric(square):
    with pytest.raises(EngineError, match="blocked"):
        disturbed(square, DroppingChip).run()


def test_a_chip_refuses_more_than_it_was_built_for(square):
    chip = comparison(square).chip
    with pytest.raises(EngineError, match="steps of 3 rows and 4 positions"):
        chip.step(np.arange(4, dtype=np.int32))
