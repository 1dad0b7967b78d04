"""The questions of `spark-tui models fit` on many processes: each with a session, one thread.

Answers depend on the question and the tuning alone, so the numbers are those of one session.  Fits
nothing: that is `engine.quality.knowledge_fit`'s, to which `FitWorkers` are one more who answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.knowledge.tuning import Tuning
from engine.quality.fit_questions import FitAnswerer, FitQuestion, Held, OnDone
from engine.session import Session
from engine.sweep.workers import Workers

__all__ = ["FitWorkers", "asked_here"]


@dataclass(frozen=True, slots=True, eq=False)
class _FitTask:
    model: str | None
    tuning: Tuning
    question: FitQuestion
    ask: Callable[[Session, FitQuestion], Any]
    """`observed` or `judged`."""


class FitWorkers(FitAnswerer):
    """Has many processes answer.

    Args:
        model: Name or path, as of `Session.open`; a path is absolute.
        workers: Who computes.
    """

    def __init__(self, model: str | None, workers: Workers) -> None:
        self._model, self._workers = model, workers

    def _each(
        self,
        ask: Callable[[Session, FitQuestion], Held],
        questions: Sequence[FitQuestion],
        tuning: Tuning,
        on_done: OnDone,
    ) -> list[Held]:
        """Return the answers in the order of the questions, in whatever order they come."""
        tasks = [_FitTask(self._model, tuning, question, ask) for question in questions]
        found: dict[_FitTask, Held] = {}
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
