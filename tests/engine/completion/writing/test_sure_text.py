"""The sure beginning of a text that nobody asked for, in a session that is unsure of the rest."""

from dataclasses import dataclass

import pytest

from engine.completion.writing.sure_text import MARGIN, SLACK, SureText
from engine.knowledge.tuning import EXPERTS, Tuning
from engine.protocol.completion import Completion, CompletionRequest
from tests.canned import session_on
from tests.engine.completion.writing.test_writer import PREFIX, UndecidedWafer

UNSURE = {f"y = {end}": 0.25 for end in "1234"}
SURE = {"y = 1": 0.99, "y = 2": 0.01}
THRESHOLD = -0.2


def complete(
    texts: dict[str, float], threshold: float | None, *, sure_only: bool = True
) -> tuple[Completion, list[str]]:
    """Return the answer and all that was told on the way."""
    mixture = {name: dict.fromkeys(features, 0.0) for name, features in EXPERTS.items()}
    session = session_on(UndecidedWafer(texts), Tuning(mixture, threshold, "", {}))
    told: list[str] = []
    request = CompletionRequest("a.py", PREFIX, "\n")
    return session.complete(request, on_text=told.append, sure_only=sure_only), told


def test_the_sure_beginning_is_the_answer_where_the_rest_is_unlikely() -> None:
    done, told = complete(UNSURE, THRESHOLD)
    assert (done.text, done.finish_reason, done.shown) == ("y =", "unsure", True)
    assert told == ["y", "y ="]


def test_a_person_who_asks_gets_all_of_it() -> None:
    done, told = complete(UNSURE, THRESHOLD, sure_only=False)
    assert (done.text, done.finish_reason, done.shown) == ("y = 1", "stop", False)
    assert told[0] == "y"


def test_a_likely_text_is_whole() -> None:
    done, told = complete(SURE, THRESHOLD)
    assert (done.text, done.finish_reason, done.shown) == ("y = 1", "stop", True)
    assert told
    assert all(done.text.startswith(each) for each in told)


def test_a_model_without_a_threshold_tells_everything() -> None:
    done, told = complete(UNSURE, None)
    assert (done.text, done.shown) == ("y = 1", True)
    assert told[0] == "y"


def test_no_beginning_is_sure_enough_for_a_strict_threshold() -> None:
    done, told = complete(UNSURE, -MARGIN / 2)
    assert (done.text, done.shown, told) == ("y = 1", False, [])


@dataclass
class Written:
    """What of a draft is asked for."""

    mean_logprob: float | None
    scored: int


@pytest.mark.parametrize(
    ("mean", "scored", "sure"),
    [
        (None, 0, False),
        (-1.0 + MARGIN - 0.01, 100, False),
        (-1.0 + MARGIN + 0.01, 100, True),
        (-1.0 + SLACK - 0.01, 1, False),
        (-1.0 + SLACK + 0.01, 1, True),
    ],
)
def test_what_counts_as_sure(mean: float | None, scored: int, sure: bool) -> None:
    text = SureText(-1.0)
    assert text.grows("x", Written(mean, scored)) is sure  # type: ignore[arg-type]
    assert text.begins("x = 1") is sure
    assert not text.begins("y")


def test_white_space_alone_is_nothing_to_show() -> None:
    assert not SureText(None).grows("  ", Written(0.0, 9))  # type: ignore[arg-type]


def test_what_was_told_is_not_told_again() -> None:
    text = SureText(None)
    assert text.grows("x", Written(0.0, 9))  # type: ignore[arg-type]
    assert not text.grows("x", Written(0.0, 10))  # type: ignore[arg-type]
