"""Energy from published watts, by hand."""

from dataclasses import replace

import pytest

from engine.wafer.cost.energy import joules
from engine.wafer.program import machine

WSE3 = replace(
    machine.get("wse3"), clock_ghz=1.0, system_watts=20_000.0, core_watts=0.01,
    operation_picojoules=10.0,
)  # fmt: skip


def test_three_readings_of_a_millisecond():
    found = joules(WSE3, 1_000_000, macs=10**9, cores=100_000, wafers=2)

    assert found.low == pytest.approx(2e9 * 10e-12)
    assert found.likely == pytest.approx(1.0)  # a kilowatt
    assert found.high == pytest.approx(40.0)


def test_the_low_reading_is_never_above_the_likely_one():
    found = joules(WSE3, 1_000, macs=10**12, cores=10, wafers=1)

    assert found.low == found.likely


def test_a_faster_clock_takes_less():
    slow, fast = (
        joules(replace(WSE3, clock_ghz=clock), 10**6, macs=1, cores=10, wafers=1)
        for clock in (0.5, 1.0)
    )

    assert slow.high == pytest.approx(2 * fast.high)
