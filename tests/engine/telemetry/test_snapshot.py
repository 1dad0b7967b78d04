import numpy as np

from engine.telemetry.counters import Work
from engine.telemetry.snapshot import Snapshot, describe, throughput
from engine.wafer.timing.timing import Activity


def test_rates_are_of_the_measured_time_and_none_without_any():
    point = throughput(Work(64, 0, 0.5, 0.0, 6400, 0))
    assert point.host_prefill_tokens_per_second == 128
    assert point.wafer_prefill_cycles_per_token == 100
    assert point.host_decode_tokens_per_second is None
    assert point.wafer_decode_cycles_per_token is None


def test_the_message_says_what_happened_between_two_snapshots():
    older = Snapshot(Work(), busy=False, position=0, context_length=64, counts=None)
    now = Work(0, 1, 0.0, 0.5, 0, 10)
    newer = Snapshot(now, busy=True, position=1, context_length=64, counts=None)
    first = np.arange(12).reshape(1, 2, 6)
    second = np.full((2, 1, 6), 2**40)
    message = describe(3, older, newer, Activity(60, (first, second), {"add": 60}))
    assert (message.sequence, message.busy, message.position) == (3, True, 1)
    assert (message.elapsed_cycles, message.total_cycles) == (60, 10)
    assert message.states_by_region == [[6, 8, 10, 12, 14, 16], [2**41] * 6]
    cores = np.frombuffer(message.core_states, "<u4").reshape(4, 6)
    assert cores[:2].tolist() == first[0].tolist()
    assert (cores[2:] == 2**32 - 1).all()
    assert message.cycles_by_operation == {"add": 60}
    assert message.throughput.decode_tokens == 1


def test_an_interval_without_cycles_carries_no_cores():
    still = Snapshot(Work(), busy=False, position=0, context_length=64, counts=None)
    nothing = Activity(0, (np.zeros((1, 2, 6), np.int64),), {})
    assert describe(0, still, still, nothing).core_states == b""
