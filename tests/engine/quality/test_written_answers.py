"""Answers that are written once: what they are at a threshold is what an app with it gets."""

from pathlib import Path

import pytest

from engine.completion.writing.sure_text import TextSoFar
from engine.quality.answers import CursorAnswer, ModelAnswers, Question
from engine.quality.written_answers import WrittenAnswer, WrittenAnswers, question_key
from tests.canned import canned_session
from tests.engine.quality.test_answers import learning_session

QUESTION = Question(Path("/data/a"), "x.py", "def f():\n    ", "\n", asked=False)


def so_far(text: str, mean: float | None, scored: int) -> TextSoFar:
    return TextSoFar(text, text, mean, scored, scored)


DRAFTS = (so_far("re", -0.5, 1), so_far("return", -0.1, 3), so_far("return x", -0.28, 5))


def written(text: str = "return x + y", drafts: tuple[TextSoFar, ...] = ()) -> WrittenAnswer:
    return WrittenAnswer(so_far(text, -0.4, 8), drafts)


@pytest.mark.parametrize("threshold", [None, -9.0, -1.0, -0.5, -0.05, -0.01, 0.0])
def test_at_a_threshold_it_is_what_a_session_with_it_answers(tmp_path: Path, threshold) -> None:
    question = Question(tmp_path, "x.py", "def f():\n    ", "\n", asked=False)
    asked = ModelAnswers(learning_session("return 1\n", threshold), repository=True)
    once = WrittenAnswers(learning_session("return 1\n", -0.3), {}, lambda key, answer: None)
    once.threshold = threshold
    expected, found = asked.answer(question), once.answer(question)
    assert (found.text, found.shown, found.whole, found.drafts) == (
        expected.text,
        expected.shown,
        expected.whole,
        expected.drafts,
    )


def test_a_likely_text_is_shown_whole() -> None:
    answer = written(drafts=DRAFTS).at(-0.45)
    assert (answer.text, answer.shown, answer.whole) == ("return x + y", True, True)
    assert answer.drafts == ("return", "return x")


def test_of_an_unlikely_text_the_sure_beginning_is_shown() -> None:
    answer = written(drafts=DRAFTS).at(-0.3)
    assert (answer.text, answer.shown, answer.whole) == ("return", True, False)


def test_a_beginning_that_was_taken_back_is_none() -> None:
    answer = written(drafts=(so_far("raise E", -0.01, 7),)).at(-0.3)
    assert (answer.text, answer.shown, answer.whole) == ("return x + y", False, True)


def test_nothing_is_never_shown() -> None:
    assert written(text=" ").at(None) == CursorAnswer(" ", 8, shown=False)


def test_each_question_is_asked_once_and_told() -> None:
    told, session = [], canned_session("return 1")
    answers = WrittenAnswers(session, {}, lambda key, answer: told.append(key), repository=False)
    for threshold in (None, -1.0):
        answers.threshold = threshold
        assert answers.answer(QUESTION).text == "return 1"
    assert told == [question_key(QUESTION)]


def test_what_is_known_is_not_asked() -> None:
    known = {question_key(QUESTION): written(text="known")}
    answers = WrittenAnswers(canned_session("new"), known, lambda key, answer: None)
    answers.threshold = None
    assert answers.answer(QUESTION).text == "known"


def test_questions_that_differ_have_other_keys_and_places_on_disk_do_not_count() -> None:
    from dataclasses import replace

    changes = ({"prefix": "x"}, {"suffix": "x"}, {"path": "y"}, {"multi_line": True})
    keys = {question_key(replace(QUESTION, **change)) for change in changes}
    assert len(keys | {question_key(QUESTION)}) == 5
    assert question_key(replace(QUESTION, root=Path("/elsewhere/a"))) == question_key(QUESTION)
