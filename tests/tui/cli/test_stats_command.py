"""`spark-tui stats`: one object a line, and what it says when nothing runs."""

import json

import pytest

import engine
from tui.demo_engine import demo_ready, demo_telemetry


@pytest.fixture
def running(monkeypatch):
    async def watch(interval_ms):
        yield demo_ready()
        for step in range(5):
            yield demo_telemetry(demo_ready(), step)

    monkeypatch.setitem(vars(engine), "watch_engine", watch)


def test_each_line_is_an_object_whose_shares_sum_to_one(spark, running):
    lines = [json.loads(line) for line in spark("stats", "--json", "--count", "3").out.splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert list(line["state_shares"]) == list(engine.STATES)
        assert sum(line["state_shares"].values()) == pytest.approx(1)
        assert {"model", "machine", "clock_ghz", "throughput", "cycles_by_operation"} <= set(line)
        cycles = line["throughput"]["wafer_decode_cycles_per_token"]
        rate = line["wafer_decode_tokens_per_second"]
        assert rate == (pytest.approx(0.85e9 / cycles) if cycles else None)
    assert any(line["wafer_decode_tokens_per_second"] for line in lines)


def test_a_line_for_people_names_each_clock(spark, running):
    first = spark("stats", "--count", "1").out
    assert "host (measured)" in first
    assert "wafer (emulated, wse3 at 0.85 GHz)" in first


def test_it_ends_with_the_engine(spark, running):
    assert len(spark("stats", "--json").out.splitlines()) == 5


def test_without_an_engine_it_says_what_to_do(spark):
    outcome = spark("stats", "--json")
    assert outcome.code == 1
    assert "start spark-tui first" in outcome.line
