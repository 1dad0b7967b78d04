"""A placed model: what it counts, what it expands to, and which cycles it tells."""

import threading

import numpy as np
import pytest

from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.orders import choose_orders
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.placed import TierRunner, open_placed
from engine.wafer.program import machine

TINY = machine.get("tiny")


@pytest.fixture
def placed(tiny):
    return open_placed(tiny.graph, TINY)


class Zeros(TierRunner):
    """Computes nothing; refuses token 9."""

    processor_path, threads = "none", 1
    position = 0

    def move_to(self, position):
        self.position = position

    def step(self, tokens, last):
        if 9 in tokens:
            raise ValueError("nine")
        self.position += tokens.size
        return np.zeros((last, self.placed.program.vocabulary), np.float32)


def test_it_lies_where_the_planner_says_with_the_orders_of_that_place(tiny, placed):
    assert placed.placement == remembered_plan(tiny.graph, TINY)
    assert placed.orders == choose_orders(TINY, placed.placement)
    assert placed.program.machine == TINY


def test_states_of_single_cores_are_kept_only_of_what_grows(placed):
    """Those of all instructions take more memory than a small model's weights."""
    costs = placed.compiled.costs
    whole = compile_graph(placed.graph, TINY, placed.placement).costs
    assert [cost.cycles for cost in costs] == [cost.cycles for cost in whole]
    for kept, cost in zip(costs, whole, strict=True):
        grows = cost.states[1].any()
        assert np.array_equal(kept.states, cost.states) if grows else kept.states.size == 0


def test_every_step_of_a_runner_is_counted(placed):
    runner = Zeros(placed)
    before = placed.counts

    runner.prefill([5, 6, 7])
    runner.decode(8)

    counts = placed.counts.since(before)
    assert (counts.steps, counts.rows, counts.lookups.sum()) == (2, 4, 4)
    expected = placed.timing.step_cycles(0, 3) + placed.timing.step_cycles(3)
    assert placed.expand(counts).elapsed_cycles == expected
    assert runner.context_length == 64


def test_a_step_that_fails_is_not_counted(placed):
    runner = Zeros(placed)

    with pytest.raises(ValueError, match="nine"):
        runner.decode(9)

    assert placed.counts.steps == 0


@pytest.mark.parametrize("read_at", [(), (7,), (1, 2, 40)])
def test_decodes_counted_together_are_those_counted_one_by_one(placed, read_at):
    """Also where they jump, where a prefill comes between, and where somebody reads meanwhile."""
    random = np.random.default_rng(3)
    positions = [*range(10, 50), *range(20, 24), 63, 5, *range(5, 30)]
    steps = [(random.integers(0, 9, 1).astype(np.int32), position) for position in positions]
    steps.insert(44, (np.arange(6, dtype=np.int32), 2))
    expected = placed.timing.none()
    for number, (tokens, position) in enumerate(steps):
        placed.note_step(tokens, position)
        expected = expected.plus(placed.timing.count(tokens, position))
        if number in read_at:
            assert placed.counts.rows == expected.rows
    for name in expected.__slots__:
        assert np.array_equal(getattr(placed.counts, name), getattr(expected, name)), name


def test_counts_can_be_read_while_steps_are_noted(placed):
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(placed.counts.rows for _ in range(200)))
    reader.start()
    for position in range(20):
        placed.note_step(np.array([1], np.int32), position)
    reader.join()

    assert seen == sorted(seen)
    assert placed.counts.rows == 20


def test_a_simulated_step_takes_the_cycles_that_it_took(placed):
    formula, used = placed.step_cycles(3), placed.mac_utilisation(3)
    assert formula == placed.timing.step_cycles(3)

    placed.note_cycles(3, 1, 2 * formula)

    assert placed.step_cycles(3) == 2 * formula
    assert placed.mac_utilisation(3) == pytest.approx(used / 2)
    assert placed.step_cycles(3, 2) == placed.timing.step_cycles(3, 2)
    assert placed.timing.step_cycles(3) == formula
