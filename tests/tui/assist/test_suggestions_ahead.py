"""Suggestions that are asked for ahead of the person."""

from types import SimpleNamespace

import pytest

from engine.protocol.messages import PartialText
from tests.tui.assist.paper_world import at, completed, world
from tui.assist.ahead import AheadRequest
from tui.settings import SuggestionSettings

__all__ = ["world"]


@pytest.fixture
def eager(world):
    """A world in which `x = ` was answered by `one`, and the next was asked ahead."""
    world.suggestions.settings = SuggestionSettings()
    world.suggestions.edited(at("x = "))
    world.wait(100)
    world.suggestions.on_engine(completed(1, "one"))
    world.wait(150)
    assert [request.prefix for request in world.requests] == ["x = ", "x = one"]
    world.events.clear()
    return world


def test_what_follows_is_there_once_a_suggestion_is_taken(eager):
    say = eager.suggestions
    say.on_engine(completed(2, "\ny = two"))
    assert eager.shown() == []
    say.edited(at("x = one"), accepted=True)
    assert eager.shown() == ["\ny = two"]
    eager.wait(100)
    assert eager.cancelled == []


def test_who_takes_it_before_the_next_is_written_sees_that_grow(eager):
    say = eager.suggestions
    say.on_engine(PartialText(2, "\ny"))
    say.edited(at("x = one"), accepted=True)
    assert eager.shown() == ["\ny"]
    say.on_engine(completed(2, "\ny = two"))
    assert eager.shown() == ["\ny = two"]
    assert [request.prefix for request in eager.requests[:2]] == ["x = ", "x = one"]


def test_who_takes_it_before_anything_is_written_waits_for_that(eager):
    say = eager.suggestions
    say.edited(at("x = one"), accepted=True)
    assert say.state == "asking"
    say.on_engine(completed(2, "\ny = two"))
    assert eager.shown() == ["\ny = two"]


def test_typing_the_suggestion_itself_keeps_what_was_asked_ahead(eager):
    say = eager.suggestions
    say.edited(at("x = o"))
    eager.wait(500)
    assert len(eager.requests) == 2
    say.on_engine(completed(2, " + 1"))
    say.edited(at("x = one"), accepted=True)
    assert " + 1" in eager.shown()


def test_another_suggestion_on_the_screen_asks_for_what_follows_it_instead():
    asked, cancelled, timers = [], [], []

    def timer(_seconds, call):
        timers.append(call)
        return SimpleNamespace(stop=timers.clear)

    def send(place):
        asked.append(place)
        return SimpleNamespace(number=len(asked))

    ahead = AheadRequest(timer, send, cancelled.append)
    ahead.plan(at("x = one"))
    timers.pop()()
    ahead.plan(at("x = one"))
    assert (cancelled, timers) == ([], [])
    ahead.plan(at("y = two"))
    assert cancelled == [1]
    ahead.plan(at("z = three"))
    assert len(timers) == 1
    timers.pop()()
    assert asked == [at("x = one"), at("z = three")]
    assert ahead.is_number(2)


@pytest.mark.parametrize("way", ["moved", "changed"])
def test_who_goes_another_way_needs_nothing_ahead(eager, way):
    say = eager.suggestions
    getattr(say, way)(at("z", "z"))
    assert eager.cancelled == [2]
    eager.events.clear()
    say.on_engine(completed(2, " + 1"))
    assert eager.shown() == []


def test_who_refuses_needs_nothing_ahead(eager):
    eager.suggestions.dismissed()
    assert eager.cancelled == [2]


def test_nothing_is_asked_ahead_while_something_else_is_asked(world):
    say = world.suggestions
    say.settings = SuggestionSettings()
    say.edited(at("x = "))
    world.wait(100)
    say.on_engine(completed(1, "one"))
    say.edited(at("y = "))
    world.wait(100)
    world.wait(1000)
    assert [request.prefix for request in world.requests] == ["x = ", "y = "]


def test_where_none_comes_by_itself_nothing_is_asked_ahead(world):
    say = world.suggestions
    say.settings = SuggestionSettings(automatic=False)
    say.ask(at("x = "))
    say.on_engine(completed(1, "one"))
    world.wait(1000)
    assert len(world.requests) == 1
