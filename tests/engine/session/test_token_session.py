"""Wafer figures from end to end: a session's numbers are those of the machine's formulas."""

from dataclasses import replace

import pytest

from engine.protocol.completion import CompletionRequest
from engine.session import Session
from engine.wafer.program import machine
from tests.tiny import write_tiny_model

REQUEST = CompletionRequest(path="a.py", prefix="def first(", suffix="\n", max_tokens=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", seed=1)


def session_on(folder, monkeypatch, **changes):
    """A session on the machine ``tiny`` with other numbers."""
    monkeypatch.setitem(machine.PRESETS, "tiny", replace(machine.PRESETS["tiny"], **changes))
    # Without guesses, whose number depends on host time.
    return Session.open(str(folder), "tiny", threads=1, speculation=False)


def test_a_session_says_where_its_model_lies(folder, monkeypatch):
    info = session_on(folder, monkeypatch).machine

    assert info.name == "tiny"
    assert info.cores_used == sum(region.width * region.height for region in info.regions)
    assert [region.label for region in info.regions] == ["layers 0–1", "head"]
    assert all(
        0 < region.sram_bytes["max_total"] <= info.sram_bytes_per_core for region in info.regions
    )


def test_a_slower_hop_moves_the_figures_of_a_completion(folder, monkeypatch):
    fast, slow = (
        session_on(folder, monkeypatch, hop_cycles=hop).complete(REQUEST).wafer for hop in (1, 3)
    )

    assert slow.cycles_prefill > fast.cycles_prefill
    assert slow.cycles_per_token > fast.cycles_per_token
    assert slow.tokens_per_second < fast.tokens_per_second
    assert slow.program != fast.program


def test_a_slower_clock_moves_seconds_and_no_cycle(folder, monkeypatch):
    fast, slow = (
        session_on(folder, monkeypatch, clock_ghz=clock).complete(REQUEST).wafer
        for clock in (1.0, 0.5)
    )

    assert slow.cycles_prefill == fast.cycles_prefill
    assert slow.cycles_per_token == fast.cycles_per_token
    assert slow.tokens_per_second == pytest.approx(fast.tokens_per_second / 2)


def test_a_snapshot_expands_to_the_cycles_of_the_completion(folder, monkeypatch):
    session = session_on(folder, monkeypatch)

    session.complete(REQUEST)

    snapshot = session.snapshot()
    activity = session._placed.expand(snapshot.counts)
    assert activity.elapsed_cycles > 0
    assert activity.elapsed_cycles == sum(activity.cycles_by_operation.values())
    assert activity.elapsed_cycles == snapshot.work.prefill_cycles + snapshot.work.decode_cycles
