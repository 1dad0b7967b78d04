"""Mixes the model's prediction with the experts', in shares computed anew for every token.

The shares are a softmax over one score each.  The model's score is 0.  An expert's score is a
linear function of features known before the token: how long its context is, how often that
occurs, how sure the expert is, how sure the model is, and how likely the model finds the expert's
best guess.  The coefficients are fitted to the likelihood of development code and stored with the
model (`engine.knowledge.tuning`).

Letters: V tokens of the vocabulary, E experts, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.forecast import Forecast
from engine.knowledge.line_proposals import LineForecast

__all__ = [
    "CONTEXT_FEATURES",
    "LINE_FEATURES",
    "Certainty",
    "context_features",
    "line_features",
    "mix",
    "shares",
]

LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 25)
"""Least context length, in tokens, of each class of lengths."""

CONTEXT_FEATURES = (
    *(f"length>={length}" for length in LENGTHS),
    "log count",
    "purity",
    "log kinds",
    "log share",
    "model's log of the guess",
    "model's entropy",
    "model's highest log",
)
"""Names of an n-gram expert's features."""

LINE_FEATURES = (
    "one",
    "score",
    "score squared",
    "log left",
    "log share",
    "margin",
    "token 0",
    "token 1",
    "token 2",
    "later tokens",
    "token times score",
    "typed",
    "log typed",
    "typed times score",
    "log found",
    "all left",
    "model's log of the guess",
    "model's entropy",
    "model's highest log",
)
"""Names of the features of the lines found at similar places."""

_ABSENT = -1e9

_LEAST = 1e-12
"""Stands for a smaller probability, of which there is a logarithm."""

_UNHEARD = 1e-7
"""Tokens below this add to the entropy what hardly shows: of 150,000 tokens with a normal spread of
logits 0.03 nats of 6.9."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure the model is of the next token."""

    shares: NDArray[np.float64]
    """Its probabilities, shape (V,)."""
    entropy: float
    """In nats, of the tokens above `_UNHEARD`."""
    highest: float
    """Logarithm of the largest of ``shares``."""

    @classmethod
    def of(cls, shares: NDArray[np.float64]) -> "Certainty":
        """Return the certainty of a model with these probabilities, shape (V,)."""
        some = shares[shares > _UNHEARD]
        return cls(shares, float(-(some * np.log(some)).sum()), log(shares.max()))

    def of_guess(self, forecast: Forecast) -> list[float]:
        """Return the features about the model, given an expert's best guess."""
        guessed = log(max(self.shares[forecast.top], _LEAST))
        return [guessed / 4, self.entropy / 3, self.highest / 2]


def context_features(forecast: Forecast, model: Certainty) -> NDArray[np.float64]:
    """Return the `CONTEXT_FEATURES` of an n-gram expert, float64, shape (F,)."""
    length = np.zeros(len(LENGTHS))
    length[max(0, int(np.searchsorted(LENGTHS, forecast.length, side="right")) - 1)] = 1.0
    rest = [
        np.log(forecast.count) / 3,
        forecast.purity,
        np.log(forecast.kinds) / 2,
        np.log(max(float(forecast.shares.max()), 1e-4)),
        *model.of_guess(forecast),
    ]
    return np.concatenate([length, rest])


def line_features(forecast: LineForecast, model: Certainty) -> NDArray[np.float64]:
    """Return the `LINE_FEATURES` of the lines' votes, float64, shape (F,)."""
    ordered = np.sort(forecast.votes.shares)[::-1]
    second = float(ordered[1]) if len(ordered) > 1 else 0.0
    steps = min(forecast.steps, 4)
    typed = forecast.typed > 0
    return np.array(
        [
            1.0,
            forecast.best,
            forecast.best**2 / 3,
            np.log(forecast.left + 1e-4) / 3,
            np.log(ordered[0]),
            ordered[0] - second,
            steps == 0,
            steps == 1,
            steps == 2,
            steps >= 3,
            steps * forecast.best / 3,
            typed,
            np.log1p(forecast.typed) / 3,
            typed * forecast.best,
            np.log(forecast.found) / 3,
            forecast.left > 0.99,
            *model.of_guess(forecast.votes),
        ],
        np.float64,
    )


def shares(
    features: Sequence[NDArray[np.float64] | None], coefficients: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the shares of the model and each expert, which sum to 1, shape (1 + E,).

    Args:
        features: Of each expert; None, and a share of 0, for one without a forecast.
        coefficients: Of each expert, one for each of its features.
    """
    scores = [0.0]
    for own, weights in zip(features, coefficients, strict=True):
        scores.append(_ABSENT if own is None else float(own @ weights))
    powers = np.exp(np.array(scores) - max(scores))
    result: NDArray[np.float64] = powers / powers.sum()
    return result


def mix(
    model: NDArray[np.float64],
    forecasts: Sequence[Forecast | None],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the mixed probabilities, float64, shape (V,); they sum to 1 if the model's do.

    Args:
        model: The model's probabilities, shape (V,).
        forecasts: Of each expert; None for one without a forecast.
        weights: Shares of the model and each expert, from `shares`.
    """
    mixed: NDArray[np.float64] = model * weights[0]
    for forecast, weight in zip(forecasts, weights[1:], strict=True):
        if forecast is not None:
            mixed[forecast.tokens] += weight * forecast.shares
    return mixed
