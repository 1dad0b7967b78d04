"""The status line: always one line, whatever it has to say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.visuals.inks import INKS, widths
from tui.app_messages import BackgroundWork, SuggestionReport
from tui.demo_engine import demo_ready
from tui.link.engine_state import EngineState, Phase
from tui.visuals.status_text import StatusView, status_text

READY = demo_ready()


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
    background=st.sampled_from(
        [
            None,
            BackgroundWork("qwen2.5-coder-0.5b", "fetching", 0.34, 5.1e6, 63.0),
            BackgroundWork("m", "preparing matmul", 0.2),
        ]
    ),
)
def test_the_status_line_is_one_line_of_the_terminal(
    width: int,
    path: str | None,
    phase: Phase,
    detail: str,
    done: int,
    report: SuggestionReport | None,
    paused: bool,
    background: BackgroundWork | None,
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
    assert status(report=SuggestionReport(waiting=True)).endswith(" suggestion on its way … ")
    assert "paused (F4 resumes)" in status(paused=True, report=SuggestionReport(True, 142.0))


def test_a_narrow_status_line_drops_folders_before_the_engine() -> None:
    engine = EngineState(Phase.PREPARING, "compiling matmul", 3, 17)
    view = StatusView(path="package/inner/app.py", engine=engine)
    narrow = status_text(view, 40, INKS).plain
    assert " app.py" in narrow
    assert "package" not in narrow
    assert "compiling 3/17" in narrow


def test_what_is_prepared_is_said_before_how_far_it_is() -> None:
    engine = EngineState(Phase.PREPARING, "packing the weights", 4, 25)
    assert "◌ packing the weights, 4 of 25 ━" in status(engine=engine)


def test_what_goes_on_beside_is_said_as_fully_as_there_is_room() -> None:
    ready = EngineState(Phase.READY, ready=READY)
    fetch = BackgroundWork("qwen2.5-coder-0.5b", "fetching", 0.34, 5.1e6, 63.0)
    said = {width: status(width, engine=ready, background=fetch) for width in (56, 66, 120)}
    assert "● fetching qwen2.5-coder-0.5b 34.0%, 5.1 MB/s, 1:03 left" in said[120]
    assert "● qwen2.5-coder-0.5b 34.0%, 1:03 left" in said[66]
    assert "● fetching 34.0%, 1:03 left" in said[56]
    late = BackgroundWork("m", "fetching", 0.01, 1e3, 9e4)
    assert "25 h left" in status(engine=ready, background=late)


def test_the_engines_own_state_is_not_hidden_by_it() -> None:
    work = BackgroundWork("big", "opening")
    preparing = EngineState(Phase.PREPARING, "preparing matmul", 3, 17)
    assert "◌ 3/17, big: opening" in status(engine=preparing, background=work)
    failed = EngineState(Phase.FAILED, "no model")
    assert "✕ engine: no model" in status(engine=failed, background=work)


def test_no_problem_hides_that_suggestions_are_paused() -> None:
    assert "paused (F4 resumes)" in status(120, problem="invalid syntax", paused=True)
    both = status(100, problem="expected an indented block after function definition", paused=True)
    assert "paused  ● expected an indented block" in both


def test_a_problem_on_the_line_does_not_hide_a_suggestion() -> None:
    why = SuggestionReport(reason="too unlikely (5% < 25%); Ctrl+L shows it")
    both = status(160, problem="invalid syntax", report=why)
    assert "invalid syntax" in both
    assert "too unlikely" in both
    long = status(120, problem="Local variable `x` is assigned to but never used", report=why)
    assert "Local" in long  # its end is cut
    assert "too unlikely" in long
    narrow = status(80, problem="invalid syntax", report=why)
    assert "invalid syntax" in narrow
    assert "too unlikely" not in narrow
    shown = status(60, problem="invalid syntax " * 3, report=SuggestionReport(shown=True))
    assert "suggestion" in shown
    assert "invalid" not in shown
