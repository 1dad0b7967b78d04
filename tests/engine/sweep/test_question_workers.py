"""Questions that others answer: the same figures, each question asked once, in any order."""

from hashlib import sha256

import pytest

from engine.quality.answers import CursorAnswer
from engine.quality.bench import QualityBench
from engine.sweep import question_workers
from engine.sweep.question_workers import AskedModel, write_ahead

CODE = '''\
def area(width, height):
    """Return the area of a rectangle."""
    size = width * height
    return size


def perimeter(width, height):
    """Return the perimeter of a rectangle."""
    return 2 * (width + height)
'''


class Model:
    """Answers with what depends on the question alone."""

    def __init__(self):
        self.prepared, self.asked = [], []

    def prepare(self, root):
        self.prepared.append(root)

    def answer(self, question):
        self.asked.append(question)
        name = sha256(question.prefix.encode()).hexdigest()
        return CursorAnswer(text=name[: len(question.prefix) % 7], tokens=3)

    def bits(self, question, target):
        return float(len(question.prefix) % 11 + len(target))


class Backwards:
    """Does tasks in this process, the last one first."""

    name = "this process"

    def answers(self, function, tasks):
        for task in reversed([*tasks]):
            yield task, function(task)


@pytest.fixture
def bench(tmp_path):
    for name in ("areas.py", "more.py"):
        (tmp_path / name).write_text(CODE)
    return QualityBench(tmp_path)


@pytest.mark.parametrize("kind", ["line", "mid", "block"])
def test_figures_are_those_of_the_model_itself(kind, bench, monkeypatch):
    there, opened, seen = Model(), [], []
    monkeypatch.setattr(question_workers, "_model", lambda asked: opened.append(asked) or there)
    questions = [(question, item.target) for item, question in bench.questions(kind, 8)]
    assert questions
    asked = AskedModel("spark-nano", typed_lines=2)
    twice = [*questions, *questions]
    ahead = write_ahead(asked, twice, Backwards(), lambda done, of: seen.append((done, of)))
    assert len(there.asked) == len(set(questions))
    assert set(opened) == {asked}
    assert there.prepared
    assert seen[-1] == (len(there.asked), len(there.asked))
    itself = bench.measure(kind, 8, Model(), lambda *_: None)
    assert bench.measure(kind, 8, ahead, lambda *_: None) == itself
