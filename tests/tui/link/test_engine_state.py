from engine import EngineDown, EngineSilent, EngineStarting
from engine.protocol.messages import Failed, PartialText, Progress, SessionFailed, Welcome
from tui.demo_engine import demo_ready
from tui.link.engine_state import EngineState, Phase, after


def follow(*events: object) -> EngineState:
    state = EngineState()
    for event in events:
        state = after(state, event)  # type: ignore[arg-type]
    return state


STARTING = EngineStarting("no engine is running")
WELCOME = Welcome(protocol=1, pid=1, version="0")
COMPILING = Progress(stage="kernels", done=3, total=17, label="compiling matmul")


def test_a_good_start() -> None:
    assert follow(STARTING).phase is Phase.STARTING
    state = follow(STARTING, WELCOME, COMPILING)
    assert (state.phase, state.detail, state.done, state.total) == (
        Phase.PREPARING, "compiling matmul", 3, 17,
    )  # fmt: skip
    assert follow(STARTING, WELCOME, COMPILING, demo_ready()).phase is Phase.READY


def test_attaching_to_a_running_engine() -> None:
    assert follow(WELCOME, demo_ready()).phase is Phase.READY


def test_a_lost_engine_restarts_and_says_why_until_it_is_back() -> None:
    lost = EngineDown("the engine process was killed (SIGKILL)", retrying=True)
    state = follow(WELCOME, demo_ready(), lost, STARTING)
    assert state.phase is Phase.RESTARTING
    assert "SIGKILL" in state.detail
    assert state.ready is not None
    assert follow(WELCOME, demo_ready(), lost, STARTING, WELCOME, demo_ready()).phase is Phase.READY


def test_a_silent_engine_serves_again_once_it_answers() -> None:
    silent = follow(WELCOME, demo_ready(), EngineSilent("no answer for 5 s"))
    assert (silent.phase, silent.detail) == (Phase.SILENT, "no answer for 5 s")
    assert silent.ready == demo_ready()
    assert after(silent, demo_ready()).phase is Phase.READY
    assert after(silent, EngineDown("it is ended", retrying=True)).phase is Phase.RESTARTING
    opening = follow(WELCOME, COMPILING, EngineSilent("no answer for 5 s"))
    assert (opening.done, opening.total) == (0, 0)
    assert after(opening, WELCOME).phase is Phase.PREPARING


def test_an_engine_that_cannot_start() -> None:
    down = EngineDown("no model at /nowhere", retrying=False)
    state = follow(STARTING, SessionFailed(session=1, message="no model at /nowhere"), down)
    assert state.phase is Phase.FAILED
    assert state.detail == "no model at /nowhere"


def test_answers_to_requests_change_nothing() -> None:
    state = follow(WELCOME, demo_ready())
    assert after(state, PartialText(request_id=4, text="x")) is state
    assert after(state, Failed(request_id=4, message="cancelled")) is state


def test_a_second_window_that_attaches_does_not_look_as_if_it_were_starting() -> None:
    ready = follow(WELCOME, demo_ready())
    assert after(ready, WELCOME) is ready


def test_a_bar_never_shows_the_steps_of_what_was_before() -> None:
    """Steps of a stage that was lost, or not begun, are unknown."""
    lost = follow(STARTING, WELCOME, COMPILING, EngineDown("killed", retrying=True))
    assert (lost.done, lost.total) == (0, 0)
    failed = follow(STARTING, WELCOME, COMPILING, SessionFailed(session=1, message="out of memory"))
    again = after(failed, WELCOME)
    assert (again.phase, again.done, again.total) == (Phase.PREPARING, 0, 0)


def test_what_the_model_was_is_known_while_it_comes_back() -> None:
    """The wafer pane goes on showing the last picture."""
    state = follow(WELCOME, demo_ready(), EngineDown("killed", retrying=True), WELCOME, COMPILING)
    assert state.phase is Phase.PREPARING
    assert state.ready == demo_ready()
