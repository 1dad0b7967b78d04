"""A line of cores: closed forms, back-pressure, bounded queues, shared links, switches."""

from dataclasses import replace

import numpy as np
import pytest

from engine.wafer.fabric import state
from engine.wafer.fabric.micro import ADVANCE, CTRL, Micro
from engine.wafer.fabric.network import EAST, RAMP, WEST, Switch, bit
from engine.wafer.program import machine
from tests.engine.wafer.fabric import lines
from tests.engine.wafer.fabric.scenes import Scene, simulator

WSE2 = machine.get("wse2")
SPECS = [
    WSE2,
    replace(WSE2, hop_cycles=2),
    replace(WSE2, ramp_cycles=3),
    replace(WSE2, ramp_cycles=1, hop_cycles=3),
    replace(WSE2, dispatch_cycles=15),
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("cores", "wavelets"), [(2, 1), (4, 3), (17, 1), (17, 40), (64, 16)])
def test_a_pipelined_chain_takes_its_closed_form(spec, cores, wavelets):
    """B + (2·T_R + 1 + hop)(P − 1), and the dispatch once: all but the first hide it."""
    scene = lines.chain(spec, cores, wavelets)
    fabric = scene.fabric()
    stage = 2 * spec.ramp_cycles + 1 + spec.hop_cycles
    expected = wavelets + stage * (cores - 1) + spec.dispatch_cycles
    assert simulator.simulate(fabric) == (simulator.DONE, expected)
    sums = fabric.reals.reshape(1, cores, wavelets)[:, 0]
    assert np.array_equal(sums, lines.chain_sums(scene, wavelets))


@pytest.mark.parametrize("inject", [1.0, 1.125, 2.0])
def test_a_slow_sender_sets_the_pace_of_a_chain(inject):
    spec = replace(WSE2, inject_cycles_per_wavelet=inject)
    scene = lines.chain(spec, 5, 65)
    assert simulator.simulate(scene.fabric()) == (simulator.DONE, int(64 * inject) + 1 + 6 * 4)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("cores", "wavelets"), [(2, 1), (9, 5), (64, 33)])
def test_a_multicast_takes_its_closed_form(spec, cores, wavelets):
    """B + P + 2·T_R: P − 1 hops, and the receiving core's cycle."""
    scene = lines.multicast(spec, cores, wavelets)
    fabric = scene.fabric()
    hops = spec.hop_cycles * (cores - 1)
    expected = wavelets + hops + 1 + 2 * spec.ramp_cycles + spec.dispatch_cycles
    assert simulator.simulate(fabric) == (simulator.DONE, expected)
    got = fabric.words.reshape(cores, wavelets)
    assert np.array_equal(got, np.tile(np.arange(1, wavelets + 1), (cores, 1)))
    assert fabric.totals[simulator.Totals.COPIED] == (cores - 2) * wavelets


def eastward(scene, color, first, last):
    """Let a color run from core ``first`` to core ``last``."""
    for x in range(first, last + 1):
        taken, left = (RAMP if x == first else WEST), (RAMP if x == last else EAST)
        scene.route(color, x, 0, bit(taken), bit(left))


def test_a_blocked_color_does_not_hold_up_another_on_the_same_links():
    """Core 3 takes color 0 only when color 1 is through; both cross the same links."""
    scene = Scene(WSE2, 4, 1)
    scene.words = np.arange(400, dtype=np.int32)
    eastward(scene, 0, 0, 3)
    eastward(scene, 1, 1, 3)
    scene.add(0, Micro.SEND, address=0, count=60, out=0)
    scene.add(1, Micro.SEND, address=100, count=60, out=1)
    scene.add(3, Micro.RECEIVE, address=200, count=60, into=1, instruction=1)
    scene.add(3, Micro.RECEIVE, address=300, count=60, into=0, instruction=2)
    fabric = scene.fabric()
    assert simulator.simulate(fabric)[0] == simulator.DONE
    # Color 0's wavelets went ahead until their queues were full and cost color 1 those turns.
    held = 3 * (1 + WSE2.queue_depth) + WSE2.ramp_cycles + WSE2.queue_depth
    alone = 60 + 2 + 1 + 2 * WSE2.ramp_cycles
    assert alone <= fabric.ended[0, 1] <= alone + held
    assert fabric.words[200:260].tolist() == list(range(100, 160))
    assert fabric.words[300:360].tolist() == list(range(60))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_queues_are_bounded_and_hold_what_is_under_way_besides(depth):
    """A sender whose stream nobody takes stops when every queue on the way is full."""
    spec = replace(WSE2, queue_depth=depth)
    scene = Scene(spec, 3, 1)
    scene.words = np.zeros(100, np.int32)
    eastward(scene, 0, 0, 2)
    eastward(scene, 1, 0, 2)
    scene.add(0, Micro.SEND, address=0, count=100, out=0)
    scene.add(2, Micro.RECEIVE, address=0, count=1, into=1)  # never comes
    fabric = scene.fabric()
    assert simulator.simulate(fabric)[0] == simulator.BLOCKED
    counts, capacities = fabric.queues[:, state.COUNT], fabric.queues[:, state.CAPACITY]
    assert np.all(counts <= capacities)
    inlet, hop, outlet = (
        1 + spec.ramp_cycles + depth,
        spec.hop_cycles + depth,
        spec.ramp_cycles + depth,
    )
    assert fabric.totals[simulator.Totals.SENT] == inlet + 2 * hop + outlet == counts.sum()


def test_a_shared_link_serves_its_colors_in_turn_and_is_never_idle_nor_above_one_a_cycle():
    scene = Scene(WSE2, 4, 1)
    scene.words = np.zeros(1200, np.int32)
    for color in range(3):
        eastward(scene, color, color, 3)
        scene.add(color, Micro.SEND, address=300 * color, count=100, out=color)
        for start in range(0, 100, 5):  # a core that does not prefer a color
            scene.add(3, Micro.RECEIVE, address=900 + start, count=5, into=color)
    steps = [step for step in scene.steps if step[0] == 3]
    scene.steps = [step for step in scene.steps if step[0] != 3]
    scene.steps += [step for turn in range(20) for step in steps[turn::20]]
    fabric = scene.fabric()
    ended, cycles = simulator.simulate(fabric)
    assert ended == simulator.DONE
    assert fabric.link_count.max() == 300 <= cycles
    assert cycles < 300 + 60


def gather(flag):
    """Cores 1 and 2 send to core 0 with one color; router 1 lets its own core first."""
    scene = Scene(WSE2, 3, 1)
    scene.words = np.arange(40, dtype=np.int32)
    scene.route(0, 0, 0, bit(EAST), bit(RAMP))
    scene.route(0, 1, 0, bit(RAMP), bit(WEST), 0)
    scene.route(0, 1, 0, bit(EAST), bit(WEST), 1)
    scene.route(0, 2, 0, bit(RAMP), bit(WEST))
    scene.add(1, Micro.COMPUTE, vector=50)  # core 2 is ready long before
    scene.add(1, Micro.SEND, address=10, count=4, out=0, flags=flag)
    scene.add(2, Micro.SEND, address=20, count=4, out=0)
    scene.add(0, Micro.RECEIVE, address=30, count=8, into=0)
    return scene


@pytest.mark.parametrize("flag", [CTRL, ADVANCE])
def test_a_switch_holds_the_second_stream_until_the_first_has_passed(flag):
    fabric = gather(flag).fabric()
    assert simulator.simulate(fabric)[0] == simulator.DONE
    assert fabric.words[30:38].tolist() == [10, 11, 12, 13, 20, 21, 22, 23]
    assert fabric.position.tolist() == [1]


def test_without_its_control_bit_a_switch_stays_closed():
    assert simulator.simulate(gather(0).fabric())[0] == simulator.BLOCKED


def test_ctrl_advances_every_switch_on_its_way_and_advance_only_the_first():
    """Routers 2 and 1 have switches; core 3 sends through both, then core 2, then core 1."""
    orders = {}
    for flag in (CTRL, ADVANCE):
        scene = Scene(WSE2, 4, 1)
        scene.words = np.arange(40, dtype=np.int32)
        scene.route(0, 0, 0, bit(EAST), bit(RAMP))
        scene.route(0, 3, 0, bit(RAMP), bit(WEST))
        for x in (1, 2):
            scene.route(0, x, 0, bit(EAST), bit(WEST), 0)
            scene.route(0, x, 0, bit(RAMP), bit(WEST), 1)
        for x in (1, 2, 3):
            scene.add(x, Micro.SEND, address=x, count=1, out=0, flags=flag)
        scene.add(0, Micro.RECEIVE, address=30, count=2, into=0)
        fabric = scene.fabric()
        orders[flag] = (
            simulator.simulate(fabric)[0],
            fabric.position.tolist(),
            fabric.words[30:32].tolist(),
        )
    # With CTRL both open for their cores; core 2's wavelet then waits at router 1, core 1's goes.
    assert orders[CTRL] == (simulator.DONE, [1, 1], [3, 1])
    # Core 3's router has no switch: nothing opens.
    assert orders[ADVANCE][0] == simulator.BLOCKED
    assert orders[ADVANCE][1] == [0, 0]


def two_patterns(*, waits):
    """Core 3's stream passes cores 2 and 1 to core 0, then core 2's ends in core 1: one color.

    With ``waits`` core 0 tells the others when the first stream has come, and core 2 lets its own
    one pass before it begins a row.
    """
    scene = Scene(WSE2, 4, 1)
    scene.words = np.arange(40, dtype=np.int32)
    for x, taken, left in ((3, RAMP, WEST), (2, EAST, WEST), (1, EAST, WEST), (0, EAST, RAMP)):
        scene.follow(0, x, 0, bit(taken), bit(left), 0, Switch.CLOSE)
    for x, taken, left in ((2, RAMP, WEST), (1, EAST, RAMP)):
        scene.follow(0, x, 0, bit(taken), bit(left), 1, Switch.CLOSE)
    scene.route(1, 0, 0, bit(RAMP), bit(EAST))
    for x in (1, 2):
        scene.route(1, x, 0, bit(WEST), bit(EAST, RAMP))
    scene.route(1, 3, 0, bit(WEST), bit(RAMP))
    scene.step_rows = 3
    for x in range(4):
        scene.add(x, Micro.ROUTE, out=0, a1=0, count=1)
    scene.add(3, Micro.COMPUTE, vector=30)
    scene.add(3, Micro.SEND, address=4, count=3, out=0, flags=CTRL)
    scene.add(0, Micro.RECEIVE, address=20, count=3, into=0)
    for x in range(4 if waits else 0):
        scene.add(x, Micro.RECEIVE if x else Micro.SEND, address=39, count=1,
                  **{"into" if x else "out": 1})  # fmt: skip
    for x in (1, 2):
        scene.add(x, Micro.ROUTE, out=0, a1=1, count=1)
    scene.add(2, Micro.SEND, address=8, count=2, out=0, flags=CTRL)
    scene.add(1, Micro.RECEIVE, address=30, count=2, into=0)
    if waits:
        scene.add(2, Micro.COMPUTE, vector=50)  # as long as the last wavelet may take to pass
    return scene


def test_two_patterns_share_a_color_and_never_meet():
    fabric = two_patterns(waits=True).fabric()

    assert simulator.simulate(fabric, 0, 3)[0] == simulator.DONE
    assert fabric.words[20:23].tolist() == [4, 5, 6]
    assert fabric.words[30:32].tolist() == [8, 9]
    assert fabric.totals[simulator.Totals.REWRITTEN] == 0
    assert fabric.position.tolist() == [0, 0, 0, 0], "every switch is closed again"


def test_a_route_that_is_set_under_a_stream_is_counted():
    """Without a word from core 0, cores 1 and 2 open their routers for the second too early."""
    fabric = two_patterns(waits=False).fabric()

    simulator.simulate(fabric, 0, 1)
    assert fabric.totals[simulator.Totals.REWRITTEN] > 0


def test_a_ring_of_positions_comes_round_for_every_row():
    """Router 1 passes its own core's stream, then core 2's, in each of three rows."""
    scene = Scene(WSE2, 3, 1)
    scene.words = np.arange(40, dtype=np.int32)
    scene.route(0, 0, 0, bit(EAST), bit(RAMP))
    scene.route(0, 2, 0, bit(RAMP), bit(WEST))
    for taken in (RAMP, EAST):
        scene.follow(0, 1, 0, bit(taken), bit(WEST), 0, Switch.RING)
    scene.step_rows = 3
    scene.add(1, Micro.COMPUTE, vector=40)
    for x in (1, 2):
        scene.add(x, Micro.SEND, address=10 * x, count=4, out=0, flags=CTRL)
    scene.add(0, Micro.RECEIVE, address=30, count=8, into=0)
    fabric = scene.fabric()

    assert simulator.simulate(fabric, 0, 3)[0] == simulator.DONE
    assert fabric.words[30:38].tolist() == [10, 11, 12, 13, 20, 21, 22, 23]


def test_every_step_starts_with_switches_in_their_first_position():
    scene = gather(CTRL)
    fabric = scene.fabric()
    first = simulator.simulate(fabric)
    assert simulator.simulate(fabric) == first
