import numpy as np

from engine.protocol.messages import WatchedCores
from engine.telemetry.counters import Work
from engine.telemetry.snapshot import Snapshot, View, cell_grid, describe, throughput
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.timing.core_view import CellActivity

CORES = WatchedCores(2, 1, 8, 6, 4, 3)


class Number:
    """Counts that are one number."""

    def __init__(self, number=0):
        self.number = number

    def since(self, older):
        return Number(self.number - older.number)


class Seen:
    """A view of two cells and one region whose every state has as many cycles as are counted."""

    def activity(self, counts):
        cells = np.full((2, 6), counts.number * 2**40)
        return CellActivity(counts.number, cells, cells[:1] * 2, {"add": counts.number})


VIEW = View(CORES, Seen())
NO_WORK = Work()


def snapshot(number, work=NO_WORK, busy=False):
    return Snapshot(work, busy=busy, position=number, context_length=64, counts=Number(number))


def test_rates_are_of_the_measured_time_and_none_without_any():
    point = throughput(Work(64, 0, 0.5, 0.0, 6400, 0))
    assert point.host_prefill_tokens_per_second == 128
    assert point.wafer_prefill_cycles_per_token == 100
    assert point.host_decode_tokens_per_second is None
    assert point.wafer_decode_cycles_per_token is None


def test_the_message_says_what_happened_between_two_snapshots():
    newer = snapshot(5, Work(0, 1, 0.0, 0.5, 0, 10), busy=True)
    message = describe(3, snapshot(2), newer, VIEW)
    assert (message.sequence, message.busy, message.position) == (3, True, 5)
    assert (message.elapsed_cycles, message.total_cycles) == (3, 10)
    assert message.states_by_region == [[6 * 2**40] * 6]
    assert message.cores == CORES
    assert np.frombuffer(message.cell_states, "<u8").tolist() == [3 * 2**40] * 12
    assert message.cycles_by_operation == {"add": 3}
    assert message.throughput.decode_tokens == 1


def test_an_interval_without_cycles_carries_no_cells():
    assert describe(0, snapshot(4), snapshot(4), VIEW).cell_states == b""


def test_other_counts_are_shown_in_the_cells_and_nowhere_else():
    message = describe(0, snapshot(4), snapshot(4), VIEW, Number(2))
    assert np.frombuffer(message.cell_states, "<u8").tolist() == [2 * 2**40] * 12
    assert message.states_by_region == [[4 * 2**40] * 6]
    assert (message.elapsed_cycles, message.cycles_by_operation) == (0, {"add": 0})


def test_cells_that_cannot_be_drawn_are_no_grid():
    assert cell_grid(CORES) == CellGrid(2, 1, 8, 6, 4, 3)
    assert cell_grid(None) is None
    assert cell_grid(WatchedCores(0, 0, 4, 4, 0, 1)) is None
