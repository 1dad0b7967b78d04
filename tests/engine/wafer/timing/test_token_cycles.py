"""A token's wafer time: cycles of steps, what every core did, utilisation.  Runs no kernel."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import STATES
from engine.wafer.timing.timing import Timing
from tests.tiny import with_attributes
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
    """Of a random model, whose first layer may have a window."""
    spec, model = random_machine(random), random_model(random)
    window = int(random.choice([0, 1, 3, 9]))
    model = replace(model, graph=with_attributes(model.graph, "attention", 0, window=window))
    placement = random_placement(random, model, spec)
    compiled, timing = placed(model, spec, placement)
    return compiled, timing, placement


def random_run(random, placement, timing):
    """The counts of the steps of a random run: prefill chunks, decodes, rewinds."""
    steps, position = [], 0
    for rows in random_steps(random, placement.context_length):
        tokens = random.integers(0, placement.model.vocabulary, rows).astype(np.int32)
        last = int(random.integers(1, min(rows, 8) + 1)) if random.random() < 0.5 else 1
        steps.append((position, rows, last, timing.count(tokens, position, last)))
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
    counts = added(count for *_, count in random_run(random, placement, timing))

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

    activity = timing.expand(added(count for *_, count in steps))

    one_by_one = sum(timing.step_cycles(*step) for *step, _ in steps)
    assert activity.elapsed_cycles == one_by_one
    assert sum(activity.cycles_by_operation.values()) == one_by_one
    for *step, _ in steps:
        assert sum(timing.cycles_by_operation(*step).values()) == timing.step_cycles(*step)
    assert set(activity.cycles_by_operation) == {op.name.lower() for op in Op}


@quick
@given(seed=seeds)
def test_expanding_a_sum_is_the_sum_of_expansions(seed):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    counts = [count for *_, count in random_run(random, placement, timing)]

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
@given(seed=seeds, rows=st.integers(1, 9))
def test_a_verified_draft_is_cheaper_than_its_rows_and_dearer_than_a_prefill(seed, rows):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    rows = min(rows, placement.context_length)
    position = int(random.integers(0, placement.context_length - rows + 1))

    prefill, verified = timing.step_cycles(position, rows), timing.step_cycles(position, rows, rows)
    waves = timing.waves(rows, rows)

    assert sum(wave for wave, _ in waves) == rows
    assert max(wave for wave, _ in waves) <= len(placement.regions) - 1
    assert verified >= prefill
    assert verified <= sum(timing.step_cycles(position + m) for m in range(rows))


@quick
@given(seed=seeds)
def test_a_token_is_its_instructions_alone_and_their_skew(seed):
    """With one KV row in every core, as the table's two columns have it."""
    random = np.random.default_rng(seed)
    compiled, timing, placement = random_timing(random)
    table = compiled.program.instructions
    last = placement.shape.rows - 1

    assert [tuple(row[Field.CYCLES : Field.CYCLES_KV + 1]) for row in table] == [
        cost.cycles for cost in compiled.costs
    ]
    alone = int(table[:, Field.CYCLES].sum() + table[:, Field.CYCLES_KV].sum())
    keeping = int(timing.growth(last)[0].sum())
    assert timing.step_cycles(last) == alone + timing.skew_cycles + keeping
    assert abs(timing.skew_cycles) <= 0.2 * alone


@quick
@given(seed=seeds)
def test_waiting_for_the_slowest_at_every_step_is_never_faster(seed):
    """What the planner compares with is an upper estimate, instruction by instruction."""
    random = np.random.default_rng(seed)
    spec, model = random_machine(random), random_model(random)
    placement = random_placement(random, model, spec)
    full, light = (
        compile_graph(model.graph, spec, placement, by_core=by_core) for by_core in (True, False)
    )

    operations = full.program.instructions[:, Field.OP]
    for op, exact, upper in zip(operations, full.costs, light.costs, strict=True):
        if op != Op.RECEIVE:  # its far end, the north line, is needed much later
            assert exact.cycles[0] <= upper.cycles[0] + 2, Op(op)
    estimate = sum(sum(cost.cycles) for cost in light.costs)
    assert Timing(full, placement).step_cycles(placement.shape.rows - 1) <= 1.03 * estimate + 100


@quick
@given(
    seed=seeds,
    position=st.integers(0, 200),
    rows=st.integers(1, 70),
    window=st.sampled_from([0, 1, 2, 7, 40]),
)
def test_kv_rows_by_counting_them(seed, position, rows, window):
    random = np.random.default_rng(seed)
    _, timing, placement = random_timing(random)
    height = placement.shape.rows

    seen = timing.kv_rows(position, rows, window)

    for query, by_core in zip(range(position, position + rows), seen, strict=True):
        one = np.zeros(height, np.int64)
        for key in range(max(0, query + 1 - window) if window else 0, query + 1):
            one[key % height] += 1
        assert by_core.tolist() == one.tolist()


def test_a_window_bounds_what_attention_takes(tiny):
    """Past its window a layer takes as long at every position that the same core row keeps."""
    graph = with_attributes(tiny.graph, "attention", 0, window=6)
    timing, everything = timing_of(replace(tiny, graph=graph)), timing_of(tiny)

    growth, full = timing.growth(0, 40), everything.growth(0, 40)

    assert np.array_equal(growth[:6], full[:6])
    assert np.array_equal(growth[:, 1], full[:, 1])
    assert np.array_equal(growth[6:-2, 0], growth[8:, 0])
    assert growth[39, 0] < full[39, 0]


def test_a_window_bounds_the_products_that_cores_book(tiny):
    graph = with_attributes(tiny.graph, "attention", window=6)
    tokens = np.array([5], np.int32)

    early, late, full = (
        sum(int(s[..., 0].sum()) for s in timing.expand(timing.count(tokens, position)).states)
        for timing, position in (
            (timing_of(replace(tiny, graph=graph)), 5),
            (timing_of(replace(tiny, graph=graph)), 39),
            (timing_of(tiny), 39),
        )
    )

    assert early == late < full


def test_a_chunk_is_a_pipeline_over_blocks(tiny):
    """Rows follow each other at the pace of the slowest block, not at that of the whole token."""
    timing = timing_of(tiny)

    one, many = timing.step_cycles(31), timing.step_cycles(24, 8)

    slowest = (many - one) / 7
    assert 0.4 * one < slowest < 0.6 * one  # two blocks of equal length, and the head


def test_what_a_layer_adds_per_lap_of_positions_is_the_tables_column(tiny):
    timing = timing_of(tiny)
    compiled, _ = placed(tiny, SMALL, place(model_shape(tiny.graph), SMALL, SHAPE, 64))
    table = compiled.program.instructions
    per_row = table[table[:, Field.OP] == Op.ATTENTION, Field.CYCLES_KV]

    for position in range(20):
        more = timing.step_cycles(position + 2) - timing.step_cycles(position)
        if position >= 1:  # before, a core row holds none
            assert more == per_row.sum()


def test_flipped_regions_are_seen_as_they_lie(tiny):
    """The panes draw rows from north to south; row 0 of a westward band is its southernmost."""
    spec, shape = replace(SMALL, columns=6), Shape(4, 2, 4)
    timing = timing_of(tiny, spec, shape)
    placement = place(model_shape(tiny.graph), spec, shape, 64)
    flipped = [region.flipped for region in placement.regions]
    assert any(flipped[:-1])

    states = timing.expand(timing.count(np.array([5], np.int32), 9)).states

    busy = [s[..., STATES.index("vector")].sum(axis=1) for s in states]
    for south, by_row in zip(flipped[:-1], busy[:-1], strict=True):
        assert np.argmax(by_row) == (len(by_row) - 1 if south else 0)  # the north line's work


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

    for states in activity.states[:-1]:
        assert (states[..., -1] > 0.4 * activity.elapsed_cycles).all()
    waiting = activity.states[-1][..., STATES.index("stall_wavelet")]
    assert (waiting > 0.4 * activity.elapsed_cycles).all()  # between the lookup and its tail


def test_cores_of_a_column_have_different_counters(tiny):
    timing = timing_of(tiny, shape=replace(SHAPE, rows=16))

    states = timing.expand(timing.count(np.array([5], np.int32), 20)).states[0]

    assert len({tuple(core) for core in states[:, 1]}) >= 5


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
    assert {"embed", "receive", "norm", "multicast", "matmul", "select"} <= moved
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


def test_cycles_grow_with_the_position(tiny):
    timing = timing_of(tiny, shape=replace(SHAPE, rows=4))

    cycles = [timing.step_cycles(position) for position in range(40)]

    by_lap = [cycles[lap : lap + 4] for lap in range(0, 40, 4)]
    assert all(max(a) <= max(b) for a, b in pairwise(by_lap))
    assert max(by_lap[-1]) > max(by_lap[0])


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
