"""`spark-tui watch`: in words without a screen, and what it refuses."""

import pytest

import engine
from engine.errors import ServerError
from tui.demo_engine import demo_ready, demo_telemetry


@pytest.fixture
def running(monkeypatch):
    """An engine that comes at the second look."""
    looks = []
    monkeypatch.setattr("tui.cli.watch._RETRY_SECONDS", 0.0)

    async def watch(interval_ms):
        looks.append(interval_ms)
        if len(looks) == 1:
            raise ServerError("nothing to watch: no engine is running")
        yield demo_ready()
        for step in range(3):
            yield demo_telemetry(demo_ready(), step)

    monkeypatch.setitem(vars(engine), "watch_engine", watch)
    return looks


def test_it_says_that_it_waits_and_then_what_the_panes_say(spark, running):
    out = spark("watch", "--text", "--count", "2").out
    assert out.startswith("nothing to watch: no engine is running; waiting\n")
    for part in ("The wafer, emulated: wse3", "Throughput. Host:", "Model and memory: spark-demo"):
        assert out.count(part) == 2
    assert running == [5000, 5000]


def test_one_pane_alone(spark, running):
    out = spark("watch", "--text", "--pane", "throughput", "--count", "1", "--interval", "50").out
    assert "Throughput. Host:" in out
    assert "The wafer" not in out
    assert running == [50, 50]


def test_a_pane_that_there_is_not(spark):
    outcome = spark("watch", "--text", "--pane", "moon")
    assert outcome.code == 2
    assert "panes are wafer, throughput, memory" in outcome.line


def test_without_a_terminal_it_names_the_form_in_words(spark):
    outcome = spark("watch")
    assert outcome.code != 0
    assert "spark-tui watch --text" in outcome.line
