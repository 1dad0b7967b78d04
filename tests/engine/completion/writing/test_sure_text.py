"""The sure beginning of a text that nobody asked for, in a session that is unsure of the rest."""

import pytest

from engine.completion.writing.sure_text import EARLY, MARGIN, SLACK, SureText, TextSoFar
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


@pytest.mark.parametrize("sure_only", [True, False])
def test_a_doubtful_beginning_is_not_made_up_for_by_what_follows(sure_only: bool) -> None:
    """The mean of all is far above the threshold, that of eight tokens −1.6 ÷ 8."""
    long = " + ".join("1234567890")
    texts = {long: 0.2} | dict.fromkeys("vwxyz", 0.16)
    done, told = complete(texts, THRESHOLD, sure_only=sure_only)
    assert done.mean_logprob is not None
    assert done.mean_logprob > THRESHOLD + MARGIN
    assert (done.text, done.shown, bool(told)) == (long, False, not sure_only)


def so_far(text: str, mean: float | None, scored: int, *, lasting: str | None = None) -> TextSoFar:
    """Return a text of which all lasts, unless something else is given."""
    return TextSoFar(text, text if lasting is None else lasting, mean, scored, scored)


@pytest.mark.parametrize(
    ("mean", "scored", "sure"),
    [
        (None, 0, False),
        (-1.0 + MARGIN - 0.01, EARLY, False),
        (-1.0 + MARGIN + 0.01, EARLY, True),
        (-1.0 + SLACK - 0.01, 1, False),
        (-1.0 + SLACK + 0.01, 1, True),
        (-0.1, EARLY + 1, False),
    ],
)
def test_what_counts_as_sure(mean: float | None, scored: int, sure: bool) -> None:
    text = SureText(-1.0)
    assert text.grows(so_far("x", mean, scored)) is sure
    assert text.of_whole(so_far("x = 1", -2.0, scored + 1)) == ("x" if sure else "")
    assert not text.of_whole(so_far("y", -2.0, scored + 1))


def test_what_became_sure_late_is_not_shown_and_what_is_whole_by_then_is() -> None:
    for scored, shown in ((EARLY, "x = 1"), (EARLY + 1, "")):
        text = SureText(-1.0)
        assert not text.grows(so_far("x", -1.5, scored - 1))
        assert text.of_whole(so_far("x = 1", -1.0, scored)) == shown


def test_what_was_sure_early_may_grow_late() -> None:
    text = SureText(-1.0)
    assert text.grows(so_far("x", -0.1, 1))
    assert not text.grows(so_far("x = 1", -1.5, 4))
    assert text.grows(so_far("x = 1\ny = 2", -0.1, EARLY + 9))


def test_a_line_in_doubt_is_sure_early_and_shown_when_it_lasts() -> None:
    text = SureText(-1.0)
    assert not text.grows(so_far("def f", -0.1, 2, lasting=""))
    assert text.grows(so_far("def further(", -0.1, EARLY + 2))


def test_a_line_in_doubt_that_is_unsure_meanwhile_begins_anew() -> None:
    text = SureText(-1.0)
    assert not text.grows(so_far("def f", -0.1, 2, lasting=""))
    assert not text.grows(so_far("def furth", -1.5, 4, lasting=""))
    assert not text.grows(so_far("def further(", -0.1, EARLY + 2))


def test_tokens_that_were_taken_back_count() -> None:
    text = SureText(-1.0)
    assert not text.grows(TextSoFar("else:", "else:", -0.1, 2, EARLY + 1))


def test_white_space_makes_nothing_sure() -> None:
    text = SureText(-1.0)
    assert not text.grows(so_far("\n    ", -0.1, 2))
    assert not text.grows(so_far("\n    return", -0.1, EARLY + 1))


def test_a_model_without_a_threshold_shows_a_text_of_any_length() -> None:
    text = SureText(None)
    assert text.grows(so_far("x", -9.0, EARLY + 1))
    assert text.of_whole(so_far("x = 1", -9.0, 99)) == "x = 1"


def test_white_space_alone_is_nothing_to_show() -> None:
    assert not SureText(None).grows(so_far("  ", 0.0, 9))


def test_what_was_told_is_not_told_again() -> None:
    text = SureText(None)
    assert text.grows(so_far("x", 0.0, 9))
    assert not text.grows(so_far("x", 0.0, 10))
