"""Helpers from their start to their end, and steps that they help with or are late for."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from engine.wafer.fast.threads import claims
from engine.wafer.program import machine
from tests.wafers import (
    opened,
    random_machine,
    random_model,
    random_placement,
    random_steps,
    runner_on,
)

ROOT = Path(__file__).parents[5]


class Always:
    """In place of a `ThreadChoice`: always so many threads; keeps what helpers did."""

    def __init__(self, threads):
        self.count = threads
        self.helped = []

    def threads(self, rows):
        return self.count

    def note(self, rows, seconds, busy, helped):
        self.helped.append(helped)


def share_all(runner):
    """Let every product and attention be shared, however small; return what chooses."""
    executor = runner.executor
    executor._pool.shares.words[claims._LEAST] = 0
    executor._choice = Always(executor.threads)
    return executor._choice


def logits(runner, steps):
    runner.move_to(0)
    return [runner.prefill(tokens) for tokens in steps]


def same(results, others):
    return all(np.array_equal(a, b) for a, b in zip(results, others, strict=True))


@pytest.fixture
def helpers():
    """Counts the threads that were not there before the test; none may be left after it."""
    before = set(threading.enumerate())

    def count():
        return len(set(threading.enumerate()) - before)

    yield count
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert count() == 0


@pytest.fixture
def pair(tiny):
    """The tiny model alone and with three helpers, and steps for them."""
    spec = machine.get("tiny")
    alone, helped = opened(tiny, spec), opened(tiny, spec, threads=4)
    random = np.random.default_rng(0)
    steps = [random.integers(0, 256, rows).astype(np.int32) for rows in (9, 1, 2, 1, 5)]
    yield alone, helped, steps
    helped.executor.close()


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_give_the_same_bits_for_any_number_of_threads(seed, helpers):
    random = np.random.default_rng(seed)
    model, spec = random_model(random), random_machine(random)
    placement = random_placement(random, model, spec)
    context = model.graph.context_length
    steps = [
        random.integers(0, model.graph.vocabulary, rows).astype(np.int32)
        for rows in random_steps(random, min(context, 24))
    ]
    expected = logits(runner_on(model, spec, placement), steps)

    for threads in (2, 3, 4):
        runner = runner_on(model, spec, placement, threads=threads)
        share_all(runner)
        for _ in range(5):
            assert same(logits(runner, steps), expected)
        runner.executor.close()


def test_helpers_that_are_late_hold_nothing_up_and_change_nothing(helpers, pair):
    """Two of three are held before they settle, through several steps; then they go on."""
    alone, helped, steps = pair
    expected = logits(alone, steps)
    share_all(helped)
    pool = helped.executor._pool

    for _ in range(20):
        for late in (0, 2):
            claims.hold(pool.shares, late, True)
        held = logits(helped, steps)
        for late in (0, 2):
            claims.hold(pool.shares, late, False)

        assert same(held, expected)
        assert same(logits(helped, steps), expected)


def test_helpers_do_a_part_of_the_work(pair):
    """Otherwise the tests above would prove nothing."""
    _, helped, steps = pair
    choice = share_all(helped)

    for _ in range(2000):
        logits(helped, steps)
        if max(choice.helped) > 0:
            break

    assert max(choice.helped) > 0


def test_two_models_take_turns(tiny, pair):
    alone, helped, steps = pair
    other = opened(tiny, machine.get("tiny"), threads=2)
    share_all(helped), share_all(other)
    alone.move_to(0), helped.move_to(0), other.move_to(0)

    for tokens in steps:
        expected = alone.prefill(tokens)
        assert np.array_equal(helped.prefill(tokens), expected)
        assert np.array_equal(other.prefill(tokens), expected)

    other.executor.close()


def test_helpers_sleep_between_steps_and_come_back(pair):
    """Nothing is lost if the next step comes while they fall asleep."""
    alone, helped, steps = pair
    expected = logits(alone, steps)
    choice = share_all(helped)
    words = helped.executor._pool.shares.words
    asleep = [(claims._HELPERS + n) * claims._LINE + claims._ASLEEP for n in range(3)]

    logits(helped, steps)
    for _ in range(5000):
        if words[asleep].all():
            break
        time.sleep(0.001)
    assert words[asleep].all()
    for _ in range(2000):
        assert same(logits(helped, steps), expected)
        if choice.helped[-1] > 0:
            break

    assert choice.helped[-1] > 0


def test_models_that_are_dropped_leave_neither_threads_nor_memory(tiny, helpers):
    step = np.array([1, 2, 3], np.int32)
    arenas = []
    for number in range(12):
        runner = opened(tiny, machine.get("tiny"), threads=3)
        runner.prefill(step)
        arenas.append(weakref.ref(runner.executor._memory.values))
        if number % 2:
            runner.executor.close()
        assert helpers() >= (0 if number % 2 else 2)
        del runner
    gc.collect()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon and "_run" in thread.name:
            thread.join(10)

    assert helpers() == 0
    assert [arena() for arena in arenas] == [None] * 12


def test_a_model_that_was_closed_computes_again(helpers, pair):
    alone, helped, steps = pair
    share_all(helped)
    expected = logits(alone, steps)
    logits(helped, steps)
    helped.executor.close()
    assert helpers() == 0

    assert same(logits(helped, steps), expected)
    assert helpers() == 3


def test_helpers_that_end_before_they_are_woken_are_ended(helpers, pair):
    """A helper that is awake may see the end first and close its end of the pipe."""
    _, helped, steps = pair
    pool = helped.executor._pool
    logits(helped, steps)
    claims.stop(pool.shares)
    for number, helper in enumerate(pool._helpers):
        words = pool.shares.words
        os.write(words[(claims._HELPERS + number) * claims._LINE + claims._WRITE_END], b"\0")
        helper.join(10)

    helped.executor.close()

    assert helpers() == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_off_has_helpers_of_its_own(pair):
    alone, helped, steps = pair
    share_all(helped)
    expected = logits(alone, steps)
    logits(helped, steps)

    child = os.fork()
    if child == 0:
        good = same(logits(helped, steps), expected)
        helped.executor.close()
        os._exit(0 if good else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(logits(helped, steps), expected)


SCRIPT = """
import numpy as np
from engine.wafer.jit import kernel_cache
kernel_cache.use()
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import opened
runner = opened(tiny_model(), machine.get("tiny"), threads=4)
runner.prefill(np.array([1, 2, 3], np.int32))
print("stepped", flush=True)
"""


def test_helpers_do_not_keep_the_interpreter_from_ending():
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (result.returncode, result.stdout) == (0, "stepped\n"), result.stderr
