"""A token's wafer time: cycles of steps, what every core did, utilisation.  Runs no kernel."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer import machine
from engine.wafer.cost import STATES
from engine.wafer.isa import Field, Op
from engine.wafer.placement import Shape, model_shape, place
from tests.wafers import (
    added,
    placed,
    random_machine,
    random_model,
    random_placement,
    random_steps,
)

SMALL = machine.get("small")
SHAPE = Shape(columns=4, rows=2, head_columns=8)
quick = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def timing_of(model, spec=SMALL, shape=SHAPE, context=64):
    return placed(model, spec, place(model_shape(model.graph), spec, shape, context))[1]


def random_timing(random):
    spec, model = random_machine(random), random_model(random)
    placement = random_placement(random, model, spec)
    compiled, timing = placed(model, spec, placement)
    return compiled, timing, placement


def random_run(random, placement, timing):
    """The counts of the steps of a random run: prefill chunks, decodes, rewinds."""
    steps, position = [], 0
    for rows in random_steps(random, placement.context_length):
        tokens = random.integers(0, placement.model.vocabulary, rows).astype(np.int32)
        steps.append((position, rows, timing.count(tokens, position)))
        position += rows
        if random.random() < 0.2:
            position = int(random.integers(0, position + 1))
        rows_left = placement.context_length - position
        if rows_left == 0:
            break
        if position + rows > placement.context_length:
            position = 0
    return steps


@quick
@given(seed=seeds)
def test_every_cores_states_sum_to_the_elapsed_cycles(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    counts = added(count for _, _, count in random_run(random, placement, timing))

    activity = timing.expand(counts)

    assert len(activity.states) == len(placement.regions)
    for region, states in zip(placement.regions, activity.states, strict=True):
        assert states.shape == (region.height, region.width, len(STATES))
        assert (states.sum(axis=2) == activity.elapsed_cycles).all()
        assert (states >= 0).all()


@quick
@given(seed=seeds)
def test_elapsed_cycles_are_the_steps_and_the_operations(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    steps = random_run(random, placement, timing)

    activity = timing.expand(added(count for _, _, count in steps))

    one_by_one = sum(timing.step_cycles(position, rows) for position, rows, _ in steps)
    assert activity.elapsed_cycles == one_by_one
    assert sum(activity.cycles_by_operation.values()) == one_by_one
    for position, rows, _ in steps:
        by_operation = timing.cycles_by_operation(position, rows)
        assert sum(by_operation.values()) == timing.step_cycles(position, rows)
    assert set(activity.cycles_by_operation) == {op.name.lower() for op in Op}


@quick
@given(seed=seeds)
def test_expanding_a_sum_is_the_sum_of_expansions(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    counts = [count for _, _, count in random_run(random, placement, timing)]

    whole = timing.expand(added(counts))

    parts = [timing.expand(count) for count in counts]
    assert whole.elapsed_cycles == sum(part.elapsed_cycles for part in parts)
    for index, states in enumerate(whole.states):
        assert np.array_equal(states, sum(part.states[index] for part in parts))
    difference = added(counts).since(counts[0])
    assert timing.expand(difference).elapsed_cycles == (
        whole.elapsed_cycles - parts[0].elapsed_cycles
    )


@quick
@given(seed=seeds, rows=st.integers(1, 64))
def test_a_chunk_is_cheaper_than_its_rows_and_dearer_than_one(seed, rows):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    rows = min(rows, placement.context_length)
    position = int(random.integers(0, placement.context_length - rows + 1))

    chunk = timing.step_cycles(position, rows)

    assert chunk >= timing.step_cycles(position + rows - 1)
    assert chunk <= sum(timing.step_cycles(position + m) for m in range(rows))


@quick
@given(seed=seeds)
def test_the_program_and_the_timing_agree(seed):
    """A step's cycles are the sum of its instructions' three columns, whoever adds them."""
    random = np.random.default_rng(seed)
    compiled, timing, placement = random_timing(random)
    rows = int(random.integers(1, placement.context_length + 1))
    table = compiled.program.instructions

    assert [tuple(row[Field.CYCLES : Field.CYCLES_KV + 1]) for row in table] == [
        cost.cycles for cost in compiled.costs
    ]
    fullest = sum(-(-(m + 1) // placement.shape.rows) for m in range(rows))
    expected = (
        table[:, Field.CYCLES].sum()
        + (rows - 1) * table[:, Field.CYCLES_ROW].sum()
        + fullest * table[:, Field.CYCLES_KV].sum()
    )
    assert timing.step_cycles(0, rows) == expected


@quick
@given(seed=seeds, position=st.integers(0, 200), rows=st.integers(1, 70))
def test_kv_rows_by_counting_them(seed, position, rows):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    height = placement.shape.rows

    fullest, by_core = timing.kv_rows(position, rows)

    seen = np.zeros(height, np.int64)
    most = 0
    for query in range(position, position + rows):
        one = np.zeros(height, np.int64)
        for key in range(query + 1):
            one[key % height] += 1
        seen += one
        most += one.max()
    assert by_core.tolist() == seen.tolist()
    assert fullest == most


def test_lookups_are_counted_in_the_column_that_holds_the_row(tiny):
    timing = timing_of(tiny)  # 288 rows on 8 columns: 36 each
    tokens = np.array([0, 35, 36, 287, 287], np.int32)

    assert timing.count(tokens, 0).lookups.tolist() == [2, 1, 0, 0, 0, 0, 0, 2]
    assert timing.none().lookups.tolist() == [0] * 8


def test_only_the_owner_of_a_row_dequantises_it(tiny):
    timing = timing_of(tiny)
    first, last = (
        timing.expand(timing.count(np.array([token], np.int32), 0)).states[-1] for token in (0, 287)
    )

    assert (first[:, 0, 1] > last[:, 0, 1]).all()
    assert (first[:, 7, 1] < last[:, 7, 1]).all()
    assert np.array_equal(first[:, 1:7], last[:, 1:7])


def test_idle_regions_are_idle(tiny):
    """A decode visits one region after the other; the others wait."""
    timing = timing_of(tiny)

    activity = timing.expand(timing.count(np.array([5], np.int32), 0))

    for states in activity.states:
        assert (states[..., -1] > 0.4 * activity.elapsed_cycles).all()


def test_cores_of_a_column_have_different_counters(tiny):
    timing = timing_of(tiny, shape=replace(SHAPE, rows=16))

    states = timing.expand(timing.count(np.array([5], np.int32), 20)).states[0]

    assert len({tuple(core) for core in states[:, 1]}) == 16


def test_a_slower_hop_is_slower_everywhere(tiny):
    fast, slow = timing_of(tiny), timing_of(tiny, replace(SMALL, hop_cycles=2))
    tokens = np.arange(10, dtype=np.int32)

    assert slow.step_cycles(5) > fast.step_cycles(5)
    assert slow.step_cycles(5, 10) > fast.step_cycles(5, 10)
    assert slow.mac_utilisation(5) < fast.mac_utilisation(5)
    before, after = (timing.expand(timing.count(tokens, 5)) for timing in (fast, slow))
    assert after.elapsed_cycles > before.elapsed_cycles
    moved = {
        name
        for name, cycles in after.cycles_by_operation.items()
        if cycles > before.cycles_by_operation[name]
    }
    assert {"embed", "receive", "norm", "multicast", "matmul", "attention", "select"} <= moved
    assert {"rotary", "gate", "add", "send"}.isdisjoint(moved)
    for old, new in zip(before.states, after.states, strict=True):
        assert new[..., STATES.index("stall_wavelet")].sum() > (
            old[..., STATES.index("stall_wavelet")].sum()
        )
        assert np.array_equal(new[..., STATES.index("mac")], old[..., STATES.index("mac")])


def test_the_clock_changes_no_cycle(tiny):
    assert timing_of(tiny).step_cycles(9, 3) == (
        timing_of(tiny, replace(SMALL, clock_ghz=1.1)).step_cycles(9, 3)
    )


def test_cycles_grow_with_the_position_a_core_row_at_a_time(tiny):
    timing = timing_of(tiny, shape=replace(SHAPE, rows=4))

    cycles = [timing.step_cycles(position) for position in range(12)]

    assert cycles == sorted(cycles)
    assert [b > a for a, b in pairwise(cycles)] == [position % 4 == 3 for position in range(11)]


def test_mac_utilisation_is_macs_over_what_all_cores_could_do(tiny):
    compiled, timing = placed(tiny, SMALL, place(model_shape(tiny.graph), SMALL, SHAPE, 64))
    products = 2 * (64 * 128 + 64 * 64 + 64 * 192 + 96 * 64) + 64 * 288
    attention = 2 * 2 * 4 * 16 * 10  # layers, scores and values, heads, dimensions, positions
    cores = compiled.program.cores_used

    expected = (products + attention) / (cores * timing.step_cycles(9) * SMALL.mac_int8)

    assert timing.mac_utilisation(9) == pytest.approx(expected, rel=1e-12)
    assert timing.mac_utilisation(9) < 0.10


@quick
@given(seed=seeds)
def test_booked_products_are_at_least_the_models(seed):
    """What the cores book as multiply–accumulate covers every product of a decode."""
    random = np.random.default_rng(seed)
    compiled, timing, placement = random_timing(random)
    spec = compiled.program.machine
    position = placement.context_length - 1
    tokens = np.zeros(1, np.int32)

    activity = timing.expand(timing.count(tokens, position))

    fastest = max(spec.mac_int8, spec.fmac_fp32)
    booked = sum(int(states[..., 0].sum()) for states in activity.states) * fastest
    cores = spec.mac_int8 * compiled.program.cores_used * timing.step_cycles(position)
    assert booked >= timing.mac_utilisation(position) * cores * 0.999999
