"""Fits repository knowledge to one model: questions, dictated answers, own answers, a tuning.

With the right answer dictated token by token, the coefficients that make it likeliest are found;
they do not see how often an answer comes out exactly.  Then other questions are answered, and the
threshold is set where the estimated chance that a suggestion is right falls below
`engine.knowledge.fitting.WORTH_SHOWING`.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from engine.errors import ModelError
from engine.knowledge import fitting
from engine.knowledge.fitting import Observed
from engine.knowledge.tuning import Tuning, find_tuning, write_user_tuning
from engine.model_store.digests import weights_sha256
from engine.protocol.messages import ModelInfo
from engine.quality.fit_questions import FitAnswerer, FitQuestion, SessionFit, fit_questions
from engine.session import Session

__all__ = ["FitPlan", "FittedTuning", "fit", "fit_session"]

OnItem = Callable[[str, int, int], None]
"""Called after each item with what is done, the number done and the number of all."""


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


def fit(
    model: str | None,
    data: Path,
    plan: FitPlan | None = None,
    *,
    threads: int | None = None,
    answerer: FitAnswerer | None = None,
    on_item: OnItem = lambda label, done, total: None,
) -> FittedTuning:
    """Fit repository knowledge to a model and keep the numbers for this user.

    Args:
        model: As for `Session.open`.
        data: A folder of Python code that the model was not trained on, one folder for each
            repository or package.
        plan: How much is asked; None: as for the bundled model.
        threads: Threads that compute; None: as of `Session.open`.
        answerer: Who answers with the same model; None: a session of this process.
        on_item: Called after each question.

    Raises:
        EngineError: The model cannot be opened, or ``data`` has no questions.
        OSError: The user's state folder cannot be written.
    """
    session = Session.open(model, threads=threads)
    try:
        info = session.model
        answerer = answerer or SessionFit(session)
        tuning = _fit(answerer, info, data, plan or FitPlan(), on_item)
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
    tuning = _fit(SessionFit(session), session.model, data, plan, on_item)
    session.tune(tuning)
    return tuning


def _fit(
    answerer: FitAnswerer, info: ModelInfo, data: Path, plan: FitPlan, on_item: OnItem
) -> Tuning:
    questions = list(fit_questions(data, plan.questions, plan.seed))
    # Every other one is kept for the threshold, and of those as many of each kind.
    fitted_on, rest = questions[::2], questions[1::2]
    if not rest:
        raise ModelError(f"{data}: too little Python code to draw questions from")
    judged_on = rest[:: max(1, len(rest) // max(plan.judged, 1))]
    if plan.only_threshold:
        tuning = _mixture_of(info)
    else:
        observed = answerer.observe(fitted_on, partial(on_item, "dictated"))
        tuning = _mixed(info, fitting.joined(observed), fitted_on, data, plan.seed)
    # With a threshold, as in the app, which makes the model say something; here it is all judged.
    asked = msgspec.structs.replace(tuning, threshold=-math.inf)
    answers = answerer.judge(judged_on, asked, partial(on_item, "answered"))
    return fitting.with_threshold(tuning, [each for each in answers if each is not None])


def _mixture_of(info: ModelInfo) -> Tuning:
    tuning = find_tuning(Path(info.folder), info.name, info.weight_bytes)
    if tuning is None:
        raise ModelError(f"{info.name} has no fitted mixture to keep: fit the mixture too")
    return tuning


def _mixed(
    info: ModelInfo, observed: Observed, questions: Sequence[FitQuestion], data: Path, seed: int
) -> Tuning:
    """Return the tuning whose mixture makes the answers likeliest; without a threshold."""
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
    return Tuning(fitting.named(coefficients), None, _digest(Path(info.folder)), facts)


def _digest(place: Path) -> str:
    """Return the checksum of a model's weights: a folder's tensors, or a file."""
    if place.is_dir():
        return weights_sha256(place)
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
