"""Fits repository knowledge to one model: questions, dictated answers, own answers, a tuning.

With the right answer dictated token by token, the coefficients that make it likeliest are found;
they do not see how often an answer comes out exactly.  Then other questions are answered, and the
threshold is set where the estimated chance that a suggestion is right falls below
`engine.knowledge.fitting.WORTH_SHOWING`.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.completion.scoring import FollowedStep
from engine.errors import ModelError
from engine.generation.sampling import softmax
from engine.knowledge import fitting
from engine.knowledge.advice import Opinion, line_ends
from engine.knowledge.fitting import Observed
from engine.knowledge.mixture import Certainty
from engine.knowledge.tuning import EXPERTS, Tuning, find_tuning, neutral_tuning, write_user_tuning
from engine.model_store.digests import weights_sha256
from engine.protocol.completion import CompletionRequest
from engine.quality.corpus import read_corpus
from engine.quality.question_sampler import QuestionItem, QuestionSampler
from engine.session import Session

__all__ = ["FitPlan", "FittedTuning", "fit", "fit_session"]

OnItem = Callable[[str, int, int], None]
"""Called after each item with what is done, the number done and the number of all."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitPlan:
    """How much is asked."""

    questions: int = 240
    """Of each of the two kinds: whole lines, and rests of lines."""
    judged: int = 240
    """Answers for the threshold."""
    seed: int = 3
    only_threshold: bool = False
    """Keep the mixture that the model has."""


@dataclass(frozen=True, slots=True)
class FittedTuning:
    """What was fitted, and where it was written."""

    model: str
    path: Path
    tuning: Tuning


@dataclass(frozen=True, slots=True)
class _Question:
    """A cursor and the rest of its line."""

    root: Path
    request: CompletionRequest
    answer: str


def fit(
    model: str | None,
    data: Path,
    plan: FitPlan | None = None,
    *,
    threads: int | None = None,
    on_item: OnItem = lambda label, done, total: None,
) -> FittedTuning:
    """Fit repository knowledge to a model and keep the numbers for this user.

    Args:
        model: As for `Session.open`.
        data: A folder of Python code that the model was not trained on, one folder for each
            repository or package.
        plan: How much is asked; None: as for the bundled model.
        threads: Threads that compute; None: all but one.
        on_item: Called after each question.

    Raises:
        EngineError: The model cannot be opened, or ``data`` has no questions.
        OSError: The user's state folder cannot be written.
    """
    session = Session.open(model, threads=threads)
    try:
        tuning = fit_session(session, data, plan or FitPlan(), on_item)
        info = session.model
        tuning = msgspec.structs.replace(tuning, weight_bytes=info.weight_bytes)
        return FittedTuning(info.name, write_user_tuning(info.name, tuning), tuning)
    finally:
        session.close()


def fit_session(
    session: Session,
    data: Path,
    plan: FitPlan,
    on_item: OnItem = lambda label, done, total: None,
) -> Tuning:
    """Return the tuning that fits a session's model; the session keeps it.

    Raises:
        ModelError: ``data`` has no questions, or `FitPlan.only_threshold` is asked of a model
            without a mixture.
    """
    questions = list(_questions(data, plan.questions, plan.seed))
    # Every other one is kept for the threshold, and of those as many of each kind.
    fitted_on, rest = questions[::2], questions[1::2]
    if not rest:
        raise ModelError(f"{data}: too little Python code to draw questions from")
    judged_on = rest[:: max(1, len(rest) // max(plan.judged, 1))]
    tuning = _mixture_of(session) if plan.only_threshold else None
    if tuning is None:
        tuning = _fitted(session, fitted_on, data, plan.seed, on_item)
    # With a threshold, as in the app, which makes the model say something; here it is all judged.
    session.tune(msgspec.structs.replace(tuning, threshold=-math.inf))
    tuning = fitting.with_threshold(tuning, _answer(session, judged_on, on_item))
    session.tune(tuning)
    return tuning


def _mixture_of(session: Session) -> Tuning:
    info = session.model
    tuning = find_tuning(Path(info.folder), info.name, info.weight_bytes)
    if tuning is None:
        raise ModelError(f"{info.name} has no fitted mixture to keep: fit the mixture too")
    return tuning


def _fitted(
    session: Session, questions: list[_Question], data: Path, seed: int, on_item: OnItem
) -> Tuning:
    """Return the tuning whose mixture makes the answers likeliest; without a threshold."""
    session.tune(neutral_tuning())
    observed = _observe(session, questions, on_item)
    coefficients = fitting.fit_mixture(observed)
    before = fitting.loss(np.zeros_like(coefficients), observed, alone=True)
    facts: dict[str, object] = {
        "packages": sorted(path.name for path in data.iterdir() if path.is_dir()),
        "questions": len(questions),
        "tokens": len(observed.right),
        "nats_per_token_model": round(before, 4),
        "nats_per_token_mixed": round(fitting.loss(coefficients, observed), 4),
        "seed": seed,
    }
    return Tuning(fitting.named(coefficients), None, _digest(Path(session.model.folder)), facts)


def _digest(place: Path) -> str:
    """Return the checksum of a model's weights: a folder's tensors, or a file."""
    if place.is_dir():
        return weights_sha256(place)
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ── questions ───────────────────────────────────────────────────────────────────────────────


def _questions(data: Path, count: int, seed: int) -> Iterator[_Question]:
    """Yield whole lines and rests of lines; of the lines, half from behind the indentation."""
    items = QuestionSampler(read_corpus(data, seed), seed)
    for kind in ("line", "mid"):
        for i, item in enumerate(items.draw(kind, count)):
            yield _question(item, behind_indentation=kind == "line" and i % 4 < 2)


def _question(item: QuestionItem, *, behind_indentation: bool) -> _Question:
    answer = item.target.rstrip()
    typed = len(answer) - len(answer.lstrip()) if behind_indentation else 0
    request = CompletionRequest(
        path=item.file.path,
        prefix=item.prefix + answer[:typed],
        suffix=item.suffix,
        multi_line=False,
        repository=str(item.file.root),
    )
    return _Question(item.file.root, request, answer[typed:])


# ── what was said of the right tokens ───────────────────────────────────────────────────────


def _observe(session: Session, questions: Sequence[_Question], on_item: OnItem) -> Observed:
    """Dictate the answers and note what the model and the experts held of each token."""
    width = max(map(len, EXPERTS.values()))
    right, possible, features, present = [], [], [], []
    ends = line_ends(session.tokenizer)
    for i, question in enumerate(questions):
        session.read_repository(str(question.root))
        for step in session.follow(question.request, question.answer):
            assert step.advice is not None  # the request names a repository
            shares = softmax(step.logits)
            shares /= shares.sum()
            opinion = step.advice.opinion(Certainty.of(shares))
            wanted = ends if step.token is None else step.right
            held = _held(shares, opinion, wanted)
            right.append(held)
            possible.append(_held(shares, opinion, _allowed(step)))
            filled = np.zeros((len(EXPERTS), width))
            for expert, own in enumerate(opinion.features):
                if own is not None:
                    filled[expert, : len(own)] = own
            features.append(filled)
            present.append([own is not None for own in opinion.features])
        on_item("dictated", i + 1, len(questions))
    return Observed(
        np.array(right), np.array(possible), np.array(features), np.array(present, bool)
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


def _answer(
    session: Session, questions: Sequence[_Question], on_item: OnItem
) -> list[tuple[float, bool]]:
    """Return (mean log-probability, whether it is right) of the answers that are not empty."""
    answers = []
    for i, question in enumerate(questions):
        session.read_repository(str(question.root))
        completion = session.complete(question.request)
        if completion.text.strip() and completion.mean_logprob is not None:
            right = completion.text.rstrip() == question.answer.rstrip()
            answers.append((completion.mean_logprob, right))
        on_item("answered", i + 1, len(questions))
    return answers
