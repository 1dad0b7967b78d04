from pathlib import Path

import pytest

from engine.quality.answers import CursorAnswer, Question
from engine.quality.bench import QualityBench
from engine.quality.paired import ask_pairs, paired_summary


class Knows:
    """Answers right up to a number of characters of the file's rest; each answer takes bits."""

    def __init__(self, bits: float, right: bool) -> None:
        self._bits, self._right = bits, right

    def prepare(self, root: Path) -> None:
        pass

    def answer(self, question: Question) -> CursorAnswer:
        whole = (question.root / question.path).read_text()
        target = whole[len(question.prefix) : len(whole) - len(question.suffix)]
        return CursorAnswer(target if self._right else target[:-1])

    def bits(self, question: Question, target: str) -> float:
        return self._bits


def test_both_sides_answer_the_same_questions(data: Path) -> None:
    records = list(ask_pairs(QualityBench(data), "line", 6, Knows(4, True), Knows(8, False)))
    assert len(records) == len({record["key"] for record in records}) == 6
    figures = paired_summary(records, 0)
    assert figures["n"] == 6
    assert figures["with"]["exact_match"] == 1.0
    assert figures["without"]["exact_match"] == 0.0
    assert figures["exact_ratio"] is None
    assert figures["bits_ratio"] == 2.0
    assert figures["bits_ratio_ci"] == [2.0, 2.0]
    assert figures["similar_ratio"] > 1.0


def test_questions_asked_before_are_left_out_and_the_order_stays(data: Path) -> None:
    bench = QualityBench(data)
    sides = Knows(4, True), Knows(8, False)
    all_of_them = list(ask_pairs(bench, "line", 6, *sides))
    keys = [record["key"] for record in all_of_them]
    rest = list(ask_pairs(bench, "line", 6, *sides, skip=frozenset(keys[:4])))
    assert rest == all_of_them[4:]
    assert keys != sorted(keys)


def test_a_sample_without_a_right_answer_has_no_interval() -> None:
    side = {"exact": False, "similar": 0.5, "bits": 2.0}
    right = {**side, "exact": True}
    records = [
        {"key": "a", "bytes": 1, "with": right, "without": side},
        {"key": "b", "bytes": 1, "with": right, "without": right},
    ]
    figures = paired_summary(records, 0)
    assert figures["exact_ratio"] == pytest.approx(2.0)
    assert figures["exact_ratio_ci"] is None
