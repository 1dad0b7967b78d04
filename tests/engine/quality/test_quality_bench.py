import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from engine.knowledge.tuning import EXPERTS, Tuning
from engine.quality import SUITES
from engine.quality.answers import Answer, ModelAnswers, Question
from engine.quality.bench import QualityBench
from engine.quality.items import KINDS
from engine.quality.replay import Typed, draw_stretches, summary
from engine.session import Session
from tests.canned import CannedWafer, canned_session, session_on


class Scripted:
    """A model whose answer is a function of the question; every target takes 8 bits."""

    def __init__(self, say: Callable[[Question], str]) -> None:
        self._say = say
        self.asked: list[Question] = []
        self.prepared: list[Path] = []

    def prepare(self, root: Path) -> None:
        self.prepared.append(root)

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        return Answer(self._say(question), changed=0.5, weight=0.25)

    def bits(self, question: Question, target: str) -> float:
        return 8.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for package in ("a", "b"):
        for number in range(3):
            path = tmp_path / package / f"m{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(
                dedent(f"""\
                from .m{(number + 1) % 3} import Name{(number + 1) % 3}


                class Name{number}:
                    def run_{package}(self, value):
                        result = self.compute(value, {number})
                        if result is None:
                            raise ValueError("no {number}")
                        return Name{(number + 1) % 3}(result)

                    def compute(self, first, second):
                        total = first + second
                        total = total * {number}
                        return total - {number}
            """)
            )
    return tmp_path


def knows_all(data: Path) -> Scripted:
    """A model that looks the answer up in the file."""

    def say(question: Question) -> str:
        whole = (question.root / question.path).read_text()
        return whole[len(question.prefix) : len(whole) - len(question.suffix)]

    return Scripted(say)


def quiet(done: int, total: int) -> None:
    pass


def test_the_suites_are_the_kinds_of_questions_and_the_replay() -> None:
    assert (*KINDS, "replay") == SUITES


def test_right_answers_score_full_marks(data: Path) -> None:
    bench = QualityBench(data)
    for kind in KINDS:
        figures = bench.measure(kind, 6, knows_all(data), quiet)
        assert figures["n"] > 0, kind
        assert figures["exact_match"] == figures["edit_similarity"] == 1.0
        assert figures["exact_match_ci"] == [1.0, 1.0]
    assert bench.measure("block", 6, knows_all(data), quiet)["same_tree"] == 1.0
    assert bench.measure("cross", 6, knows_all(data), quiet)["name_found"] == 1.0


def test_spaces_at_the_end_do_not_count_and_indentation_does(data: Path) -> None:
    right = knows_all(data)
    bench = QualityBench(data)
    trailing = Scripted(lambda question: right.answer(question).text + "  ")
    shifted = Scripted(lambda question: "  " + right.answer(question).text)
    assert bench.measure("line", 6, trailing, quiet)["exact_match"] == 1.0
    figures = bench.measure("line", 6, shifted, quiet)
    assert (figures["exact_match"], figures["edit_similarity"]) == (0.0, 1.0)


def test_bits_per_byte_are_bits_over_the_bytes_of_the_targets(data: Path) -> None:
    bench = QualityBench(data)
    sizes = []
    model = Scripted(lambda question: "")
    model.bits = lambda question, target: sizes.append(len(target.encode())) or 8.0  # type: ignore
    figures = bench.measure("line", 5, model, quiet)
    assert figures["bits_per_byte"] == pytest.approx(8 * 5 / sum(sizes))
    assert figures["repository"] == {"changed": 0.5, "mean_weight": 0.25}


def test_no_question_holds_its_answer(data: Path) -> None:
    """The prefix and the suffix are all a model gets, and they are the file less the target."""
    for kind in KINDS:
        model = Scripted(lambda question: "")
        QualityBench(data).measure(kind, 12, model, quiet)
        for question in model.asked:
            whole = (question.root / question.path).read_text()
            assert len(question.prefix) + len(question.suffix) < len(whole)
            assert whole.startswith(question.prefix)
            assert whole.endswith(question.suffix)


def test_every_repository_is_read_before_its_questions(data: Path) -> None:
    model = Scripted(lambda question: "")
    QualityBench(data).measure("line", 8, model, quiet)
    assert [question.root for question in model.asked] == model.prepared


def test_cross_is_measured_with_the_repository_and_without(data: Path) -> None:
    figures = QualityBench(data).measure(
        "cross", 6, knows_all(data), quiet, without_repository=Scripted(lambda question: "x")
    )
    assert figures["exact_match"] == 1.0
    assert figures["without_repository"]["exact_match"] == 0.0
    assert figures["without_repository"]["name_found"] == 0.0


def test_baselines_answer_the_same_questions(data: Path) -> None:
    figures = QualityBench(data).measure("mid", 12, knows_all(data), quiet)
    baselines = figures["baselines"]
    assert set(baselines) == {"nothing", "ngram", "nearest_line"}
    assert baselines["nothing"]["exact_match"] == baselines["nothing"]["edit_similarity"] == 0.0
    # The two packages are twins but for a word.
    assert 0.3 < baselines["ngram"]["exact_match"] < 1.0


def test_figures_are_the_same_twice_and_fit_into_json(data: Path) -> None:
    def figures(seed: int) -> str:
        bench = QualityBench(data, seed)
        return json.dumps([bench.measure(kind, 4, knows_all(data), quiet) for kind in KINDS])

    assert figures(1) == figures(1)


def test_progress_counts_to_the_end(data: Path) -> None:
    told: list[tuple[int, int]] = []
    QualityBench(data).measure(
        "line", 3, Scripted(lambda question: ""), lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_session_answers_questions(tmp_path: Path) -> None:
    model = ModelAnswers(canned_session("return 1\n"), repository=True)
    model.prepare(tmp_path)
    answer = model.answer(Question(tmp_path, "x.py", "def f():\n    ", "\n"))
    assert answer.text == "return 1"
    assert answer.drafts[-1] == "return 1"
    assert answer.tokens == 9


# ── stretches ───────────────────────────────────────────────────────────────────────────────


def test_stretches_are_whole_lines_behind_their_indentation(data: Path) -> None:
    stretches = draw_stretches(QualityBench(data).corpus, 40, 0)
    assert [stretch.inside for stretch in stretches].count(True) == 2
    assert len(stretches) == 4
    for stretch in stretches:
        assert len([line for line in stretch.target.split("\n") if line.strip()]) == 10
        assert not stretch.target[0].isspace()
        assert not stretch.above.rpartition("\n")[2].strip()
        below = stretch.below if stretch.inside else ""
        assert (stretch.above + stretch.target + below).startswith(stretch.above + stretch.target)
        assert stretch.below == "" or stretch.below.startswith("\n")


def test_the_sums_of_the_replay_by_hand() -> None:
    one = Typed(keys=60, characters=100, shown=5, accepted=3, wrong=1)
    one.lines = [("a = 1", "a = 1"), ("", "b = 2")]
    one.endings["line_right"] = 2
    two = Typed(keys=90, characters=100, shown=4, accepted=1, wrong=2)
    two.lines = [("x", "y")]
    two.endings["line_right"] = 1
    figures = summary([one, two], 0)
    assert figures["keystrokes_saved"] == pytest.approx(1 - 150 / 200)
    assert figures["keystrokes_saved_ci"] == [pytest.approx(0.1), pytest.approx(0.4)]
    assert figures["wrong_shown_per_100_keys"] == pytest.approx(100 * 3 / 150)
    assert (figures["shown"], figures["accepted"], figures["n"]) == (9, 4, 3)
    assert figures["exact_match"] == pytest.approx(1 / 3)
    assert figures["endings"] == {"line_right": 3}


# ── no leak through the repository ──────────────────────────────────────────────────────────


def learning_session(text: str) -> Session:
    """A session that says ``text``, with experts that weigh more than the model."""
    mixture = {expert: dict.fromkeys(names, 2.0) for expert, names in EXPERTS.items()}
    wafer = CannedWafer(text, context_length=2048)
    own = Tuning(mixture, None, "", {})
    return session_on(wafer, own)


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
