"""How many threads a step takes: simulated machines, on which more threads are worth it or not."""

import pytest

from engine.wafer.fast.threads.choice import ThreadChoice


def run(choice, seconds, steps, *, rows=1, busy=1.0, helped=0.5):
    """Take some steps; return the threads of each.

    Args:
        choice: What is tested.
        seconds: Of a step, by its threads.
        steps: How many.
        rows: Of a step.
        busy: Share of the time that the caller computes.
        helped: Share of the pieces that helpers compute.
    """
    taken = []
    for _ in range(steps):
        taken.append(choice.threads(rows))
        alone = taken[-1] == 1
        choice.note(rows, seconds[taken[-1]], 1.0 if alone else busy, 1.0 if alone else helped)
    return taken


def test_all_threads_are_taken_first():
    assert ThreadChoice(6).threads(1) == 6
    assert ThreadChoice(1).threads(64) == 1


def test_threads_that_help_are_kept_and_trials_grow_rare():
    choice = ThreadChoice(2)

    taken = run(choice, {1: 1.7, 2: 1.0}, 2000)

    alone = [number for number, threads in enumerate(taken) if threads == 1]
    assert alone[:2] == [128, 129]
    assert len(alone) <= 2 * 5
    assert taken[-1] == 2


def test_threads_that_only_cost_are_left_and_tried_again():
    choice = ThreadChoice(2)

    taken = run(choice, {1: 1.0, 2: 1.2}, 2000)

    both = [number for number, threads in enumerate(taken) if threads == 2]
    assert both[:130] == [*range(128), 146, 147]
    assert len(both) <= 128 + 2 * 8


def test_the_best_of_many_numbers_is_found():
    choice = ThreadChoice(8)

    taken = run(choice, {8: 1.5, 4: 0.9, 2: 1.0, 1: 1.8}, 800)

    assert set(taken) == {8, 4, 2}  # 1 is no neighbour of the best
    assert taken.count(4) > 600


@pytest.mark.parametrize("sign", [{"busy": 0.5}, {"helped": 0.1}])
def test_a_neighbour_that_comes_late_is_noticed_and_its_leaving_too(sign):
    choice = ThreadChoice(2)
    run(choice, {1: 1.7, 2: 1.0}, 1500)

    beside = run(choice, {1: 1.8, 2: 3.0}, 60, **sign)
    after = run(choice, {1: 1.7, 2: 1.0}, 60)

    assert beside.index(1) <= 20
    assert beside.count(2) <= 30
    assert after.index(2) <= 20
    assert after[-30:].count(2) >= 26


def test_few_rows_and_many_are_apart():
    choice = ThreadChoice(2)

    run(choice, {1: 1.0, 2: 1.2}, 140, rows=1)
    many = run(choice, {1: 80.0, 2: 50.0}, 40, rows=64)

    assert choice.threads(1) == 1
    assert choice.threads(64) == 2
    assert many[:8] == [2] * 8
