"""The throughput pane: inside its space, every figure in its own time."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.protocol.completion import HostStats
from engine.protocol.messages import ThroughputPoint
from tests.tui.visuals.inks import INKS, widths
from tui.demo_engine import demo_completion, demo_history
from tui.visuals.throughput_text import throughput_text
from tui.visuals.throughput_view import ThroughputView


@given(width=st.integers(24, 100), height=st.integers(1, 40), count=st.integers(0, 90))
def test_throughput_keeps_to_its_pane(width: int, height: int, count: int) -> None:
    view = ThroughputView(demo_history(count), 0.85, demo_completion(""))
    text = throughput_text(view, width, height, INKS)
    assert len(widths(text)) <= height
    assert max(widths(text)) <= width


def test_throughput_is_said_per_clock() -> None:
    point = ThroughputPoint(64, 28, 1210.0, 151.4, 8_300.0, 69_180.0)
    view = ThroughputView([point], 0.85)
    lines = throughput_text(view, 60, 9, INKS).plain.splitlines()
    host, wafer, cycles = lines[1:4]
    assert host.split() == ["host", "tokens/s", "151", "1", "210"]
    assert wafer.split() == ["wafer", "tokens/s", "12", "287", "102", "410"]
    assert cycles.split() == ["wafer", "cycles/token", "69", "180", "8", "300"]


def test_one_token_is_no_tokens() -> None:
    for count, said in ((1, "host last 1 token "), (2, "host last 2 tokens ")):
        completion = replace(demo_completion(""), completion_tokens=count)
        text = throughput_text(ThroughputView((), 0.85, completion), 60, 9, INKS).plain
        assert said in text


def test_what_was_never_measured_is_a_dash() -> None:
    lines = throughput_text(ThroughputView(), 60, 5, INKS).plain.splitlines()
    assert [line.split()[-2:] for line in lines[1:4]] == [["–", "–"]] * 3


def test_a_tall_pane_splits_the_last_completion_into_its_parts() -> None:
    host = HostStats(
        prefill_ms=30.0, decode_ms=60.0, first_text_ms=35.0, tokens_per_second=50.0,
        guessed_tokens=5, accepted_tokens=3, queue_ms=8.0, trim_ms=2.0,
    )  # fmt: skip
    completion = replace(demo_completion("x"), host=host, prompt_tokens=90, cached_tokens=80)
    text = throughput_text(ThroughputView(completion=completion), 50, 20, INKS)
    bar = next(line for line in text.split("\n") if "█" in line.plain)
    cells = {str(span.style): span.end - span.start for span in bar.spans}
    assert cells == {INKS.muted: 4, INKS.host: 15, INKS.good: 30, INKS.caution: 1}
    assert "■ waited 8 ms  ■ prefill 30 ms  ■ decode 60 ms" in text.plain
    assert "drafts 3 of 5 right, prompt 80 of 90 tokens" in " ".join(text.plain.split())
    assert (
        "drafts" not in throughput_text(ThroughputView(completion=completion), 50, 13, INKS).plain
    )


@given(width=st.integers(24, 100), height=st.integers(1, 40), count=st.integers(0, 90))
def test_gauges_keep_to_the_pane(width: int, height: int, count: int) -> None:
    view = ThroughputView(demo_history(count), 0.85, demo_completion(""), gauges=True)
    text = throughput_text(view, width, height, INKS)
    assert len(widths(text)) <= height
    assert max(widths(text)) <= width


def test_a_gauge_is_the_newest_rate_as_a_part_of_the_largest() -> None:
    points = [ThroughputPoint(0, 4, None, rate, None, None) for rate in (100.0, 300.0, 200.0)]
    lines = throughput_text(ThroughputView(points, 0.85, gauges=True), 68, 20, INKS).plain
    line = next(each for each in lines.splitlines() if each.startswith("host decode"))
    bar = [sign for sign in line if sign in "━╸─"]
    assert bar.count("━") + bar.count("╸") / 2 == round(2 * len(bar) * 2 / 3) / 2
    assert line.split()[-3:] == ["200", "200", "300"]
