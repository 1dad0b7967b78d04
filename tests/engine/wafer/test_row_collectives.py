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

from engine.wafer import collectives, machine
from engine.wafer.cost import STATES, Ledger, State
from engine.wafer.ops.base import ALL, ALONG_COLUMNS, ALONG_ROWS, Site
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

    assert collectives.reduce_cycles(WSE2, cores, cores, wavelets) == published


@pytest.mark.parametrize(
    ("cores", "wavelets", "published"),
    [(64, 1, 379), (64, 256, 634), (256, 16, 1546), (512, 1, 3067), (512, 4096, 7162)],
)
def test_chain_of_the_published_table(cores, wavelets, published):
    assert collectives.reduce_cycles(WSE2, cores, cores, wavelets) == published


@pytest.mark.parametrize("root", [4, 8, 16, 32])
@pytest.mark.parametrize("wavelets", [1, 16, 256, 4096])
def test_two_phases_differ_from_the_closed_form_by_what_the_docstring_says(root, wavelets):
    """Published: max(2B, 2B(P − √P)/(P − 1) + P − 1) + (2·T_R + 1)(2√P − 2).

    Ours counts 2B for the two streams of a group root and adds the hops to it, so it is longer:
    by the smaller of 2B/(√P + 1) and P − 1, never by more than a tenth.
    """
    cores = root * root
    spread = 2 * wavelets * (cores - root) / (cores - 1) + cores - 1
    published = max(2 * wavelets, spread) + 5 * (2 * sqrt(cores) - 2)

    ours = collectives.reduce_cycles(WSE2, cores, root, wavelets)

    assert ours - published == pytest.approx(min(2 * wavelets / (root + 1), cores - 1), abs=1)
    assert published - 1 <= ours <= 1.10 * published + 1


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
    """20 + 9·bytes/32 + (N − 1), rounded up."""
    fitted = 20 + 9 * (4 * size) / 32 + (cores - 1)

    assert 0 <= multicast_cycles(WSE3, cores, size) - fitted < 1


@quick
@given(cores=st.integers(2, 700), wavelets=st.integers(1, 4096))
def test_multicast_is_the_closed_form_on_wse2(cores, wavelets):
    """Luczynski et al.: B + P + 2·T_R."""
    assert multicast_cycles(WSE2, cores, wavelets) == wavelets + cores + 4


# ── simulated ───────────────────────────────────────────────────────────────────────────────


def stream_into(spec, arrivals, free, pace):
    """When a core has added and passed on each wavelet of a stream it may read after ``free``."""
    done = []
    for arrival in arrivals:
        free = max(arrival + 1, free + pace)
        done.append(free)
    return done


def simulated_reduce(spec, cores, group, wavelets, pitch):
    """Cycles until core 0 has added the last wavelet; two phases, one stream after the other."""
    pace = max(spec.inject_cycles_per_wavelet, spec.add_fp32_cycles_per_wavelet)

    def travelled(times, hops):
        return [t + 2 * spec.ramp_cycles + hops * spec.hop_cycles for t in times]

    def chain(first, last):
        """The stream of core ``first`` once the cores up to ``last`` have joined it."""
        times = [spec.dispatch_cycles + (k + 1) * pace for k in range(wavelets)]
        for _ in range(last - first):
            times = stream_into(spec, travelled(times, pitch), 0, pace)
        return times

    roots = list(range(0, cores, group))
    sums = [chain(root, min(root + group, cores) - 1) for root in roots]
    total = sums[-1]
    for own in reversed(sums[:-1]):
        # A root without neighbours of its own (group 1) adds its own memory as it goes.
        free = own[-1] if group > 1 else 0
        total = stream_into(spec, travelled(total, group * pitch), free, pace)
    return total[-1]


@quick
@given(seed=seeds, cores=st.integers(2, 60), wavelets=st.integers(1, 40), pitch=st.integers(1, 5))
def test_a_chain_lasts_as_long_as_its_simulation(seed, cores, wavelets, pitch):
    spec = random_machine(np.random.default_rng(seed))

    cycles = collectives.reduce_cycles(spec, cores, cores, wavelets, pitch)

    assert cycles == ceil(simulated_reduce(spec, cores, cores, wavelets, pitch))


@quick
@given(
    seed=seeds,
    cores=st.integers(2, 60),
    group=st.integers(1, 60),
    wavelets=st.integers(1, 40),
    pitch=st.integers(1, 5),
)
def test_two_phases_last_at_most_one_stage_longer_than_their_simulation(
    seed, cores, group, wavelets, pitch
):
    """The formula lets the second stream start a stage after the first; it may overlap it."""
    spec = random_machine(np.random.default_rng(seed))
    group = min(group, cores)
    stage = 1 + 2 * spec.ramp_cycles + group * pitch * spec.hop_cycles

    cycles = collectives.reduce_cycles(spec, cores, group, wavelets, pitch)

    simulated = simulated_reduce(spec, cores, group, wavelets, pitch)
    assert simulated <= cycles < simulated + stage + 1


@quick
@given(seed=seeds, cores=st.integers(2, 60), wavelets=st.integers(1, 60))
def test_a_multicast_lasts_as_long_as_its_simulation(seed, cores, wavelets):
    spec = random_machine(np.random.default_rng(seed))
    sent = [spec.dispatch_cycles + 1 + k * spec.inject_cycles_per_wavelet for k in range(wavelets)]
    # The last receiver: every wavelet leaves the core, passes two ramps and P − 1 hops and keeps
    # the receiver busy as long as it kept the sender.
    landed = sent[-1] + 2 * spec.ramp_cycles + (cores - 1) * spec.hop_cycles
    ends = landed + spec.inject_cycles_per_wavelet

    assert multicast_cycles(spec, cores, wavelets) == ceil(round(ends, 9))


# ── what single cores do ────────────────────────────────────────────────────────────────────


def multicast_cycles(spec, cores, wavelets):
    ledger = Ledger(1, cores)
    collectives.multicast(ledger, spec, Site(spec, cores, 1).line(ALONG_COLUMNS), wavelets)
    return ledger.close().cycles[0]


def booked_reduce(spec, cores, group, wavelets):
    ledger = Ledger(1, cores)
    collectives.reduce(ledger, spec, Site(spec, cores, 1).line(ALONG_COLUMNS), group, wavelets)
    cost = ledger.close()
    return cost.cycles[0], cost.states[0][:, 0, :]  # (5, P)


@quick
@given(seed=seeds, cores=st.integers(2, 60), group=st.integers(1, 60), wavelets=st.integers(1, 50))
def test_no_core_of_a_reduction_is_busier_than_it_lasts(seed, cores, group, wavelets):
    spec = random_machine(np.random.default_rng(seed))

    cycles, states = booked_reduce(spec, cores, group, wavelets)

    assert (states >= 0).all()
    assert states.sum(axis=0).max() <= cycles
    assert cycles - states.sum(axis=0)[0] <= 2  # the root is busy or waiting all the time


def test_places_of_a_chain_have_different_counters():
    _, states = booked_reduce(WSE3, 8, 8, 4)

    waits = states[State.STALL_WAVELET]
    assert waits.tolist() == [7 * 6, 6 * 6, 5 * 6, 4 * 6, 3 * 6, 2 * 6, 6, 0]
    assert len({tuple(core) for core in states.T}) == 8


def test_a_group_root_takes_in_two_streams():
    _, states = booked_reduce(WSE2, 9, 3, 10)

    assert states[State.COMM].tolist() == [20, 10, 10, 20, 10, 10, 10, 10, 10]


def test_a_line_of_one_core_costs_nothing():
    assert collectives.reduce_cycles(WSE3, 1, 1, 64) == 0
    assert multicast_cycles(WSE3, 1, 64) == 0
    cycles, states = booked_reduce(WSE3, 1, 1, 64)
    assert cycles == 0
    assert not states.any()


def test_lines_lie_where_they_should():
    """Two bands of three cores, two hops apart, on a region of 2 × 13 cores."""
    site = Site(WSE3, 13, 2)
    ledger = site.ledger()
    line = site.line(ALONG_COLUMNS, length=3, pitch=2, repeat=2)

    collectives.reduce(ledger, WSE3, line, 3, 1)

    taking_part = ledger.close().states[0][State.COMM]
    assert taking_part.tolist() == [[2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 0]] * 2


def test_a_vertical_line_is_the_horizontal_one_turned():
    down, east = Ledger(6, 1), Ledger(1, 6)

    collectives.reduce(down, WSE3, Site(WSE3, 1, 6).line(ALONG_ROWS), 2, 5)
    collectives.reduce(east, WSE3, Site(WSE3, 6, 1).line(ALONG_COLUMNS), 2, 5)

    assert down.close().cycles == east.close().cycles
    assert np.array_equal(down.close().states.transpose(0, 1, 3, 2), east.close().states)


# ── choosing ────────────────────────────────────────────────────────────────────────────────


@quick
@given(seed=seeds, cores=st.integers(1, 80), wavelets=st.integers(1, 200))
def test_the_best_group_is_the_best(seed, cores, wavelets):
    spec = random_machine(np.random.default_rng(seed))

    best = collectives.best_group(spec, cores, wavelets)

    all_cycles = {
        g: collectives.reduce_cycles(spec, cores, g, wavelets) for g in range(1, cores + 1)
    }
    assert all_cycles[best] == min(all_cycles.values())
    assert best == max(g for g in all_cycles if all_cycles[g] == all_cycles[best])


def test_short_messages_meet_in_two_phases_and_long_ones_in_a_chain():
    assert collectives.best_group(WSE2, 256, 1) < 256
    assert collectives.best_group(WSE2, 256, 4096) == 256


@pytest.mark.parametrize("field", ["hop_cycles", "ramp_cycles", "dispatch_cycles"])
def test_latencies_move_both_collectives(field):
    slow = replace(WSE3, **{field: getattr(WSE3, field) + 3})

    assert collectives.reduce_cycles(slow, 9, 3, 5) > collectives.reduce_cycles(WSE3, 9, 3, 5)
    assert multicast_cycles(slow, 9, 5) > multicast_cycles(WSE3, 9, 5)


# ── the ledger ──────────────────────────────────────────────────────────────────────────────


def test_a_phase_lasts_as_long_as_its_slowest_core():
    ledger = Ledger(1, 3)

    ledger.work(ALL, mac=np.array([[1, 2, 3]]), vector=np.array([[5, 1, 1]]), pipe=2)

    cost = ledger.close()
    assert cost.cycles[0] == 1 + 5 + 2
    assert cost.states[0].sum(axis=0).tolist() == [[8, 5, 6]]


def test_a_further_row_costs_what_keeps_the_busiest_core_busy():
    """Waiting for wavelets overlaps with the rows before; everything else does not."""
    ledger = Ledger(1, 2)
    ledger.work(ALL, mac=np.array([[4, 1]]))
    ledger.book(State.STALL_WAVELET, 100, ALL)
    ledger.book(State.COMM, 7, ALL)
    ledger.last(107)

    cost = ledger.close()

    assert cost.cycles == (111, 11, 0)
    assert cost.states[1][State.STALL_WAVELET].tolist() == [[0, 0]]


def test_state_names_and_positions_agree():
    assert [getattr(State, name.upper()) for name in STATES] == list(range(6))
