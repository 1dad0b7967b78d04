"""The questions of `spark-tui models fit` on many processes: each with a session, one thread.

Answers depend on the question and the tuning alone, so the numbers are those of one session.  Fits
nothing: that is `engine.quality.knowledge_fit`'s, to which `FitWorkers` are one more who answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from engine.knowledge.fitting import Observed
from engine.knowledge.tuning import Tuning, neutral_tuning
from engine.quality.fit_questions import FitQuestion, Judged, judged, observed
from engine.session import Session
from engine.sweep.workers import Workers

__all__ = ["FitWorkers", "asked_here"]

_Held = TypeVar("_Held")
OnDone = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class _FitTask:
    model: str | None
    tuning: Tuning
    question: FitQuestion
    ask: Callable[[Session, FitQuestion], Any]
    """`observed` or `judged`."""


class FitWorkers:
    """Has many processes answer.

    Args:
        model: Name or path, as of `Session.open`; a path is absolute.
        workers: Who computes.
    """

    def __init__(self, model: str | None, workers: Workers) -> None:
        self._model, self._workers = model, workers

    def observe(self, questions: Sequence[FitQuestion], on_done: OnDone) -> list[Observed]:
        """Return what `observed` does of each question, under the neutral tuning."""
        return self._each(observed, questions, neutral_tuning(), on_done)

    def judge(
        self, questions: Sequence[FitQuestion], tuning: Tuning, on_done: OnDone
    ) -> list[Judged | None]:
        """Return what `judged` does of each question, under a tuning."""
        return self._each(judged, questions, tuning, on_done)

    def _each(
        self,
        ask: Callable[[Session, FitQuestion], _Held],
        questions: Sequence[FitQuestion],
        tuning: Tuning,
        on_done: OnDone,
    ) -> list[_Held]:
        """Return the answers in the order of the questions, in whatever order they come."""
        tasks = [_FitTask(self._model, tuning, question, ask) for question in questions]
        found: dict[_FitTask, _Held] = {}
        for task, held in self._workers.answers(asked_here, tasks):
            found[task] = held
            on_done(len(found), len(tasks))
        return [found[task] for task in tasks]


def asked_here(task: _FitTask) -> Any:
    """Return what a task asks for; in any process."""
    session = _session(task.model)
    session.tune(task.tuning)
    return task.ask(session, task.question)


@lru_cache(maxsize=1)
def _session(model: str | None) -> Session:
    """Return the session of this process, opened once."""
    return Session.open(model, threads=1)
