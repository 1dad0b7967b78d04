"""When suggestions are asked for, and what is shown of them."""

import msgspec
import pytest

from engine.protocol.messages import Completed, PartialText
from tests.tui.assist.paper_world import READY, at, completed, world
from tui.assist.suggestion_events import (
    NoSuggestion,
    StateChanged,
    SuggestionReady,
)
from tui.assist.suggestions import Suggestions
from tui.settings import SuggestionSettings

__all__ = ["world"]


def unsure(number: int, text: str) -> Completed:
    sure = completed(number, text).completion
    return Completed(number, msgspec.structs.replace(sure, shown=False))


def test_a_rest_of_the_keys_asks_once_and_shows_what_comes(world):
    say = world.suggestions
    say.edited(at("def f"))
    world.wait(99)
    say.edited(at("def f("))
    world.wait(99)
    assert world.requests == []
    world.wait(1)
    (request,) = world.requests
    assert (request.prefix, request.suffix, request.path) == ("def f(", "\nrest", "a.py")
    assert (request.max_tokens, request.multi_line) == (64, True)
    assert world.automatic == [True]
    world.wait(40)
    say.on_engine(PartialText(1, "self"))
    world.wait(60)
    say.on_engine(completed(1, "self):\n    pass"))
    partial, final = [e for e in world.events if isinstance(e, SuggestionReady)]
    assert (partial.text, partial.complete, partial.completion) == ("self", False, None)
    assert (final.text, final.complete, final.from_cache) == ("self):\n    pass", True, False)
    assert final.completion.finish_reason == "stop"
    assert partial.latency_ms == pytest.approx(140)
    assert final.latency_ms == pytest.approx(200)
    assert final.place == at("def f(")
    states = [event.state for event in world.events if isinstance(event, StateChanged)]
    assert states == ["waiting", "asking", "idle"]


def test_a_key_cancels_what_nobody_knows_yet_and_the_newest_wins(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    say.edited(at("x "))
    assert world.cancelled == []  # what it says may still fit
    world.wait(100)
    assert world.cancelled == [1]
    assert [request.prefix for request in world.requests] == ["x", "x "]
    world.events.clear()
    say.on_engine(PartialText(1, "old"))
    say.on_engine(completed(1, "old"))
    assert world.shown() == []
    say.on_engine(completed(2, "= 1"))
    assert world.shown() == ["= 1"]


def test_a_request_whose_text_is_being_typed_goes_on(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(PartialText(1, "= 1"))
    world.events.clear()
    say.edited(at("x ="))
    assert world.shown() == [" 1"]
    say.edited(at("x = 1"))
    say.edited(at("x = 12"))  # ahead of what has come, and not against it
    assert world.cancelled == []
    say.on_engine(PartialText(1, "= 123"))
    assert world.shown() == ["3"]
    say.on_engine(completed(1, "= 1234"))
    assert world.shown() == ["34"]
    world.wait(1000)
    assert len(world.requests) == 1


def test_typing_something_else_cancels_it(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(PartialText(1, "= 1"))
    say.edited(at("x +"))
    assert world.cancelled == [1]
    world.wait(100)
    assert world.requests[-1].prefix == "x +"


def test_ahead_of_the_text_and_then_against_it_asks_anew(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(PartialText(1, "="))
    say.edited(at("x = a"))
    say.on_engine(PartialText(1, "= 1"))
    assert world.cancelled == [1]
    world.wait(100)
    assert world.requests[-1].prefix == "x = a"
    say.on_engine(PartialText(2, " + b"))
    say.edited(at("x = a + bc"))
    world.events.clear()
    say.on_engine(completed(2, " + b"))
    assert world.shown() == []
    world.wait(100)
    assert world.requests[-1].prefix == "x = a + bc"


def test_what_was_suggested_before_comes_at_once(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(completed(1, "= 1 + y"))
    world.events.clear()
    say.edited(at("x = 1"))
    ready = world.last()
    assert (ready.text, ready.from_cache, ready.latency_ms) == (" + y", True, 0)
    say.edited(at("x "))  # and backwards
    assert world.shown()[-1] == "= 1 + y"
    assert len(world.requests) == 1


def test_nothing_to_suggest_is_said_and_remembered(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    said = completed(1, "", "trimmed")
    why = "it repeats the line above"
    say.on_engine(
        msgspec.structs.replace(
            said, completion=msgspec.structs.replace(said.completion, held_back=why)
        )
    )
    assert world.last().reason == why
    assert world.last().completion.finish_reason == "trimmed"
    say.edited(at("xy"))
    say.edited(at("x"))
    world.wait(100)
    assert world.last().reason == "nothing to suggest here"
    assert len(world.requests) == 1


def test_a_move_cancels_and_asks_after_a_longer_rest_at_the_end_of_a_line(world):
    say = world.suggestions
    say.edited(at("def f():"))
    world.wait(100)
    say.moved(at("def f():\n    "))
    assert world.cancelled == [1]
    world.wait(299)
    assert len(world.requests) == 1
    world.wait(1)
    assert world.requests[-1].prefix == "def f():\n    "
    world.events.clear()
    say.moved(at("def f", "():\n"))
    world.wait(1000)
    assert [request.max_tokens for request in world.requests] == [64, 64, 1]  # only read
    say.on_engine(completed(3, "oo"))
    assert world.shown() == []


def test_asking_needs_no_rest_and_says_so_to_the_engine(world):
    say = world.suggestions
    say.paused = True
    say.ask(at("x = ", " + 1", language="rust", path="a.rs"))
    (request,) = world.requests
    assert (request.multi_line, world.automatic) == (False, [False])
    say.on_engine(completed(1, "y"))
    assert world.last().note == "spark-nano knows only python"
    say.ask(at("x", path=".env"))
    assert world.last() == NoSuggestion("secret file (.env)")
    assert len(world.requests) == 1


def test_dismissed_offers_nothing_until_the_text_changes(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.on_engine(PartialText(1, "= 1"))
    say.dismissed()
    assert world.cancelled == [1]
    world.events.clear()
    say.on_engine(completed(1, "= 1 + 1", "cancelled"))
    say.moved(at("x"))
    say.moved(at("x "))
    world.wait(1000)
    assert world.shown() == []
    assert len(world.requests) == 1
    say.edited(at("x = "))
    world.wait(100)
    assert world.requests[-1].prefix == "x = "


def test_pause_stops_everything_and_resume_starts_again(world):
    say = world.suggestions
    say.edited(at("x"))
    world.wait(100)
    say.paused = True
    assert world.cancelled == [1]
    assert say.state == "paused"
    say.edited(at("x ="))
    assert world.last() == NoSuggestion("paused")
    world.wait(1000)
    assert len(world.requests) == 1
    say.paused = False
    world.wait(300)
    assert world.requests[-1].prefix == "x ="
    assert say.state == "asking"


def test_an_accepted_suggestion_asks_for_the_next_at_once(world):
    say = world.suggestions
    say.edited(at("x = 1"), accepted=True)
    assert world.requests[-1].multi_line


def test_a_change_nobody_wants_a_suggestion_for_only_stops(world):
    say = world.suggestions
    say.edited(at("x"))
    say.changed(at("y"))
    world.wait(1000)
    assert world.requests == []
    say.edited(at("x"))
    world.wait(100)
    say.changed(None)
    assert world.cancelled == [1]
    say.on_engine(completed(1, "late"))
    assert world.shown() == []


def test_two_messages_for_one_place_ask_once(world):
    say = world.suggestions
    say.edited(at("xy"))
    world.wait(60)
    say.edited(at("xy"))
    world.wait(40)
    assert len(world.requests) == 1
    say.edited(at("xy"))
    assert world.cancelled == []


def test_other_settings_hold_from_the_next_request(world):
    world.suggestions.settings = SuggestionSettings(
        delay_ms=0, ahead=False, max_tokens=7, multi_line=False
    )
    world.suggestions.edited(at("def f():"))
    (request,) = world.requests
    assert (request.max_tokens, request.multi_line) == (7, False)


def test_a_text_that_is_too_unlikely_is_not_shown_unasked_but_when_asked(world):
    say, place = world.suggestions, at("def f(")
    say.edited(place)
    world.wait(100)
    say.on_engine(unsure(1, "self"))
    assert world.last() == NoSuggestion(
        "too unlikely; Ctrl+L shows it", unsure(1, "self").completion
    )
    assert world.shown() == []
    say.moved(at("def f"))
    say.edited(place)
    world.wait(100)
    assert (len(world.requests), world.shown()) == (1, [])  # known, and still not sure
    say.ask(place)
    assert (len(world.requests), world.shown()) == (1, ["self"])


def test_behind_an_unlikely_text_is_asked_again(world):
    say = world.suggestions
    say.edited(at("def f("))
    world.wait(100)
    say.on_engine(unsure(1, "self"))
    say.edited(at("def f(s"))
    world.wait(100)
    assert len(world.requests) == 2
    say.on_engine(completed(2, "elf"))
    assert world.shown() == ["elf"]


def test_who_asks_is_shown_an_unlikely_text(world):
    world.suggestions.ask(at("def f("))
    world.suggestions.on_engine(unsure(1, "self"))
    assert world.shown() == ["self"]


def test_the_repository_goes_with_the_request_unless_set_off(world):
    say = Suggestions(
        world,
        SuggestionSettings(ahead=False),
        on_event=world.events.append,
        set_timer=world.set_timer,
        clock=lambda: world.now,
        secret_patterns=("private/",),
        repository="/repo",
    )
    say.on_engine(READY)
    say.ask(at("a"))
    say.settings = SuggestionSettings(repository_knowledge=False)
    say.ask(at("b"))
    first, second = world.requests
    assert (first.repository, first.private_patterns) == ("/repo", ("private/",))
    assert second.repository is None


def test_a_text_says_which_part_of_its_time_was_rest(world):
    world.suggestions.edited(at("def f("))
    world.wait(130)
    world.suggestions.on_engine(completed(1, "x):"))
    event = world.last()
    assert event.delay_ms == pytest.approx(100)
    assert event.latency_ms == pytest.approx(130)


def test_a_late_answer_that_fits_what_was_typed_is_shown_and_nothing_more_is_asked(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.edited(at("x ="))
    world.wait(50)
    say.on_engine(PartialText(1, "= 1"))
    assert world.shown() == [" 1"]
    say.on_engine(completed(1, "= 1 + y"))
    assert world.shown() == [" 1 + y"]
    world.wait(1000)
    assert len(world.requests) == 1


def test_a_late_answer_that_does_not_fit_changes_nothing(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.edited(at("x +"))
    world.wait(50)
    world.events.clear()
    say.on_engine(PartialText(1, "= 1"))
    assert world.shown() == []
    world.wait(50)
    assert [request.prefix for request in world.requests] == ["x ", "x +"]
    say.on_engine(completed(2, "= 2"))
    assert world.shown() == ["= 2"]


def test_a_late_answer_that_is_complete_and_does_not_fit_leaves_the_next_question_alone(world):
    say = world.suggestions
    say.edited(at("x "))
    world.wait(100)
    say.edited(at("x +"))
    say.on_engine(completed(1, "= 1"))
    assert world.shown() == []
    world.wait(100)
    assert len(world.requests) == 2


def test_somebody_who_types_fast_is_waited_for_inside_a_word(world):
    say = world.suggestions
    for number in range(12):
        say.edited(at("a" * number, "b = 1"[2:]))
        world.wait(90)
    say.edited(at("abc", " = 1"))
    world.wait(100)
    count = len(world.requests)
    assert count == 1  # ninety milliseconds a key: never a rest of a hundred before
    world.wait(60)
    say.on_engine(completed(1, ""))
    for number in range(12):
        say.edited(at("d" * number, " = 1"))
        world.wait(90)
    say.edited(at("def", " = 1"))
    world.wait(105)
    assert len(world.requests) == count
    world.wait(500)
    assert len(world.requests) == count + 1
