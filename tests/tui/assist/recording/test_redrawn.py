"""A recorded picture in other cells."""

import numpy as np
from msgspec.structs import replace

from engine.protocol.messages import WatchedCores
from tui.assist.recording.redrawn import redrawn
from tui.demo_engine import demo_ready, demo_telemetry

CORES = WatchedCores(2, 3, 86, 46, 43, 23)
"""Squares of two cores."""
COUNTERS = demo_telemetry(demo_ready(), 4, cores=CORES)


def cells(telemetry):
    cores = telemetry.cores
    return np.frombuffer(telemetry.cell_states, "<u8").reshape(cores.rows, cores.columns, 6)


def test_smaller_cells_show_the_recorded_one_around_them():
    single = redrawn(COUNTERS, replace(CORES, columns=86, rows=46))
    assert np.array_equal(cells(single), cells(COUNTERS).repeat(2, axis=0).repeat(2, axis=1))


def test_larger_cells_show_the_recorded_one_in_their_middle():
    larger = redrawn(COUNTERS, WatchedCores(2, 3, 90, 48, 15, 8))  # squares of six
    assert np.array_equal(cells(larger)[:7, :14], cells(COUNTERS)[1:21:3, 1:42:3])


def test_what_was_not_recorded_is_empty():
    beside = redrawn(COUNTERS, WatchedCores(0, 0, 90, 60, 90, 60))
    drawn = cells(beside)
    assert not drawn[:3].any()
    assert not drawn[:, :2].any()
    assert not drawn[49:].any()
    assert np.array_equal(drawn[3, 2], cells(COUNTERS)[0, 0])


def test_a_picture_of_the_right_cells_or_none_stays_as_it_is():
    for cores in (CORES, None):
        assert redrawn(COUNTERS, cores) is COUNTERS
    bare = replace(COUNTERS, cell_states=b"")
    assert redrawn(bare, replace(CORES, columns=3)) is bare
