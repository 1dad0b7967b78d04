"""Questions of the quality suites on many processes: each with a session of its own, one thread.

Answers depend on the question alone, so the figures are those of one session.  Scores nothing: that
is `engine.quality.bench`'s, which asks `WrittenAhead` as it would ask the session.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.quality.answers import CursorAnswer, ModelAnswers, Question
from engine.session import Session
from engine.sweep.workers import Workers

__all__ = ["AskedModel", "WrittenAhead", "answered", "write_ahead"]


@dataclass(frozen=True, slots=True)
class AskedModel:
    """The model that answers, and how."""

    model: str | None
    """Name or path; a path is absolute."""
    repository: bool = True
    """Whether the other files of a question's repository may be read."""
    secret_patterns: tuple[str, ...] = ()
    speculation: bool = True
    typed_lines: int | None = None
    """As of `Session.split_prompts`."""


@dataclass(frozen=True, slots=True)
class _Task:
    asked: AskedModel
    question: Question
    target: str


class WrittenAhead:
    """Stands for a model all of whose answers are there.

    Args:
        answers: By the question.
        bits: By the question and its target.
    """

    def __init__(
        self, answers: dict[Question, CursorAnswer], bits: dict[tuple[Question, str], float]
    ) -> None:
        self._answers, self._bits = answers, bits

    def prepare(self, root: Path) -> None:
        """Do nothing: who wrote the answers had the repository."""

    def answer(self, question: Question) -> CursorAnswer:
        """Return the answer that was written."""
        return self._answers[question]

    def bits(self, question: Question, target: str) -> float:
        """Return −log₂ of the probability of ``target`` at the question's cursor."""
        return self._bits[question, target]


def write_ahead(
    asked: AskedModel,
    questions: Sequence[tuple[Question, str]],
    workers: Workers,
    on_item: Callable[[int, int], None],
) -> WrittenAhead:
    """Have all questions answered.

    Args:
        asked: Who answers.
        questions: Each with its target.
        workers: Who computes.
        on_item: Called after each with how many are done, and of how many.

    Raises:
        EngineError: The model cannot be used, or a question cost several workers their lives.
    """
    tasks = [_Task(asked, *each) for each in dict.fromkeys(questions)]
    answers: dict[Question, CursorAnswer] = {}
    bits: dict[tuple[Question, str], float] = {}
    for done, (task, (answer, worth)) in enumerate(workers.answers(answered, tasks), 1):
        answers[task.question] = answer
        bits[task.question, task.target] = worth
        on_item(done, len(tasks))
    return WrittenAhead(answers, bits)


def answered(task: _Task) -> tuple[CursorAnswer, float]:
    """Return the answer to a question, and the bits of its target; in any process."""
    model = _model(task.asked)
    model.prepare(task.question.root)
    return model.answer(task.question), model.bits(task.question, task.target)


@lru_cache(maxsize=1)
def _model(asked: AskedModel) -> ModelAnswers:
    """Return the model of this process, opened once."""
    session = Session.open(asked.model, threads=1, speculation=asked.speculation)
    session.split_prompts(asked.typed_lines)
    return ModelAnswers(session, repository=asked.repository, secret_patterns=asked.secret_patterns)
