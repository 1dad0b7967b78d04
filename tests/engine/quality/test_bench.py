import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from engine.quality import SUITES
from engine.quality.answers import Answerer, CursorAnswer, Question
from engine.quality.bench import QualityBench
from engine.quality.question_sampler import KINDS
from engine.quality.typing_replay import Stretch, Typed


class Scripted:
    """A model whose answer is a function of the question; every target takes 8 bits."""

    def __init__(self, say: Callable[[Question], str]) -> None:
        self._say = say
        self.asked: list[Question] = []
        self.prepared: list[Path] = []

    def prepare(self, root: Path) -> None:
        self.prepared.append(root)

    def answer(self, question: Question) -> CursorAnswer:
        self.asked.append(question)
        return CursorAnswer(self._say(question), changed=0.5, weight=0.25)

    def bits(self, question: Question, target: str) -> float:
        return 8.0


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


def test_a_block_may_have_several_lines_and_more_tokens(data: Path) -> None:
    asked = {}
    for kind in ("line", "block"):
        model = Scripted(lambda question: "")
        QualityBench(data).measure(kind, 2, model, quiet)
        asked[kind] = {(question.multi_line, question.max_tokens) for question in model.asked}
    assert asked == {"line": {(False, 64)}, "block": {(True, 160)}}


def test_a_body_that_parses_may_be_another_tree(data: Path) -> None:
    bench = QualityBench(data)
    for text, parses in (("pass", 1.0), ("if", 0.0)):
        figures = bench.measure("block", 4, Scripted(lambda question, text=text: text), quiet)
        assert (figures["parses"], figures["same_tree"]) == (parses, 0.0)


def test_a_directory_without_questions_has_no_figures(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("x = 1\n")
    figures = QualityBench(tmp_path).measure("api", 9, Scripted(lambda question: ""), quiet)
    assert (figures["n"], figures["exact_match"], figures["bits_per_byte"]) == (0, None, None)


# ── the replay ──────────────────────────────────────────────────────────────────────────────


def types_all(stretch: Stretch, answerer: Answerer) -> Typed:
    """A typist who asks once and takes a right answer with one key."""
    question = Question(stretch.file.root, stretch.file.path, stretch.above, stretch.below)
    size = len(stretch.target)
    right = answerer.answer(question).text == stretch.target
    return Typed(keys=1 if right else size, characters=size, lines=[("x", "x")])


def test_the_replay_types_every_stretch_with_the_model_and_with_the_baselines(data: Path) -> None:
    told: list[tuple[int, int]] = []
    model = knows_all(data)
    figures = QualityBench(data).replay(
        20, model, types_all, lambda done, total: told.append((done, total))
    )
    assert told == [(1, 2), (2, 2)]
    assert figures["keys"] < figures["characters"]
    assert set(figures["baselines"]) == {"nothing", "ngram", "nearest_line"}
    assert figures["baselines"]["nothing"]["keystrokes_saved"] == 0.0
    assert [question.root for question in model.asked] == model.prepared


def test_the_bits_of_a_replay_are_those_of_its_lines_one_after_another(data: Path) -> None:
    model = knows_all(data)
    scored: list[tuple[Question, str]] = []
    model.bits = lambda question, target: scored.append((question, target)) or 4.0  # type: ignore
    figures = QualityBench(data).replay(10, model, types_all, quiet)
    text = "".join(target for _, target in scored)
    assert figures["bits_per_byte"] == pytest.approx(4.0 * len(scored) / len(text.encode()))
    for (question, target), (after, _) in pairwise(scored):
        assert question.multi_line
        assert after.prefix == question.prefix + target
        assert after.suffix == question.suffix
    whole = (scored[0][0].root / scored[0][0].path).read_text()
    assert whole.startswith(scored[0][0].prefix + text)
