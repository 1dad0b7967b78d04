"""What is counted of each suggestion, from the screen to its end."""

from collections import defaultdict

import pytest
from msgspec.structs import replace

from tests.tui.assist.places import at
from tui.assist.numbers.counts import OutcomeCounts, SuggestionKind
from tui.assist.numbers.outcomes import Outcomes
from tui.assist.suggestion_events import NoSuggestion, SuggestionReady
from tui.demo_engine import demo_completion

NANO = SuggestionKind("nano", "py")


class Page:
    """A screen on which suggestions appear."""

    def __init__(self):
        self.all = defaultdict(OutcomeCounts)
        self.outcomes = Outcomes(
            lambda model: SuggestionKind(model or "nano", "py"), lambda kind: self.all[kind]
        )

    @property
    def counts(self):
        return self.all[NANO]

    def shows(self, text, **more):
        self.outcomes.shown(SuggestionReady(at("x"), text, 100.0, **more))


@pytest.fixture
def page():
    return Page()


def answer(text="return x", **host):
    completion = demo_completion(text)
    return replace(completion, model="nano", host=replace(completion.host, **host))


def test_a_suggestion_that_grows_is_shown_once(page):
    for text in ("re", "return", "return x"):
        page.shows(text, complete=False)
    page.shows("return x", completion=answer())
    assert page.counts.shown == 1
    assert page.counts.dismissed == 0


def test_another_text_at_once_is_another_suggestion(page):
    page.shows("return x")
    page.shows("raise y")
    assert (page.counts.shown, page.counts.dismissed) == (2, 1)


def test_looking_through_other_texts_is_one_suggestion(page):
    page.shows("return x")
    page.shows("raise y", rank="2/3")
    page.outcomes.accepted("raise y", "all")
    assert (page.counts.shown, page.counts.accepted, page.counts.dismissed) == (1, 1, 0)


def test_accepting_by_words_counts_one_suggestion_and_each_key(page):
    page.shows("return x + y")
    assert page.outcomes.accepted("return", "word") == NANO
    assert page.outcomes.accepted(" x", "word") is None
    assert page.outcomes.accepted(" + y", "all") is None
    counts = page.counts
    assert (counts.accepted, counts.accept_keys) == (1, {"word": 2, "all": 1})
    assert (counts.characters_accepted, counts.keys_saved) == (12, 9)
    page.outcomes.ended("moved")
    assert counts.dismissed == 0


def test_indentation_is_nobodys_key(page):
    page.shows("a\n        b")
    page.outcomes.accepted("a\n        b", "all")
    assert page.counts.characters_accepted == 3


@pytest.mark.parametrize("reason", ["escape", "typed", "moved", "blur", "undo"])
def test_a_suggestion_of_which_nothing_is_kept_is_dismissed(page, reason):
    page.shows("return x")
    page.outcomes.ended(reason)
    assert page.counts.dismissed == 1
    assert page.counts.refused == (reason == "escape")


def test_a_suggestion_that_was_typed_is_not_dismissed(page):
    page.shows("return x")
    page.outcomes.typed("eturn x")
    page.outcomes.ended("escape")
    page.shows("y")
    page.outcomes.ended("finished")
    assert (page.counts.shown, page.counts.dismissed, page.counts.refused) == (2, 0, 0)
    assert page.counts.characters_typed == 1


def test_the_parts_of_the_time_add_up_to_the_whole(page):
    host = {"queue_ms": 5.0, "prefill_ms": 20.0, "decode_ms": 30.0, "trim_ms": 1.0}
    page.shows("return x", completion=answer(**host), delay_ms=40.0)
    page.outcomes.painted(8.0)
    times = page.counts.times
    assert sorted(times) == [
        "decode", "delay", "first_text", "other", "paint", "prefill", "queue", "trim", "whole"
    ]  # fmt: skip
    assert all(sum(histogram.values()) == 1 for histogram in times.values())


def test_what_the_cache_gave_has_no_time_but_that_of_painting(page):
    page.shows("return x", from_cache=True)
    page.outcomes.painted(8.0)
    assert list(page.counts.times) == ["paint"]


def test_an_answer_that_was_held_back_is_counted(page):
    page.outcomes.withheld(NoSuggestion("unsure", replace(answer(), shown=False)))
    page.outcomes.withheld(NoSuggestion("nothing", replace(answer(""), shown=False)))
    page.outcomes.withheld(NoSuggestion("paused"))
    assert page.counts.held_back == 1


def test_suggestions_count_for_the_model_that_wrote_them(page):
    page.shows("x", completion=replace(answer(), model="large"))
    assert page.all[SuggestionKind("large", "py")].shown == 1
