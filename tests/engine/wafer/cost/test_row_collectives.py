"""A line of cores: what a reduction and a multicast cost.

Against published closed forms, and against a simulation of first and last wavelets written here:
a core sends one wavelet every w cycles, a wavelet takes two ramps and its hops, an addition takes
a cycle.
"""

from dataclasses import replace
from math import ceil, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Ledger, Tally
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, Site
from engine.wafer.program import machine
from engine.wafer.program.states import STATES, Busy, State
from tests.wafers import random_machine

WSE2, WSE3 = machine.get("wse2"), machine.get("wse3")
quick = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


# ── published ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cores", [2, 4, 64, 256, 512])
@pytest.mark.parametrize("wavelets", [1, 16, 256, 4096])
def test_chain_is_the_closed_form_on_wse2(cores, wavelets):
    """Luczynski et al. (HPDC 2024): B + (2·T_R + 2)·(P − 1)."""
    published = wavelets + (2 * 2 + 2) * (cores - 1)

    assert lines.reduce_cycles(WSE2, cores, cores, wavelets) == published


@pytest.mark.parametrize(
    ("cores", "wavelets", "published"),
    [(64, 1, 379), (64, 256, 634), (256, 16, 1546), (512, 1, 3067), (512, 4096, 7162)],
)
def test_chain_of_the_published_table(cores, wavelets, published):
    assert lines.reduce_cycles(WSE2, cores, cores, wavelets) == published


@pytest.mark.parametrize("root", [4, 8, 16, 32])
@pytest.mark.parametrize("wavelets", [1, 16, 256, 4096])
def test_two_phases_are_near_the_closed_form(root, wavelets):
    """Published: max(2B, 2B(P − √P)/(P − 1) + P − 1) + (2·T_R + 1)(2√P − 2).

    Ours is the schedule's own recurrence: a root's second stream begins when its first has ended.
    """
    cores = root * root
    spread = 2 * wavelets * (cores - root) / (cores - 1) + cores - 1
    published = max(2 * wavelets, spread) + 5 * (2 * sqrt(cores) - 2)

    ours = lines.reduce_cycles(WSE2, cores, root, wavelets)

    bound = 0.04 if wavelets <= 2 or wavelets >= 16 * cores else 0.20
    assert abs(ours / published - 1) <= bound


MEASURED_MULTICAST = [  # bytes, N, cycles: minima measured on a CS-3 row
    (64, 16, 53),
    (64, 256, 293),
    (256, 16, 107),
    (256, 256, 347),
    (1024, 16, 323),
    (1024, 256, 563),
    (2048, 256, 851),
]


@pytest.mark.parametrize(("size", "cores", "measured"), MEASURED_MULTICAST)
def test_multicast_is_the_measured_row_on_wse3(size, cores, measured):
    assert abs(multicast_cycles(WSE3, cores, size // 4) - measured) <= 1


@quick
@given(cores=st.integers(2, 700), size=st.integers(1, 512))
def test_multicast_is_the_fitted_form_on_wse3(cores, size):
    """20 + 9·bytes/32 + (N − 1)."""
    fitted = 20 + 9 * (4 * size) / 32 + (cores - 1)

    assert abs(multicast_cycles(WSE3, cores, size) - fitted) < 1


@quick
@given(cores=st.integers(2, 700), wavelets=st.integers(1, 4096))
def test_multicast_is_the_closed_form_on_wse2(cores, wavelets):
    """Luczynski et al.: B + P + 2·T_R."""
    assert multicast_cycles(WSE2, cores, wavelets) == wavelets + cores + 4


# ── simulated ───────────────────────────────────────────────────────────────────────────────


def arrivals(spec, sent, hops):
    return [t + 1 + 2 * spec.ramp_cycles + hops * spec.hop_cycles for t in sent]


def stream(begin, pace, coming):
    """When each wavelet is handled: in order, ``pace`` apart, none before it has come."""
    times, earliest = [], begin
    for come in coming:
        cycle = max(ceil(earliest), come)
        earliest = (cycle if cycle - earliest >= 1 else earliest) + pace
        times.append(cycle)
    return times


def simulated_reduce(spec, free, group, wavelets, pitch):
    """(first wavelet's cycle, cycle after the last) of every core; two phases, core by core."""
    cores, d = len(free), spec.dispatch_cycles
    pace = max(spec.inject_cycles_per_wavelet, spec.add_fp32_cycles_per_wavelet)
    spans, gone = [None] * cores, [None] * cores

    def handle(core, begin, coming):
        times = stream(begin, pace, coming)
        spans[core] = ((spans[core] or (times[0],))[0], times[-1] + 1)
        return times

    for core in reversed(range(cores)):
        begin = free[core] + d
        at_once = [begin] * wavelets
        last_of_group = core == cores - 1 or (core + 1) % group == 0
        near = at_once if last_of_group else arrivals(spec, gone[core + 1], pitch)
        if core % group or core + group >= cores:
            gone[core] = handle(core, begin, near)
            continue
        if not last_of_group:  # a root: first its own group's stream
            begin = handle(core, begin, near)[-1] + 1 + d
        far = arrivals(spec, gone[core + group], group * pitch)
        gone[core] = handle(core, begin, far)
    return spans


@quick
@given(
    seed=seeds,
    cores=st.integers(2, 60),
    group=st.integers(1, 60),
    wavelets=st.integers(1, 40),
    pitch=st.integers(1, 5),
)
def test_a_reduction_lasts_as_long_as_its_simulation(seed, cores, group, wavelets, pitch):
    """From any clocks, to a cycle or two of rounding; the last group may be shorter."""
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    group = min(group, cores)
    free = random.integers(0, 200, cores)

    simulated = simulated_reduce(spec, free.tolist(), group, wavelets, pitch)

    times = lines.reduce_times(
        spec, free[None, None, :], group, np.full((1, 1, 1), wavelets), pitch
    )
    assert np.abs(times.starts[0, 0] - [first for first, _ in simulated]).max() <= 1
    assert np.abs(times.ends[0, 0] - [last for _, last in simulated]).max() <= 2
    aligned = simulated_reduce(spec, [0] * cores, group, wavelets, pitch)
    assert abs(lines.reduce_cycles(spec, cores, group, wavelets, pitch) - aligned[0][1]) <= 2


@quick
@given(seed=seeds, cores=st.integers(2, 60), wavelets=st.integers(1, 60))
def test_a_multicast_lasts_as_long_as_its_simulation(seed, cores, wavelets):
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    free = random.integers(0, 200, cores)
    d, i = spec.dispatch_cycles, spec.inject_cycles_per_wavelet
    free[1:] = np.minimum(free[1:], free[0])  # who is late would hold the others up
    sent = stream(free[0] + d, i, [0] * wavelets)
    ends = [sent[-1] + 1]
    ends += [
        stream(free[place] + d, 1.0, arrivals(spec, sent, place))[-1] + 1
        for place in range(1, cores)
    ]

    times = lines.multicast_times(spec, free[None, None, :], np.full((1, 1, 1), wavelets))

    assert np.abs(times.ends[0, 0] - ends).max() <= 1


# ── what single cores do ────────────────────────────────────────────────────────────────────


def multicast_cycles(spec, cores, wavelets):
    ledger = Ledger(spec, 1, cores)
    ledger.multicast(Site(spec, cores, 1).line(ALONG_COLUMNS), wavelets)
    cycles = ledger.close().cycles[0]
    assert cycles == lines.multicast_cycles(spec, cores, wavelets)
    return cycles


def booked_reduce(spec, cores, group, wavelets):
    ledger = Ledger(spec, 1, cores)
    ledger.reduce(Site(spec, cores, 1).line(ALONG_COLUMNS), group, wavelets)
    cost = ledger.close()
    return cost, cost.states[0][:, 0, :]  # (4, P)


@quick
@given(seed=seeds, cores=st.integers(2, 60), group=st.integers(1, 60), wavelets=st.integers(1, 50))
def test_no_core_of_a_reduction_is_busier_than_it_lasts(seed, cores, group, wavelets):
    spec = random_machine(np.random.default_rng(seed))

    cost, states = booked_reduce(spec, cores, group, wavelets)

    assert cost.cycles[0] == lines.reduce_cycles(spec, cores, group, wavelets)
    assert (states >= 0).all()
    assert (states.sum(axis=0) <= (cost.leave - cost.enter)[0]).all()


def test_places_of_a_chain_begin_one_stage_after_each_other():
    cost, states = booked_reduce(WSE3, 8, 8, 4)

    # the root only adds: the gaps of 9/8 before its first message has come are idle
    assert cost.enter[0].tolist() == [7 * 6 + 1, 6 * 6, 5 * 6, 4 * 6, 3 * 6, 2 * 6, 6, 0]
    assert states[Busy.COMM].tolist() == [4, 5, 5, 5, 5, 5, 5, 5]  # adding, or 9/8 for sending
    assert states[Busy.PIPE].tolist() == [15] * 8


def test_a_group_root_takes_in_two_streams():
    _, states = booked_reduce(WSE2, 9, 3, 10)

    assert states[Busy.COMM].tolist() == [20, 10, 10, 20, 10, 10, 10, 10, 10]


def test_a_line_of_one_core_costs_nothing():
    assert lines.reduce_cycles(WSE3, 1, 1, 64) == 0
    assert multicast_cycles(WSE3, 1, 64) == 0
    cost, states = booked_reduce(WSE3, 1, 1, 64)
    assert cost.cycles == (0, 0)
    assert not states.any()


def test_lines_lie_where_they_should():
    """Two bands of three cores, two hops apart, on a region of 2 × 13 cores."""
    site = Site(WSE2, 13, 2)
    ledger = Ledger(WSE2, 2, 13)
    line = site.line(ALONG_COLUMNS, length=3, pitch=2, repeat=2)

    ledger.reduce(line, 3, 1)

    taking_part = ledger.close().states[0][Busy.COMM]
    assert taking_part.tolist() == [[1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0]] * 2


def test_lines_have_lengths_of_their_own():
    ledger = Ledger(WSE2, 2, 3)

    ledger.multicast(Site(WSE2, 3, 2).line(ALONG_COLUMNS), np.array([[4], [0]]))

    assert ledger.close().states[0][Busy.COMM].tolist() == [[4, 4, 4], [0, 0, 0]]
    assert ledger.took_part().tolist() == [[True] * 3, [False] * 3]


def test_a_vertical_line_is_the_horizontal_one_turned():
    down, east = Ledger(WSE3, 6, 1), Ledger(WSE3, 1, 6)

    down.reduce(Site(WSE3, 1, 6).line(ALONG_ROWS), 2, 5)
    east.reduce(Site(WSE3, 6, 1).line(ALONG_COLUMNS), 2, 5)

    assert np.array_equal(down.clock.T, east.clock)
    assert np.array_equal(down.states.transpose(0, 1, 3, 2), east.states)


# ── choosing ────────────────────────────────────────────────────────────────────────────────


@quick
@given(seed=seeds, cores=st.integers(1, 80), wavelets=st.integers(1, 200))
def test_the_best_group_is_the_best(seed, cores, wavelets):
    spec = random_machine(np.random.default_rng(seed))

    best = lines.best_group(spec, cores, wavelets)

    all_cycles = {g: lines.reduce_cycles(spec, cores, g, wavelets) for g in range(1, cores + 1)}
    assert all_cycles[best] == min(all_cycles.values())
    assert best == max(g for g in all_cycles if all_cycles[g] == all_cycles[best])


def test_short_messages_meet_in_two_phases_and_long_ones_in_a_chain():
    assert lines.best_group(WSE2, 256, 1) < 256
    assert lines.best_group(WSE2, 256, 4096) == 256


@pytest.mark.parametrize("field", ["hop_cycles", "ramp_cycles", "dispatch_cycles"])
def test_latencies_move_both_collectives(field):
    slow = replace(WSE3, **{field: getattr(WSE3, field) + 3})

    assert lines.reduce_cycles(slow, 9, 3, 5) > lines.reduce_cycles(WSE3, 9, 3, 5)
    assert multicast_cycles(slow, 9, 5) > multicast_cycles(WSE3, 9, 5)


# ── the ledger ──────────────────────────────────────────────────────────────────────────────


def test_every_core_goes_on_when_it_is_ready():
    """Local work holds up only its own core; a reduction waits for the cores behind."""
    ledger = Ledger(WSE2, 1, 3)

    ledger.work(ALL, mac=np.array([[1, 2, 3]]), vector=np.array([[5, 1, 1]]), pipe=2)

    assert ledger.clock.tolist() == [[8, 5, 6]]
    ledger.reduce(Site(WSE2, 3, 1).line(ALONG_COLUMNS), 3, 1)
    assert ledger.clock.tolist() == [[6 + 6 + 6 + 1, 6 + 6 + 1, 6 + 1]]
    assert ledger.close().states[0].sum(axis=0).tolist() == [[9, 6, 7]]


def test_a_tally_waits_for_the_slowest_at_every_step():
    tally = Tally(WSE2)

    tally.work(ALL, mac=np.array([[1, 2, 3]]), vector=np.array([[5, 1, 1]]), pipe=2)
    tally.reduce(Site(WSE2, 3, 1).line(ALONG_COLUMNS), 3, 1)

    assert tally.close().cycles == (8 + 6 + 6 + 1, 0)


def test_skew_carries_over():
    """A multicast that follows another leaves when its own root is free, not when all are."""
    ledger = Ledger(WSE2, 1, 5)
    line = Site(WSE2, 5, 1).line(ALONG_COLUMNS)

    ledger.multicast(line, 8)
    first = ledger.clock.copy()
    ledger.multicast(line, 8)

    assert (ledger.clock - first == 8).all()
    assert first[0].tolist() == [8, 8 + 6, 8 + 7, 8 + 8, 8 + 9]


def test_state_names_and_positions_agree():
    assert [getattr(State, name.upper()) for name in STATES] == list(range(6))
