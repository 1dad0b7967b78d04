"""One core and its neighbour: ramps, rates, what instructions do to memory, accounts."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from engine.wafer.fabric.micro import LAST_ROW, Kind, Micro, Reduce, rate
from engine.wafer.fabric.network import EAST, RAMP, WEST, bit
from engine.wafer.program import machine
from engine.wafer.program.states import State
from tests.engine.wafer.fabric.scenes import Scene, simulator

WSE2 = machine.get("wse2")


def pair(spec=WSE2, words=64):
    """Core 0 sends to core 1 with color 0, core 1 to core 0 with color 1."""
    scene = Scene(spec, 2, 1)
    scene.words = np.arange(words, dtype=np.int32)
    for color, x, there, port in ((0, 0, 1, EAST), (1, 1, 0, WEST)):
        scene.route(color, x, 0, bit(RAMP), bit(port))
        scene.route(color, there, 0, bit((port + 2) % 4), bit(RAMP))
    return scene


def run(scene, **options):
    fabric = scene.fabric()
    ended, cycles = simulator.simulate(fabric, 0, scene.step_rows, **options)
    assert ended == simulator.DONE
    return fabric, cycles


@pytest.mark.parametrize(("hop", "ramp"), [(1, 2), (2, 2), (1, 0), (3, 4)])
def test_a_wavelet_takes_a_core_cycle_a_ramp_a_hop_a_ramp_and_a_core_cycle(hop, ramp):
    scene = pair(replace(WSE2, hop_cycles=hop, ramp_cycles=ramp))
    scene.add(0, Micro.SEND, address=5, count=1, out=0)
    scene.add(1, Micro.RECEIVE, address=40, count=1, into=0)
    fabric, cycles = run(scene)
    assert cycles == 1 + ramp + hop + max(ramp, 1) + 1
    assert fabric.words[40] == 5


def test_neighbouring_stages_of_a_chain_are_six_cycles_apart():
    scene = pair()
    scene.add(0, Micro.SEND, address=0, count=3, out=0, instruction=1)
    scene.add(1, Micro.RECEIVE, address=40, count=3, into=0, instruction=2)
    fabric, _ = run(scene)
    assert fabric.begun[0, 2] - fabric.begun[0, 1] == 6


@pytest.mark.parametrize("cycles_per_wavelet", [1.0, 1.125, 1.5, 2.0])
def test_a_fractional_rate_adds_up(cycles_per_wavelet):
    """80 wavelets last ⌈79·rate⌉ + 1 cycles: nothing of a fraction is lost."""
    expected = ceil(79 * cycles_per_wavelet) + 1
    scene = pair(words=200)
    scene.add(0, Micro.SEND, address=0, count=80, out=0, rate=rate(cycles_per_wavelet))
    scene.add(1, Micro.RECEIVE, address=100, count=80, into=0, instruction=1)
    fabric, _ = run(scene)
    assert fabric.ended[0, 0] == expected
    assert fabric.states[0, State.COMM] == fabric.ended[0, 0]


def test_setup_comes_before_the_first_wavelet_and_hides_behind_the_wait_for_it():
    scene = pair()
    scene.add(0, Micro.SEND, address=0, count=2, out=0, setup=10)
    scene.add(1, Micro.RECEIVE, address=40, count=2, into=0, setup=10, instruction=1)
    fabric, cycles = run(scene)
    assert fabric.begun[0, 0] == 10
    assert cycles == 10 + 6 + 2
    assert fabric.states[:, State.STALL_PIPE].tolist() == [10, 10]
    assert fabric.states[:, State.STALL_WAVELET].tolist() == [0, 0]  # a row's first wait is idle


def test_waits_are_idle_until_a_row_s_first_instruction_has_ended_and_stalls_after_it():
    scene = pair()
    scene.step_rows = 2
    scene.add(0, Micro.SEND, address=0, count=4, out=0, rate=rate(3.0))
    scene.add(1, Micro.RECEIVE, address=40, count=2, into=0)
    scene.add(1, Micro.RECEIVE, address=40, count=2, into=0)
    fabric, cycles = run(scene)
    idle_and_more = cycles - fabric.states[1].sum()
    assert fabric.states[1, State.COMM] == 8
    assert fabric.states[1, State.STALL_WAVELET] == 2 * (2 + 2)  # before wavelets 3 and 4
    assert idle_and_more == 6 + 2 + 2  # before the first wavelet, and the second of each row


def test_a_vector_in_two_pieces_and_a_count_in_memory():
    scene = pair()
    scene.words[60] = 4
    scene.add(0, Micro.SEND, address=5, count=9, count_at=60, split=1, address_2=20, out=0)
    scene.add(1, Micro.RECEIVE, address=40, count=4, into=0)
    fabric, _ = run(scene)
    assert fabric.words[40:44].tolist() == [5, 20, 21, 22]


def floats(*numbers):
    return np.array(numbers, np.float32).view(np.int32)


HALVES = np.array([1.0, 0.1], np.float16).view(np.int32)[0]


@pytest.mark.parametrize(
    ("kind", "own", "arrived", "result"),
    [
        (Reduce.ADD_F32, floats(1.5, 0.1), floats(2.0, 0.2),
         floats(3.5, np.float32(0.1) + np.float32(0.2))),
        (Reduce.ADD_I32, [7, 2**31 - 1], [-9, 1], [-2, -(2**31)]),
        (Reduce.MAX_F32, floats(1.0, -3.0), floats(2.0, -4.0), floats(2.0, -3.0)),
        (Reduce.ARGMAX, [floats(1.0)[0], 11], [floats(2.0)[0], 22], [floats(2.0)[0], 22]),
        (Reduce.ARGMAX, [floats(2.0)[0], 11], [floats(2.0)[0], 22], [floats(2.0)[0], 11]),
        (Reduce.ADD_F16X2, [HALVES, 0], [HALVES, 0],
         [np.array([2.0, 0.2], np.float16).view(np.int32)[0], 0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("op", [Micro.REDUCE, Micro.REDUCE_SEND, Micro.EXCHANGE])
def test_a_reduction_puts_its_own_operand_on_the_left(op, kind, own, arrived, result):
    scene = pair()
    scene.words[0:2], scene.words[40:42] = arrived, own
    scene.add(0, Micro.SEND, address=0, count=2, out=0)
    fields = dict(address=40, count=2, into=0, kind=int(kind))
    if op is not Micro.REDUCE:
        fields["out"] = 1
        scene.add(0, Micro.RECEIVE, address=20, count=2, into=1)
    scene.add(1, op, **fields, **({"address_2": 40} if op is Micro.EXCHANGE else {}))
    fabric, _ = run(scene)
    where = 20 if op is Micro.REDUCE_SEND else 40
    assert fabric.words[where : where + 2].tolist() == list(result)
    if op is Micro.REDUCE_SEND:
        assert fabric.words[40:42].tolist() == list(own)  # the memory stays


def test_an_exchange_sends_and_takes_at_once():
    scene = pair()
    scene.add(0, Micro.EXCHANGE, address=0, address_2=10, count=8, out=0, into=1,
              kind=int(Reduce.TAKE))  # fmt: skip
    scene.add(1, Micro.EXCHANGE, address=20, address_2=30, count=8, out=1, into=0,
              kind=int(Reduce.TAKE))  # fmt: skip
    fabric, cycles = run(scene)
    assert fabric.words[10:18].tolist() == list(range(20, 28))
    assert fabric.words[30:38].tolist() == list(range(8))
    assert cycles == 8 + 6


def test_a_program_runs_once_for_each_row_and_some_of_it_for_the_last_only():
    scene = pair()
    scene.step_rows = 3
    add = dict(kind=Kind.ADD, a0=0, a1=1, a2=0, a3=1, vector=4)
    scene.words[:2] = floats(0.0, 1.0)
    scene.add(0, Micro.COMPUTE, instruction=1, **add)
    scene.add(0, Micro.COMPUTE, instruction=2, flags=LAST_ROW, **add)
    fabric, cycles = run(scene)
    assert fabric.reals[0] == 4.0
    assert cycles == 4 * 4
    assert fabric.begun[:, 1].tolist() == [0, 4, 8]
    assert fabric.ended[:, 2].tolist() == [0, 0, 16]


def test_a_step_that_met_its_limit_goes_on_as_if_nothing_had_been():
    scene = pair()
    scene.add(0, Micro.SEND, address=0, count=20, out=0, rate=rate(1.125))
    scene.add(1, Micro.RECEIVE, address=40, count=20, into=0)
    whole, cycles = run(scene)
    parts = scene.fabric()
    for limit in range(cycles):
        ended, at = simulator.simulate(parts, 0, 1, limit)
        assert (ended, at) == (simulator.STOPPED, limit + 1)
    assert simulator.simulate(parts, 0, 1) == (simulator.DONE, cycles)
    for name in ("words", "states", "begun", "ended", "totals", "link_count"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_more_rows_than_there_are_accounts_for_are_refused():
    with pytest.raises(ValueError, match="a step of 2 rows; this fabric was made for 1 to 1"):
        simulator.simulate(pair().fabric(), 0, 2)
