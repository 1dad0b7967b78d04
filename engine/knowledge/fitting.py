"""Fits the mixture of a model and the experts, and the threshold of what is shown.

Pure functions of what was observed while right answers were dictated, and of how likely and how
right other answers were.  Draws no questions and runs no model (`engine.quality.knowledge_fit`).

Letters: n tokens, E experts, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.knowledge.tuning import EXPERTS, Tuning

__all__ = [
    "PENALTY",
    "WORTH_SHOWING",
    "Observed",
    "chance_of_being_right",
    "filled",
    "fit_mixture",
    "gradient",
    "joined",
    "loss",
    "mixture_weights",
    "named",
    "with_threshold",
]

WORTH_SHOWING = 0.25
"""Chance of being right at a model's threshold: what a suggestion that helps is worth, and what one
that does not costs, as 0.75 to 0.25 (the reward that Cursor published for its model).  For one to
come by itself the app wants a higher one (``suggestions.threshold``)."""

PENALTY = 1e-3
"""Of the squared coefficients, so that a rare feature stays near 0."""

STEPS = 800
RATE = 0.03

LEAST_ANSWERS = 40
"""With fewer answers there is no threshold: all is shown."""

Rows = NDArray[np.float64]


@dataclass(slots=True)
class Observed:
    """Forecasts of right tokens by the model and each expert.  n tokens, E experts, F features."""

    right: Rows
    """Probability of the right token, shape (n, 1 + E), the model first."""
    possible: Rows
    """Probability of all tokens that healing allows, same shape."""
    features: Rows
    """Shape (n, E, F), filled up with zeros."""
    present: NDArray[np.bool_]
    """Whether an expert says anything, shape (n, E)."""


def mixture_weights(coefficients: Rows, observed: Observed) -> Rows:
    """Return the weights of the model and the experts for every token, shape (n, 1 + E)."""
    scores = np.einsum("nef,ef->ne", observed.features, coefficients)
    scores = np.where(observed.present, scores, -np.inf)
    scores = np.concatenate([np.zeros((len(scores), 1)), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Rows = powers / powers.sum(axis=1, keepdims=True)
    return result


def loss(coefficients: Rows, observed: Observed, *, alone: bool = False) -> float:
    """Return nats per right token, of the mixture or of the model alone."""
    if alone:
        return float(-np.log(observed.right[:, 0] / observed.possible[:, 0]).mean())
    weights = mixture_weights(coefficients, observed)
    right = (weights * observed.right).sum(axis=1)
    possible = (weights * observed.possible).sum(axis=1)
    return float(-np.log(right / possible).mean())


def joined(each: Sequence[Observed]) -> Observed:
    """Return all tokens of several questions, one question behind the other."""
    return Observed(
        np.concatenate([one.right for one in each]),
        np.concatenate([one.possible for one in each]),
        np.concatenate([one.features for one in each]),
        np.concatenate([one.present for one in each]),
    )


def gradient(
    coefficients: Rows, observed: Observed, start: Rows | None = None, penalty: float = PENALTY
) -> Rows:
    """Return the derivative of the loss and its penalty, shape (E, F).

    Args:
        coefficients: Where.
        observed: The right tokens.
        start: Coefficients that cost nothing; None: those of 0.
        penalty: Of the squared differences from them.
    """
    weights = mixture_weights(coefficients, observed)
    right = (weights * observed.right).sum(axis=1, keepdims=True)
    possible = (weights * observed.possible).sum(axis=1, keepdims=True)
    pull = weights * (observed.right / right - observed.possible / possible)
    slope: Rows = np.einsum("ne,nef->ef", pull[:, 1:], observed.features)
    moved = coefficients if start is None else coefficients - start
    return -slope / len(weights) + penalty * moved


def fit_mixture(observed: Observed, start: Rows | None = None, penalty: float = PENALTY) -> Rows:
    """Return the coefficients of the likeliest mixture, shape (E, F), by Adam's rule.

    Args:
        observed: The right tokens.
        start: Where to begin, and what the penalty pulls to; None: 0.
        penalty: As of `gradient`.

    Source:
        Kingma and Ba, "Adam" (2015), with the usual 0.9 and 0.99.
    """
    coefficients = np.zeros(observed.features.shape[1:]) if start is None else start.copy()
    mean, spread = np.zeros_like(coefficients), np.zeros_like(coefficients)
    for step in range(1, STEPS + 1):
        slope = gradient(coefficients, observed, start, penalty)
        mean = 0.9 * mean + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        unbiased = np.sqrt(spread / (1 - 0.99**step)) + 1e-8
        coefficients -= RATE * mean / (1 - 0.9**step) / unbiased
    return coefficients


def filled(coefficients: Sequence[Rows]) -> Rows:
    """Return the coefficients of experts as one table, shape (E, F), filled up with zeros."""
    width = max(map(len, EXPERTS.values()))
    return np.stack([np.pad(own, (0, width - len(own))) for own in coefficients])


def named(coefficients: Rows) -> dict[str, dict[str, float]]:
    """Return coefficients, shape (E, F), by the names of experts and features, rounded."""
    return {
        expert: {name: round(float(c), 4) for name, c in zip(names, own, strict=False)}
        for (expert, names), own in zip(EXPERTS.items(), coefficients, strict=True)
    }


# ── the threshold ───────────────────────────────────────────────────────────────────────────


def chance_of_being_right(answers: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Return (a, b): the chance at a mean log-probability m is 1 / (1 + exp(−a − b·m)).

    Logistic regression by Newton's rule, its slope held back a little.
    """
    m = np.array([mean for mean, _ in answers])
    y = np.array([right for _, right in answers], float)
    design = np.stack([np.ones_like(m), m], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        slope = design.T @ (p - y) + 1e-2 * beta
        bend = (design.T * (p * (1 - p))) @ design + 1e-2 * np.eye(2)
        beta -= np.linalg.solve(bend, slope)
    return float(beta[0]), float(beta[1])


def with_threshold(tuning: Tuning, answers: Sequence[tuple[float, bool]]) -> Tuning:
    """Return the tuning with the threshold that the answers give, and what it does to them.

    Without a threshold where there are fewer than `LEAST_ANSWERS`, or where likelier answers are
    not right more often.

    Args:
        tuning: Its threshold is replaced.
        answers: (mean log-probability, whether it is right) of answers that are not empty.
    """
    a, b = chance_of_being_right(answers) if len(answers) >= LEAST_ANSWERS else (0.0, 0.0)
    if b <= 0:
        facts: dict[str, object] = {"threshold_answers": len(answers)}
        return msgspec.structs.replace(tuning, threshold=None, fitted_on=tuning.fitted_on | facts)
    threshold = float(round((np.log(WORTH_SHOWING / (1 - WORTH_SHOWING)) - a) / b, 3))
    shown = [right for mean, right in answers if mean >= threshold]
    facts = {
        "threshold_answers": len(answers),
        "threshold_least_chance": WORTH_SHOWING,
        "right_of_all": round(sum(right for _, right in answers) / len(answers), 4),
        "right_of_shown": round(sum(shown) / max(len(shown), 1), 4),
        "shown": round(len(shown) / len(answers), 4),
    }
    fitted_on = tuning.fitted_on | facts
    return msgspec.structs.replace(tuning, threshold=threshold, fitted_on=fitted_on)
