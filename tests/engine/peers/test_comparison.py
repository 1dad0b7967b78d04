"""A tiny model on the wafer and its peers: the figures are those of the other commands."""

import numpy as np
import pytest

from engine.peers.comparison import compare
from engine.peers.measured import _tokens_per_second
from engine.peers.peer import Peer
from engine.wafer.plan.placed import open_placed
from engine.wafer.program import machine
from engine.wafer.xray.step_xray import PlacedXray
from tests.tiny import tiny_model

PEER = Peer("mine", memory_bytes=1e9, memory_bytes_per_second=1e9, sources=("me",))


@pytest.fixture(scope="module")
def placed():
    model = tiny_model(seed=1, hidden=64, layers=2, heads=4, kv_heads=2, head_dim=16, context=32)
    return open_placed(model.graph, machine.get("small"))


def found(placed, **options):
    options = {"host_tokens_per_second": 12.5, "further": [PEER]} | options
    return compare(placed, PlacedXray(placed), 7, **options)


def test_the_wafer_has_the_cycles_of_a_step_there(placed):
    wafer = found(placed, clock_ghz=0.5).peers[0]
    assert wafer.tokens_per_second == pytest.approx(0.5e9 / placed.timing.step_cycles(7))
    assert (wafer.clock, wafer.off_chip_bytes_per_token) == ("emulated", 0)


def test_a_slower_clock_takes_more_energy_of_the_same_watts(placed):
    fast, slow = (
        found(placed, clock_ghz=clock).peers[0].joules_per_token for clock in (0.85, 0.425)
    )
    assert slow == pytest.approx(2 * fast)


def test_every_other_machine_reads_weights_and_rows(placed):
    comparison = found(placed)
    rows = 8 * 2 * 2 * 2 * 16 * 2  # rows × layers × (keys, values) × heads × width × fp16
    assert comparison.kv_bytes == rows
    here, mine = comparison.peers[1], comparison.peers[-1]
    assert here.tokens_per_second == 12.5
    assert here.clock == "measured"
    assert mine.name == "mine"
    assert mine.off_chip_bytes_per_token == comparison.weight_bytes + rows
    assert mine.tokens_per_second == pytest.approx(1e9 / (comparison.weight_bytes + rows))
    assert (
        mine.synchronisations_per_token == 2 * 5 + 1
    )  # qkv, attention, o, gate and up, down; head


def test_tokens_are_timed_one_by_one_behind_the_rows_asked_for():
    class Runner:
        steps: list[int] = []  # noqa: RUF012

        def prefill(self, tokens):
            self.steps.append(len(tokens))

        def decode(self, token):
            self.steps.append(1)
            return np.zeros(3)

    assert _tokens_per_second(Runner(), 100) > 0
    assert Runner.steps == [64, 36] + [1] * 18
