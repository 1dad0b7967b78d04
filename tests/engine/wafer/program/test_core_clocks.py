"""Clocks by name."""

import pytest

from engine.errors import MachineError
from engine.wafer.program import machine
from engine.wafer.program.clocks import CLOCKS, clock_ghz


def test_every_clock_has_a_source_and_a_place_in_the_order():
    speeds = [clock.ghz for clock in CLOCKS.values()]

    assert speeds == sorted(set(speeds))
    assert {0.85, 0.875, 0.9, 1.1} <= set(speeds)
    assert all(clock.source for clock in CLOCKS.values())


def test_a_name_gives_gigahertz():
    assert clock_ghz("hot-chips") == 1.1
    assert machine.get("wse3").clock_ghz == clock_ghz("sdk")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(MachineError, match=r"'hotchips'.*sdk \(0.85\).*did you mean 'hot-chips'"):
        clock_ghz("hotchips")
