"""Questions that a tuning is fitted on, and what a session holds of each.  Fits nothing.

Each question is answered by itself, so that many sessions can share them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.completion.scoring import FollowedStep
from engine.knowledge.advice import Opinion, line_ends
from engine.knowledge.fitting import Observed
from engine.knowledge.mixture import Certainty
from engine.knowledge.tuning import EXPERTS, Tuning, neutral_tuning
from engine.probabilities import probabilities
from engine.protocol.completion import CompletionRequest
from engine.quality.corpus import read_corpus
from engine.quality.question_sampler import QuestionItem, QuestionSampler
from engine.session import Session

__all__ = ["FitAnswerer", "FitQuestion", "Held", "Judged", "OnDone", "SessionFit", "fit_questions",
           "judged", "observed"]  # fmt: skip

Judged = tuple[float, bool]
"""An answer's mean log-probability, and whether it is right."""
OnDone = Callable[[int, int], None]
"""Called after each question with the number done and the number of all."""

Rows = NDArray[np.float64]
Held = TypeVar("Held")
"""What is held of a question."""


@dataclass(frozen=True, slots=True)
class FitQuestion:
    """A cursor and the rest of its line."""

    root: Path
    request: CompletionRequest
    answer: str


class FitAnswerer(ABC):
    """Answers questions with one model, in their order, wherever it computes."""

    def observe(self, questions: Sequence[FitQuestion], on_done: OnDone) -> list[Observed]:
        """Return what `observed` does of each question, under the neutral tuning."""
        return self._each(observed, questions, neutral_tuning(), on_done)

    def judge(
        self, questions: Sequence[FitQuestion], tuning: Tuning, on_done: OnDone
    ) -> list[Judged | None]:
        """Return what `judged` does of each question, under a tuning."""
        return self._each(judged, questions, tuning, on_done)

    @abstractmethod
    def _each(
        self,
        ask: Callable[[Session, FitQuestion], Held],
        questions: Sequence[FitQuestion],
        tuning: Tuning,
        on_done: OnDone,
    ) -> list[Held]:
        """Return what ``ask`` does of each question, in their order, under a tuning."""


class SessionFit(FitAnswerer):
    """A session that answers by itself; its tuning changes.

    Args:
        session: It.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _each(
        self,
        ask: Callable[[Session, FitQuestion], Held],
        questions: Sequence[FitQuestion],
        tuning: Tuning,
        on_done: OnDone,
    ) -> list[Held]:
        self._session.tune(tuning)
        found = []
        for done, question in enumerate(questions, 1):
            found.append(ask(self._session, question))
            on_done(done, len(questions))
        return found


# ── questions ───────────────────────────────────────────────────────────────────────────────


def fit_questions(data: Path, count: int, seed: int) -> Iterator[FitQuestion]:
    """Yield whole lines and rests of lines; of the lines, half from behind the indentation.

    Args:
        data: A folder with one folder for each repository.
        count: Of each of the two kinds.
        seed: Which are drawn.
    """
    items = QuestionSampler(read_corpus(data, seed), seed)
    for kind in ("line", "mid"):
        for i, item in enumerate(items.draw(kind, count)):
            yield _question(item, behind_indentation=kind == "line" and i % 4 < 2)


def _question(item: QuestionItem, *, behind_indentation: bool) -> FitQuestion:
    answer = item.target.rstrip()
    typed = len(answer) - len(answer.lstrip()) if behind_indentation else 0
    request = CompletionRequest(
        path=item.file.path,
        prefix=item.prefix + answer[:typed],
        suffix=item.suffix,
        multi_line=False,
        repository=str(item.file.root),
    )
    return FitQuestion(item.file.root, request, answer[typed:])


# ── what is said of the right tokens ────────────────────────────────────────────────────────

_NO_OPINION = Opinion((None,) * len(EXPERTS), (None,) * len(EXPERTS))


def observed(session: Session, question: FitQuestion) -> Observed:
    """Dictate the answer and return what the model and the experts hold of each token.

    A session without a tuning has no experts: all of them are absent.
    """
    width = max(map(len, EXPERTS.values()))
    right, possible, features, present = [], [], [], []
    ends = line_ends(session.tokenizer)
    session.read_repository(str(question.root), question.request.private_patterns)
    for step in session.follow(question.request, question.answer):
        shares = probabilities(step.logits)
        advice = step.advice
        opinion = _NO_OPINION if advice is None else advice.opinion(Certainty.of(shares))
        right.append(_held(shares, opinion, ends if step.token is None else step.right))
        possible.append(_held(shares, opinion, _allowed(step)))
        filled = np.zeros((len(EXPERTS), width))
        for expert, own in enumerate(opinion.features):
            if own is not None:
                filled[expert, : len(own)] = own
        features.append(filled)
        present.append([own is not None for own in opinion.features])
    experts = len(EXPERTS)
    return Observed(
        np.array(right, np.float64).reshape(-1, 1 + experts),
        np.array(possible, np.float64).reshape(-1, 1 + experts),
        np.array(features, np.float64).reshape(-1, experts, width),
        np.array(present, bool).reshape(-1, experts),
    )


def _allowed(step: FollowedStep) -> NDArray[np.int64] | None:
    return None if step.allowed is None else np.array(step.allowed)


def _held(shares: Rows, opinion: Opinion, tokens: NDArray[np.int64] | None) -> list[float]:
    """Return the probability that the model and each expert give a set of tokens; None: all."""
    held = [1.0 if tokens is None else float(shares[tokens].sum())]
    for forecast in opinion.forecasts:
        if forecast is None:
            held.append(0.0)
        elif tokens is None:
            held.append(1.0)
        else:
            held.append(float(forecast.shares[np.isin(forecast.tokens, tokens)].sum()))
    return held


# ── answers for the threshold ───────────────────────────────────────────────────────────────


def judged(session: Session, question: FitQuestion) -> Judged | None:
    """Answer a question; None: with nothing."""
    session.read_repository(str(question.root))
    completion = session.complete(question.request)
    if not completion.text.strip() or completion.mean_logprob is None:
        return None
    return completion.mean_logprob, completion.text.rstrip() == question.answer.rstrip()
