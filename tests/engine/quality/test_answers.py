from pathlib import Path

import pytest

from engine.knowledge.tuning import EXPERTS, Tuning
from engine.quality.answers import ModelAnswers, NothingBaseline, Question
from engine.quality.nearest_line_baseline import NearestLineBaseline
from engine.quality.ngram_baseline import NGramBaseline
from engine.session import Session
from tests.canned import CannedWafer, canned_session, session_on
from tests.engine.quality.baseline_questions import ask, corpus


def test_nothing_suggests_nothing() -> None:
    assert ask(NothingBaseline(), "x = ") == ""


# ── a session ───────────────────────────────────────────────────────────────────────────────


def test_a_session_answers_questions(tmp_path: Path) -> None:
    model = ModelAnswers(canned_session("return 1\n"), repository=True)
    model.prepare(tmp_path)
    answer = model.answer(Question(tmp_path, "x.py", "def f():\n    ", "\n"))
    assert answer.text == "return 1"
    assert answer.drafts[-1] == "return 1"
    assert answer.tokens == 9


def test_a_repository_is_read_once_for_all_its_questions(tmp_path: Path) -> None:
    read: list[str] = []
    session = canned_session("pass")
    session.read_repository = lambda root, patterns: read.append(root)  # type: ignore
    model = ModelAnswers(session, repository=True)
    for root in (tmp_path, tmp_path, tmp_path / "b"):
        model.prepare(root)
    assert read == [str(tmp_path), str(tmp_path / "b")]
    ModelAnswers(session, repository=False).prepare(tmp_path / "c")
    assert len(read) == 2


def test_of_a_text_that_nobody_asked_for_only_the_sure_part_is_seen(tmp_path: Path) -> None:
    """With this threshold no text is sure before it is complete."""
    for asked, threshold, drafts in ((True, 0.0, True), (False, None, True), (False, 0.0, False)):
        question = Question(tmp_path, "x.py", "def f():\n    ", "\n", asked=asked)
        session = learning_session("return 1\n", threshold)
        answer = ModelAnswers(session, repository=True).answer(question)
        assert bool(answer.drafts) is drafts
        assert answer.whole


# ── no leak through the corpus ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [NGramBaseline, NearestLineBaseline])
@pytest.mark.parametrize("prefix", ["import os\n\n\n", "import os\n\n\nunique_"])
def test_the_text_left_out_is_nowhere_to_be_found(kind: type, prefix: str) -> None:
    """The file on disk, which is in the corpus, still has the answer."""
    head, line, tail = "import os\n\n\n", "unique_name = answer_to_it(42)", "\n\nother = 2\n"
    whole, holed = (
        corpus(a="import os\n", x=head + line + tail),
        corpus(a="import os\n", x=head + tail),
    )
    answers = [ask(kind(each), prefix, tail) for each in (whole, holed)]
    assert answers[0] == answers[1]
    assert "answer_to_it" not in answers[0]


@pytest.mark.parametrize("kind", [NGramBaseline, NearestLineBaseline])
def test_what_another_file_says_may_be_used(kind: type) -> None:
    head, line = "import os\n\n\n", "unique_name = answer_to_it(42)"
    both = corpus(x=head + line, y=head + line + "\n")
    assert ask(kind(both), head + "unique_") == "name = answer_to_it(42)"


# ── no leak through the repository ──────────────────────────────────────────────────────────


def learning_session(text: str, threshold: float | None = None) -> Session:
    """A session that says ``text``, with experts that weigh more than the model."""
    mixture = {expert: dict.fromkeys(names, 2.0) for expert, names in EXPERTS.items()}
    wafer = CannedWafer(text, context_length=2048)
    return session_on(wafer, Tuning(mixture, threshold, "", {}))


def repository(root: Path, user: str) -> Path:
    root.mkdir()
    (root / "helper.py").write_text("def prepare(value):\n    return value\n")
    (root / "user.py").write_text(user)
    return root


@pytest.mark.parametrize("earlier", [False, True])
def test_the_answer_on_disk_changes_nothing(tmp_path: Path, earlier: bool) -> None:
    """With the target on disk and without it, the session says and weighs the same.

    Also where the target is asked for after a question that had it in its text.
    """
    head, tail = "from helper import prepare\n\n\n", "\n\nother = prepare(2)\n"
    target = "unique_name = prepare(secret_answer_42)"
    outcomes = []
    for name, on_disk in (("whole", head + target + tail), ("holed", head + tail)):
        root = repository(tmp_path / name, on_disk)
        model = ModelAnswers(learning_session("x = 1"), repository=True)
        model.prepare(root)
        if earlier:
            model.answer(Question(root, "user.py", head + target + "\n", tail))
        question = Question(root, "user.py", head, tail)
        outcomes.append((model.answer(question).text, model.bits(question, target)))
    (whole, whole_bits), (holed, holed_bits) = outcomes
    assert whole == holed
    # Which lengths of contexts are looked at may depend on the file on disk, what follows not.
    assert whole_bits == pytest.approx(holed_bits, rel=2e-3)


def test_the_same_text_in_another_file_does_change_something(tmp_path: Path) -> None:
    """Or the test above would show nothing."""
    head, target = "from helper import prepare\n\n\n", "unique_name = prepare(secret_answer_42)"
    bits = []
    for name, other in (("known", head + target), ("unknown", "pass")):
        root = repository(tmp_path / name, "pass\n")
        (root / "twin.py").write_text(other + "\n")
        model = ModelAnswers(learning_session("x = 1"), repository=True)
        model.prepare(root)
        bits.append(model.bits(Question(root, "user.py", head, "\n"), target))
    assert bits[0] < bits[1] / 2
