"""A small model answers first, the large one confirms or replaces it, once."""

import msgspec
import pytest
from msgspec.structs import replace

from engine.protocol.messages import Failed, PartialText
from tests.tui.assist.paper_world import MODEL, READY, World, at, completed, world
from tui.assist.quick_session import QuickSession, asks_first, replaces
from tui.assist.suggestion_events import SuggestionReady

__all__ = ["world"]

LARGE = replace(MODEL, name="large", parameters=1000, language="any")
QUICK = QuickSession(7, MODEL)
PLACE = at("x = ")


@pytest.mark.parametrize(
    ("quick", "serving", "place", "trigger", "asks"),
    [
        (QUICK, LARGE, PLACE, "typed", True),
        (QUICK, LARGE, PLACE, "accepted", True),
        (QUICK, LARGE, PLACE, "asked", False),
        (None, LARGE, PLACE, "typed", False),
        (QUICK, None, PLACE, "typed", False),
        (QUICK, MODEL, PLACE, "typed", False),
        (QUICK, LARGE, at("x", language="rust"), "typed", False),
    ],
)
def test_when_the_small_one_is_asked(quick, serving, place, trigger, asks):
    assert asks_first(quick, serving, place, trigger) is asks


@pytest.mark.parametrize(
    ("shown", "coming", "complete", "takes_its_place"),
    [
        ("", "a", False, True),
        ("abc", "ab", False, False),
        ("abc", "abc", True, True),
        ("abc", "ab", True, True),
        ("abc", "abd", False, True),
        ("abc", "abcd", False, True),
        ("abc", " ", True, False),
    ],
)
def test_what_takes_the_place_of_what(shown, coming, complete, takes_its_place):
    assert replaces(shown, coming, complete=complete) is takes_its_place


@pytest.fixture
def two(world: World) -> World:
    """A world with two models, in which the small one was asked at `x = `."""
    world.suggestions.on_engine(replace(READY, model=LARGE))
    world.suggestions.quick = QUICK
    world.suggestions.edited(PLACE)
    world.wait(100)
    assert world.sessions == [7]
    world.events.clear()
    return world


def test_the_small_one_is_shown_and_the_large_one_confirms_it_without_a_flicker(two):
    say = two.suggestions
    say.on_engine(completed(1, "one + two"))
    assert two.shown() == ["one + two"]
    assert two.sessions == [7, 1]
    say.on_engine(PartialText(2, "one"))
    assert two.shown() == []  # it would only shrink
    say.on_engine(completed(2, "one + two"))
    assert two.shown() == ["one + two"]
    assert say.state == "idle"


@pytest.mark.parametrize("sure", [True, False])
def test_the_large_one_hears_what_the_small_one_said(two, sure):
    answer = completed(1, "one + two")
    said = msgspec.structs.replace(answer.completion, shown=sure)
    two.suggestions.on_engine(msgspec.structs.replace(answer, completion=said))
    assert [request.expected for request in two.requests] == ["", "one + two"]


def test_the_large_one_takes_its_place_once(two):
    say = two.suggestions
    say.on_engine(completed(1, "one + two"))
    say.on_engine(PartialText(2, "one"))
    two.shown()
    for text in ("one - ", "one - three"):
        say.on_engine(PartialText(2, text))
    say.on_engine(completed(2, "one - three"))
    assert two.shown() == ["one - ", "one - three", "one - three"]


def test_where_the_large_one_has_nothing_the_small_one_stays(two):
    say = two.suggestions
    say.on_engine(completed(1, "one"))
    two.events.clear()
    answer = completed(2, "two")
    unsure = msgspec.structs.replace(answer.completion, shown=False)
    say.on_engine(msgspec.structs.replace(answer, completion=unsure))
    assert two.shown() == []


def test_what_the_small_one_is_not_sure_of_is_not_shown(two):
    say = two.suggestions
    answer = completed(1, "one")
    unsure = msgspec.structs.replace(answer.completion, shown=False)
    say.on_engine(msgspec.structs.replace(answer, completion=unsure))
    assert two.shown() == []
    assert two.sessions == [7, 1]


def test_a_small_one_that_fails_is_no_obstacle(two):
    two.suggestions.on_engine(Failed(1, "closed"))
    assert two.sessions == [7, 1]


def test_text_that_was_typed_does_not_change(two):
    say = two.suggestions
    say.on_engine(completed(1, "one + two"))
    two.events.clear()
    say.edited(at("x = on"))
    say.on_engine(completed(2, "other"))
    assert two.shown() == []  # the editor keeps the rest of what is being typed
    two.wait(100)
    assert two.sessions[-1] == 1  # the small one's text is still shown


def test_typing_what_the_small_one_says_keeps_the_large_ones_answer(two):
    say = two.suggestions
    say.on_engine(completed(1, "one + two"))
    say.edited(at("x = on"))
    two.events.clear()
    say.on_engine(completed(2, "one - three"))
    assert two.shown() == ["e - three"]


def test_who_goes_on_hears_no_more_of_either(two):
    say = two.suggestions
    say.moved(at("y"))
    assert two.cancelled == [1]
    two.events.clear()
    say.on_engine(completed(1, "one"))
    assert [event for event in two.events if isinstance(event, SuggestionReady)] == []


@pytest.mark.parametrize("said", [PartialText(1, "one + t"), completed(1, "one + two")])
def test_typing_on_does_not_let_the_small_ones_text_begin_anew(two, said):
    say = two.suggestions
    say.on_engine(said)
    two.events.clear()
    say.edited(at("x = o"))
    two.wait(200)
    assert two.sessions[-1] == 1
    number = len(two.sessions)
    say.on_engine(PartialText(number, "n"))
    assert two.shown() == []
    say.on_engine(completed(number, "ne + two"))
    assert two.shown() == ["ne + two"]


def test_once_its_text_is_typed_the_small_one_is_asked_again(two):
    say = two.suggestions
    say.on_engine(completed(1, "one"))
    say.edited(at("x = one"))
    say.on_engine(completed(2, "other"))
    two.wait(200)
    assert two.sessions[-1] == 7


@pytest.mark.parametrize("leave", ["moved", "dismissed", "changed"])
def test_text_that_is_gone_is_not_thought_to_stand(two, leave):
    say = two.suggestions
    say.on_engine(completed(1, "one + two"))
    if leave == "dismissed":
        say.dismissed()
    else:
        getattr(say, leave)(at("y"))
    say.edited(at("x = o"))
    two.wait(200)
    assert two.sessions[-1] == 7


@pytest.mark.parametrize("delay_ms", [0, 30, 90, 250])
@pytest.mark.parametrize("keys", ["", "o", "one", "one +"])
def test_text_under_the_eyes_only_grows_or_changes_once(two, delay_ms, keys):
    """A person types what is shown while both models write; at each moment a ghost stands."""
    say, ghost, shrunk = two.suggestions, "", []
    texts = {7: "one + two", 1: "one + three"}
    typed = ""
    for step, key in enumerate(["", *keys]):
        typed += key
        if key:
            assert ghost.startswith(key)
            ghost = ghost[1:]
            say.edited(at("x = " + typed))
        two.wait(delay_ms)
        number = len(two.sessions)
        text = texts[two.sessions[-1]].removeprefix(two.requests[-1].prefix.removeprefix("x = "))
        for event in (PartialText(number, text[:2]), PartialText(number, text[:6])):
            say.on_engine(event)
            for now in two.shown():
                shrunk += [(step, ghost, now)] if ghost != now and ghost.startswith(now) else []
                ghost = now
        if not step:
            say.on_engine(completed(1, texts[7]))
            ghost = two.shown()[-1]
    assert not shrunk
