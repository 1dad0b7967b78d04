"""Asking for other texts, and stepping through them as they come."""

import pytest

from engine import EngineDown
from engine.protocol.messages import OtherText, PartialText
from tests.tui.assist.paper_world import World, at, completed, world
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_events import SuggestionReady

__all__ = ["world"]

PLACE = at("x = ")
FIRST = ScoredText("one", -0.1, 3)


@pytest.fixture
def shown(world: World) -> World:
    """A world in which a suggestion is shown."""
    world.suggestions.edited(PLACE)
    world.wait(100)
    world.suggestions.on_engine(completed(1, "one"))
    world.events.clear()
    return world


def ranks(world: World) -> list[tuple[str, str]]:
    """Return (text, rank) of all that was to be shown since the last look."""
    found = [(e.text, e.rank) for e in world.events if isinstance(e, SuggestionReady)]
    world.events.clear()
    return found


def test_others_come_one_by_one_and_only_the_wanted_one_is_shown(shown):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    assert shown.sent[-1].others == 4
    assert not shown.sent[-1].automatic
    number = shown.sent[-1].request_id
    assert ranks(shown) == [("one", "1/1…")]
    say.on_engine(PartialText(number, "one"))
    assert ranks(shown) == []
    say.on_engine(OtherText(number, "two", -0.5))
    assert ranks(shown) == [("two", "2/2…")]
    say.on_engine(OtherText(number, "three", -0.3))
    assert ranks(shown) == [("two", "2/3…")]  # it does not change under the eyes
    say.on_engine(completed(number, "one and more"))
    assert ranks(shown) == [("two", "2/3")]
    say.other(PLACE, ScoredText("two"), 1)
    say.other(PLACE, ScoredText("three"), 1)
    say.other(PLACE, ScoredText("one"), -1)
    assert ranks(shown) == [("three", "3/3"), ("one", "1/3"), ("three", "3/3")]
    assert len(shown.requests) == 2


def test_typing_on_in_another_text_finds_the_rest_of_it(shown):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    number = shown.sent[-1].request_id
    say.on_engine(OtherText(number, "two three", -0.5))
    shown.events.clear()
    say.edited(at("x = t"))
    assert shown.cancelled == [number]
    assert shown.shown() == ["wo three"]


def test_where_nothing_is_shown_the_first_is_asked_for(world):
    world.suggestions.other(PLACE, ScoredText(""), 1)
    assert world.automatic == [False]
    assert world.sent[-1].others == 0


def test_that_there_is_no_other_is_said(shown):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    say.on_engine(completed(shown.sent[-1].request_id, "one"))
    assert shown.last().note == "no other"
    assert say.state == "idle"


@pytest.mark.parametrize("step", ["moved", "edited", "changed"])
def test_who_goes_on_gets_no_text_of_another_place(shown, step):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    number = shown.sent[-1].request_id
    getattr(say, step)(at("y = "))
    shown.events.clear()
    say.on_engine(OtherText(number, "two", -0.5))
    say.on_engine(completed(number, "one"))
    assert ranks(shown) == []


def test_a_lost_engine_is_not_waited_for(shown):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    say.on_engine(EngineDown("gone", retrying=False))
    assert say.state == "idle"
    say.other(PLACE, FIRST, 1)
    assert shown.last().reason == "gone"


def test_at_another_place_others_are_asked_for_anew(shown):
    say = shown.suggestions
    say.other(PLACE, FIRST, 1)
    say.other(at("y = "), FIRST, 1)
    assert [request.prefix for request in shown.requests] == ["x = ", "x = ", "y = "]
