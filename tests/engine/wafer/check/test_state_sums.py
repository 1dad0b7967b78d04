"""States of every core, formulas against simulation: what is apart is found in its core and step.

A made-up chip: two regions on a rectangle of 6 × 4 cores whose first core is (10, 20) on the wafer.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.wafer.check.state_sums import STATE_CYCLES, STATE_SHARE, StateSums
from engine.wafer.program.program import Region
from engine.wafer.program.states import STATES, State

CORNER, COLUMNS, ROWS = (10, 20), 6, 4
CYCLES = 10_000
REGIONS = (
    Region("block", 10, 20, 3, 2, (0,), {}),
    Region("head", 14, 22, 2, 2, (), {}),
)


def sums():
    return StateSums(SimpleNamespace(regions=REGIONS), CORNER, COLUMNS)


def simulated():
    """States by core, all but idle: each core has numbers of its own, (cores, 5)."""
    cores = np.arange(COLUMNS * ROWS)
    return np.stack([100 + cores, 200 + cores, 300 + cores, 40 + cores, 5 + cores], axis=1)


def by_formula(busy):
    """The same counts as the formulas give them: by region, idle filled in."""
    idle = CYCLES - busy.sum(axis=1, keepdims=True)
    chip = np.concatenate([busy, idle], axis=1).reshape(ROWS, COLUMNS, len(STATES))
    return tuple(
        chip[
            region.y - CORNER[1] : region.y - CORNER[1] + region.height,
            region.x - CORNER[0] : region.x - CORNER[0] + region.width,
        ].copy()
        for region in REGIONS
    )


def test_equal_states_are_no_error_in_any_core():
    found = sums()
    for _ in range(3):
        found.add(by_formula(simulated()), simulated(), CYCLES, rows=1)

    errors = found.errors()
    assert list(errors) == list(STATES)
    for error in errors.values():
        assert (error.largest, error.mean, error.beyond) == (0, 0.0, 0)
        assert error.compared == 3 * (3 * 2 + 2 * 2)
        assert error.holds


def test_a_core_that_is_apart_is_named_by_its_place_on_the_wafer():
    found, expected = sums(), by_formula(simulated())
    expected[1][1, 0, State.VECTOR] += 500  # of the head: column 14, row 23
    expected[0][0, 2, State.VECTOR] -= 300
    found.add(by_formula(simulated()), simulated(), CYCLES, rows=1)
    found.add(expected, simulated(), CYCLES, rows=1)

    error = found.errors()["vector"]
    assert (error.largest, error.core) == (500, (14, 23))
    assert error.mean == (500 + 300) / 20
    assert (error.beyond, error.holds) == (2, False)
    assert found.errors()["comm"].largest == 0


def test_one_multiplication_too_many_is_too_many():
    found, busy = sums(), simulated()
    busy[0, State.MAC] += 1  # also moves idle, which has room for it
    found.add(by_formula(simulated()), busy, CYCLES, rows=8)

    errors = found.errors()
    assert (errors["mac"].largest, errors["mac"].beyond) == (1, 1)
    assert errors["idle"].largest == 1
    assert errors["idle"].holds


@pytest.mark.parametrize("rows", [1, 4])
def test_a_small_count_may_be_some_cycles_off_for_each_row(rows):
    for apart, beyond in ((STATE_CYCLES * rows, 0), (STATE_CYCLES * rows + 1, 1)):
        found, expected = sums(), by_formula(simulated())
        expected[0][1, 1, State.STALL_PIPE] += apart
        found.add(expected, simulated(), CYCLES, rows)
        assert found.errors()["stall_pipe"].beyond == beyond


def test_a_large_count_may_be_off_by_its_share():
    busy = simulated()
    busy[0, State.COMM] = 2_000
    for apart, beyond in ((round(2_000 * STATE_SHARE), 0), (round(2_000 * STATE_SHARE) + 1, 1)):
        found, expected = sums(), by_formula(busy)
        expected[0][0, 0, State.COMM] -= apart
        found.add(expected, busy, CYCLES, rows=1)
        assert found.errors()["comm"].beyond == beyond


def test_idle_is_what_the_simulated_core_did_not_do():
    """The simulator counts no idle cycle; a step that lasted longer has more of them."""
    found = sums()
    found.add(by_formula(simulated()), simulated(), CYCLES + 25, rows=1)

    errors = found.errors()
    assert errors["idle"].largest == errors["idle"].mean == 25
    assert all(errors[name].largest == 0 for name in STATES if name != "idle")


def test_cores_without_a_region_do_not_count():
    found, busy = sums(), simulated()
    busy[3] += 777  # column 13, row 20: between the regions
    found.add(by_formula(simulated()), busy, CYCLES, rows=1)

    assert all(error.largest == 0 for error in found.errors().values())


def test_without_a_step_there_is_nothing_to_say():
    assert sums().errors() == {}
