"""The simulator against the slow reference, on random fabrics: merging, multicast, switches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.fabric import state
from engine.wafer.fabric.micro import Micro, MicroField
from engine.wafer.program import machine
from tests.engine.wafer.fabric import lines, reference
from tests.engine.wafer.fabric.scenes import random_scene, simulator

LIMIT = 100_000
RESULTS = ("words", "states", "begun", "ended", "totals", "link_count", "position")

seeds = st.integers(0, 2**32 - 1)
many = settings(max_examples=120, deadline=None, derandomize=True)


def links_of(fabric):
    """{(column, row, port): wavelets} as the reference keeps it."""
    columns = fabric.net.columns
    return {
        (link // 5 % columns, link // 5 // columns, link % 5): int(count)
        for link, count in enumerate(fabric.link_count)
        if count
    }


def accounts_of(table, missing):
    return {
        (row, number): int(table[row, number])
        for row, number in zip(*np.nonzero(table != missing), strict=True)
    }


@many
@given(seeds)
def test_same_cycles_values_states_and_links_as_the_reference(seed):
    scene = random_scene(seed)
    fabric, slow = scene.fabric(), reference.Fabric(scene)
    assert simulator.simulate(fabric, 0, scene.step_rows, LIMIT) == slow.run(LIMIT)
    assert np.array_equal(fabric.words, slow.words)
    assert fabric.states.tolist() == [core.states for core in slow.cores]
    assert links_of(fabric) == slow.links
    assert fabric.totals[:4].tolist() == [slow.sent, slow.copied, slow.taken, slow.active]
    assert fabric.totals[simulator.Totals.REWRITTEN] == slow.rewritten
    assert accounts_of(fabric.begun, np.iinfo(np.int64).max) == slow.begun
    assert accounts_of(fabric.ended, 0) == {key: end for key, end in slow.ended.items() if end}


@many
@given(seeds)
def test_the_order_of_visits_changes_nothing(seed):
    scene = random_scene(seed)
    forth, back = scene.fabric(), scene.fabric()
    assert simulator.simulate(forth, 0, scene.step_rows, LIMIT) == simulator.simulate(
        back, 0, scene.step_rows, LIMIT, reverse=True
    )
    for name in RESULTS:
        assert np.array_equal(getattr(forth, name), getattr(back, name)), name


@many
@given(seeds)
def test_every_wavelet_arrives_once_for_each_copy_and_no_link_carries_two_a_cycle(seed):
    scene = random_scene(seed)
    fabric = scene.fabric()
    ended, cycles = simulator.simulate(fabric, 0, scene.step_rows, LIMIT)
    totals = fabric.totals
    sent, copied, taken = (
        int(totals[place])
        for place in (simulator.Totals.SENT, simulator.Totals.COPIED, simulator.Totals.TAKEN)
    )
    held = fabric.queues[:, state.COUNT]
    assert sent + copied == taken + held.sum()
    assert np.all(held <= fabric.queues[:, state.CAPACITY])
    assert np.all(held >= 0)
    assert fabric.link_count.max(initial=0) <= cycles
    if ended == simulator.DONE:
        assert held.sum() == 0


@many
@given(seeds, st.integers(0, 60))
def test_a_stop_anywhere_changes_nothing(seed, limit):
    scene = random_scene(seed)
    whole, parts = scene.fabric(), scene.fabric()
    expected = simulator.simulate(whole, 0, scene.step_rows, LIMIT)
    got = simulator.simulate(parts, 0, scene.step_rows, limit)
    if got[0] == simulator.STOPPED:
        got = simulator.simulate(parts, 0, scene.step_rows, LIMIT)
    assert got == expected
    for name in RESULTS:
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_random_fabrics_end_and_block_and_use_every_feature():
    """What the property tests draw is worth drawing."""
    ends = {simulator.DONE: 0, simulator.BLOCKED: 0, simulator.STOPPED: 0}
    copied = shared = switched = rewritten = joined = 0
    for seed in range(90):
        scene = random_scene(seed)
        fabric = scene.fabric()
        ends[simulator.simulate(fabric, 0, scene.step_rows, LIMIT)[0]] += 1
        copied += int(fabric.totals[simulator.Totals.COPIED] > 0)
        shared += int((fabric.link_turn >= 0).any())
        switched += int((fabric.position > 0).any())
        rewritten += int(fabric.totals[simulator.Totals.REWRITTEN] > 0)
        joined += int((fabric.program[:, MicroField.OP] == Micro.JOIN).any())
    assert ends[simulator.DONE] > 30
    assert ends[simulator.BLOCKED] > 5
    assert ends[simulator.STOPPED] == 0
    assert min(copied, shared, switched, joined) > 5
    assert rewritten > 2


@pytest.mark.parametrize("repeat", range(3))
def test_a_square_of_chains_is_as_fast_as_one_and_the_same_each_time(repeat):
    scene = lines.chain(machine.get("wse2"), 8, 12, rows=8)
    fabric = scene.fabric()
    assert simulator.simulate(fabric) == (simulator.DONE, 12 + 6 * 7)
    sums = fabric.reals.reshape(8, 8, 12)[:, 0]
    assert np.array_equal(sums, lines.chain_sums(scene, 12))
