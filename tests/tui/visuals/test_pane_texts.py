"""What the panes and the status line write: always inside the space there is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from engine.protocol.messages import ThroughputPoint
from tui.demo import demo_completion, demo_history, demo_ready, demo_telemetry
from tui.link.engine_state import EngineState, Phase
from tui.messages import SuggestionReport
from tui.visuals.bars import history_lines, progress_bar, stacked_bar
from tui.visuals.inks import inks_from
from tui.visuals.memory_text import MemoryView, memory_text, region_kinds
from tui.visuals.status_text import StatusView, status_text
from tui.visuals.throughput_text import ThroughputView, throughput_text
from tui.visuals.wafer_text import caption_text, legend_text, state_shares

INKS = inks_from({})
READY = demo_ready()


def widths(text: Text) -> list[int]:
    return [line.cell_len for line in text.split("\n", allow_blank=True)]


def status(width: int = 120, **fields: Any) -> str:
    return status_text(StatusView(path="src/app.py", **fields), width, INKS).plain


@given(
    width=st.integers(20, 200),
    path=st.one_of(st.none(), st.text("abc/ü漢", min_size=1, max_size=80)),
    phase=st.sampled_from(Phase),
    detail=st.text("abc: ", max_size=90),
    done=st.integers(0, 30),
    report=st.sampled_from(
        [None, SuggestionReport(shown=True, latency_ms=42.0), SuggestionReport(reason="x" * 70)]
    ),
    paused=st.booleans(),
)
def test_the_status_line_is_one_line_of_the_terminal(
    width: int,
    path: str | None,
    phase: Phase,
    detail: str,
    done: int,
    report: SuggestionReport | None,
    paused: bool,
) -> None:
    view = StatusView(
        path=path,
        unsaved=True,
        line=123,
        column=45,
        engine=EngineState(phase, detail, done, 30, READY),
        paused=paused,
        report=report,
    )
    assert widths(status_text(view, width, INKS)) == [width]


def test_the_status_line_says_how_the_last_suggestion_went() -> None:
    assert "suggestion 142 ms host" in status(report=SuggestionReport(True, 142.0))
    assert "suggestion cached" in status(report=SuggestionReport(True, 0.1, cached=True))
    assert "no suggestion: secret file" in status(report=SuggestionReport(reason="secret file"))
    assert "paused (F4 resumes)" in status(paused=True, report=SuggestionReport(True, 142.0))


def test_a_narrow_status_line_drops_folders_before_the_engine() -> None:
    engine = EngineState(Phase.PREPARING, "compiling matmul", 3, 17)
    view = StatusView(path="package/inner/app.py", engine=engine)
    narrow = status_text(view, 40, INKS).plain
    assert " app.py" in narrow
    assert "package" not in narrow
    assert "compiling 3/17" in narrow


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


def test_what_was_never_measured_is_a_dash() -> None:
    lines = throughput_text(ThroughputView(), 60, 5, INKS).plain.splitlines()
    assert [line.split()[-2:] for line in lines[1:4]] == [["–", "–"]] * 3


@given(width=st.integers(24, 100), height=st.integers(1, 30), position=st.integers(0, 2048))
def test_memory_keeps_to_its_pane(width: int, height: int, position: int) -> None:
    text = memory_text(MemoryView(READY, position, 2048), width, height, INKS)
    assert len(widths(text)) <= height
    assert max(widths(text)) <= width


def test_regions_of_one_job_are_one_line() -> None:
    kinds = region_kinds(READY.machine.regions)
    assert [(kind.name, kind.count, kind.shape) for kind in kinds] == [
        ("layer", 6, "24×22"),
        ("head", 1, "8×46"),
    ]
    assert sum(kind.cores for kind in kinds) == READY.machine.cores_used


@given(width=st.integers(30, 100))
def test_the_legend_keeps_its_columns(width: int) -> None:
    shares = state_shares(demo_telemetry(READY).states_by_region)
    assert widths(legend_text(shares, width, INKS)) == [width] * 3


def test_shares_are_of_all_cycles() -> None:
    assert state_shares([[1, 0, 0, 0, 0, 3], [0, 0, 0, 0, 2, 2]]) == [0.125, 0, 0, 0, 0.25, 0.625]
    assert state_shares([[0] * 6]) is None


def test_the_caption_names_the_core_or_all_of_them() -> None:
    region = READY.machine.regions[0]
    one = caption_text((12, 40), region, [5, 0, 0, 0, 0, 995], 3536, 40, INKS).plain
    assert one == "core 12, 40  layer 0  1.00k cycles"
    everything = caption_text(None, None, None, 3536, 48, INKS).plain
    assert everything == "cycles of all 3 536 cores   hue: most above mean"
    assert "no core of the model" in caption_text((0, 0), None, None, 3536, 40, INKS).plain


def test_the_caption_says_what_the_hues_mean_where_that_fits() -> None:
    for width in range(20, 70):
        text = caption_text(None, None, None, 12_800, width, INKS)
        assert text.cell_len == width
        assert "12 800 cores" in text.plain
        assert ("hue: " in text.plain and "above mean" in text.plain) == (width >= 28)


@given(st.integers(1, 60), st.floats(-0.5, 1.5))
def test_a_progress_bar_has_its_width(width: int, fraction: float) -> None:
    assert progress_bar(width, fraction, "red", "blue").cell_len == width


def test_a_small_part_of_a_bar_does_not_disappear() -> None:
    bar = stacked_bar(10, [(1, "red"), (990, "blue"), (0, "green")], 1000, "black")
    assert bar.cell_len == 10
    assert [(span.start, span.end, span.style) for span in bar.spans] == [
        (0, 1, "red"),
        (1, 10, "blue"),
    ]


def test_history_grows_from_the_right_and_leaves_gaps() -> None:
    assert history_lines([4.0, None, 8.0], 5, 1) == ["  ▄ █"]
    assert history_lines([1.0] * 9, 3, 2) == ["███", "███"]
    assert history_lines([0.0, None], 2, 1) == ["▁ "]
