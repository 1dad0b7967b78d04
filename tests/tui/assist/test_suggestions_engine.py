"""Suggestions while the engine starts, fails, and serves another model."""

from engine import EngineDown, EngineStarting
from engine.protocol.messages import (
    EngineReady,
    Failed,
    ModelInfo,
    PartialText,
    SessionFailed,
)
from tests.tui.assist.paper_world import MODEL, READY, World, at, completed, world
from tui.assist.suggestion_events import (
    NoSuggestion,
    SuggestionFailed,
)
from tui.assist.suggestions import Suggestions
from tui.settings import SuggestionSettings

__all__ = ["world"]


def test_what_was_asked_while_the_engine_started_is_asked_when_it_is_ready():
    world = World(connected=False)
    say = world.suggestions = Suggestions(
        world,
        SuggestionSettings(),
        on_event=world.events.append,
        set_timer=world.set_timer,
        clock=lambda: world.now,
    )
    say.edited(at("x"))
    world.wait(100)
    assert world.last() == NoSuggestion("the engine is starting")
    world.connected = True
    say.on_engine(READY)
    world.wait(100)
    assert [request.prefix for request in world.requests] == ["x"]


def test_a_request_lost_with_its_engine_is_asked_again(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    world.events.clear()
    world.connected = False
    say.on_engine(EngineDown("the engine process was killed", retrying=True))
    assert SuggestionFailed("the engine process was killed") in world.events
    assert say.state == "idle"
    say.on_engine(EngineStarting("starting again"))
    say.on_engine(completed(1, "of the dead"))
    assert world.shown() == []
    world.connected = True
    say.on_engine(READY)
    world.wait(100)
    assert [request.prefix for request in world.requests] == ["x", "x"]
    say.on_engine(completed(2, "= 1"))
    assert world.shown() == ["= 1"]


def test_it_is_not_asked_again_where_the_cursor_has_moved(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    say.on_engine(EngineDown("gone", retrying=True))
    say.changed(at("y"))
    say.on_engine(READY)
    world.wait(1000)
    assert len(world.requests) == 1


def test_a_failure_is_told_and_ends_the_request(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    say.on_engine(Failed(1, "the prompt does not fit"))
    assert SuggestionFailed("the prompt does not fit") in world.events
    assert say.state == "idle"
    say.on_engine(SessionFailed(1, "no model"))
    say.edited(at("xy"))
    world.wait(100)
    assert world.last() == NoSuggestion("no model")


def test_another_model_knows_nothing_of_what_the_last_one_said(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(completed(1, "= 1"))
    other = ModelInfo("other", "", 1, 1, 1, 1, 2048, "any", 1, True)
    say.on_engine(EngineReady(other, READY.machine, 1, "portable", 1.0))
    world.events.clear()
    say.edited(at("x ="))
    assert world.shown() == []
    world.wait(100)
    assert len(world.requests) == 2


def test_what_is_asked_of_one_session_is_asked_of_the_next(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    assert world.sessions == [1]
    say.on_engine(EngineReady(MODEL, READY.machine, 1, "portable", 1.0, session=2))
    assert world.cancelled == [1]
    world.wait(100)
    assert world.sessions == [1, 2]
    say.on_engine(completed(1, "= 1"))
    assert world.shown() == []
    say.on_engine(completed(2, "= 2"))
    assert world.shown() == ["= 2"]


def test_a_long_text_that_was_cut_is_followed_too(world):
    say = world.suggestions
    text = "abc " * 9_000
    say.edited(at(text[-32_768:]))
    world.wait(100)
    say.on_engine(PartialText(1, "def"))
    world.events.clear()
    say.edited(at((text + "d")[-32_768:]))
    assert world.shown() == ["ef"]
    assert world.cancelled == []
