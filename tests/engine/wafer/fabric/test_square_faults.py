"""Values are where the wavelets are: a bent or lost wavelet, or steps swapped, is seen."""

import numpy as np
import pytest

from engine.wafer.fabric.micro import Micro, Reduce
from engine.wafer.fabric.network import EAST, RAMP, WEST, bit
from engine.wafer.program import machine
from tests.engine.wafer.fabric import lines, tamper
from tests.engine.wafer.fabric.scenes import Scene, simulator

WSE2 = machine.get("wse2")
COLUMNS, ROWS, WAVELETS = 6, 3, 5


def halfway(limit):
    """A chain reduce, stopped while its wavelets are under way; and its true sums."""
    scene = lines.chain(WSE2, COLUMNS, WAVELETS, ROWS)
    fabric = scene.fabric()
    assert simulator.simulate(fabric, limit=limit)[0] == simulator.STOPPED
    return fabric, lines.chain_sums(scene, WAVELETS)


def sums(fabric):
    return fabric.reals.reshape(ROWS, COLUMNS, WAVELETS)[:, 0]


@pytest.mark.parametrize("limit", [3, 11, 20, 29])
def test_any_flipped_payload_bit_changes_one_sum(limit):
    for channel in tamper.waiting(halfway(limit)[0]):
        fabric, expected = halfway(limit)
        tamper.flip_bit(fabric, channel)
        assert simulator.simulate(fabric)[0] == simulator.DONE
        assert np.count_nonzero(sums(fabric) != expected) == 1


@pytest.mark.parametrize("limit", [3, 11, 20, 29])
def test_any_dropped_wavelet_blocks_its_row_and_no_other(limit):
    for channel in tamper.waiting(halfway(limit)[0]):
        fabric, expected = halfway(limit)
        row = fabric.net.router[channel] // COLUMNS
        tamper.drop(fabric, channel)
        assert simulator.simulate(fabric)[0] == simulator.BLOCKED
        others = np.arange(ROWS) != row
        assert np.array_equal(sums(fabric)[others], expected[others])


def test_untouched_it_ends_with_the_true_sums():
    fabric, expected = halfway(11)
    assert simulator.simulate(fabric)[0] == simulator.DONE
    assert np.array_equal(sums(fabric), expected)


def test_two_reduction_steps_swapped_change_the_last_bits():
    """(m + a) + b is not (m + b) + a in float32: the order of steps is part of the result."""
    scene = Scene(WSE2, 3, 1)
    scene.words = lines.values(3, 16, seed=4).reshape(-1).view(np.int32).copy()
    for color, x, port in ((0, 0, EAST), (1, 2, WEST)):
        scene.route(color, x, 0, bit(RAMP), bit(port))
        scene.route(color, 1, 0, bit((port + 2) % 4), bit(RAMP))
        scene.add(x, Micro.SEND, address=16 * x, count=16, out=color)
        scene.add(1, Micro.REDUCE, address=16, count=16, into=color, kind=int(Reduce.ADD_F32))
    true, swapped = scene.fabric(), scene.fabric()
    tamper.swap_sources(swapped, 1)
    assert simulator.simulate(true)[0] == simulator.simulate(swapped)[0] == simulator.DONE
    assert not np.array_equal(true.words, swapped.words)
    assert np.allclose(true.reals, swapped.reals, rtol=1e-5)
