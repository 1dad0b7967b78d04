"""The words about an attempt at a suggestion."""

import pytest
from msgspec.structs import replace

from engine.protocol.completion import RepositoryStats
from tests.tui.assist.places import at
from tui.assist.acceptance import Acceptance, learn
from tui.assist.attempt import Attempt, explained, why_nothing
from tui.assist.policy import Decision
from tui.demo_engine import demo_completion

ASKED = Decision(ask=True, delay_ms=100, multi_line=True)
PLACE = at("def f():\n    ")


def attempt(text="return 1\n    more", **facts):
    completion = replace(demo_completion(text), **facts)
    return Attempt(PLACE, "typed", ASKED, "shown", completion, threshold=-0.5)


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        (attempt(shown=False, mean_logprob=-0.9), "too unlikely (5% < 25%); Ctrl+L shows it"),
        (
            attempt(shown=False, mean_logprob=-0.501),
            "too unlikely (just below 25%); Ctrl+L shows it",
        ),
        (attempt(shown=False), "too unlikely; Ctrl+L shows it"),
        (attempt(shown=False, mean_logprob=-0.1), "its beginning is too unlikely; Ctrl+L shows it"),
        (attempt("", shown=False, held_back="it goes in circles"), "it goes in circles"),
        (attempt("", shown=False), "nothing to suggest here"),
        (Attempt(PLACE, "typed", ASKED), "nothing to suggest here"),
    ],
)
def test_why_nothing_is_shown_fits_the_status_line(tried, why):
    assert why_nothing(tried) == why


def test_all_that_is_known_is_said():
    tried = attempt(mean_logprob=-0.1, repository=RepositoryStats(3, 400, 0.25, 0.5))
    said = dict(explained(tried))
    assert said["place"] == "a.py: def f(): ⏎     ▏"
    assert said["decision"] == "ask for several lines after a rest of 100 ms"
    assert said["answer"] == "return 1 (and 1 line more)"
    assert said["chance"] == "66% that you take it; shown by itself from 25%"
    assert said["model"] == "spark-demo: 0.90 a token on average, its own threshold 0.61"
    assert said["repository"].startswith("3 other files read; 25.0%")
    assert "cut because" not in said


def test_a_refusal_is_said_without_an_answer():
    refused = Attempt(PLACE, "moved", Decision(False, "paused"), "paused")
    said = dict(explained(refused))
    assert said["decision"] == "ask nothing: paused"
    assert set(said) == {"place", "because", "decision", "outcome"}


def test_what_was_known_then_counts():
    known = learn(Acceptance(), -0.1, -0.5, taken=True)
    tried = Attempt(
        PLACE, "typed", ASKED, "shown", attempt(mean_logprob=-0.1).completion, acceptance=known
    )
    assert dict(explained(tried))["learnt from"].startswith("1 suggestions that you took, 0")
