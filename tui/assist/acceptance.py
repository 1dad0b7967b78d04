"""How likely a person takes a suggestion, by how likely the model found it.  Pure numbers.

A logistic curve for each model, which begins with a prior and is learnt from what the person took
and refused.  Only the app uses it: `spark-tui complete` and `bench` judge by the model's threshold.
`tui.flows.suggestions.acceptance_store` keeps it; `tui.assist.verdicts` says what counts.

With m the mean log-probability of a text's tokens and t the model's threshold (below 0),

    u = 1 − m/t                     0 at the threshold, 1 where the model is certain
    chance = 1 / (1 + exp(−a − b·u))

Prior:
    The threshold of a model lies where a quarter of its answers is right
    (`engine.knowledge.fitting.WORTH_SHOWING`), and about three quarters of those are of which it
    is nearly certain: a = −ln 3, b = 2·ln 3.  It counts like some sixteen answers.

Source:
    The step is that of the extended Kalman filter for logistic regression, which is Newton's rule
    for one answer (Spiegelhalter and Lauritzen, 1990).
"""

from math import exp, log

import msgspec

__all__ = ["ASSUMED_THRESHOLD", "Acceptance", "chance", "learn", "least_logprob"]

ASSUMED_THRESHOLD = -0.5
"""Stands for the threshold of a model that has none.  Assumed: between those of the models that
have one, −0.34 and −0.52."""

_A, _B = -log(3), 2 * log(3)
_PRECISION = (4.0, 0.0, 2.0)
"""Of the prior: of a, of both together, of b.  An answer adds at most a quarter to the first."""
_MEMORY = 0.995
"""Share of what was learnt that is left after each answer: some two hundred answers count."""
_LEAST_SLOPE = 0.25
"""A text that the model finds likelier never counts as taken less often."""
_REACH = (-2.0, 0.8)
"""Least and most u that a threshold may have: what the model is nearly certain of is shown however
much was refused, or nothing could be learnt any more."""


class Acceptance(msgspec.Struct, frozen=True):
    """What is known of one person and one model."""

    a: float = _A
    b: float = _B
    precision: tuple[float, float, float] = _PRECISION
    """Of a, of both together, of b: the inverse of their covariance."""
    taken: int = 0
    """Suggestions that were taken, as a whole or in part."""
    refused: int = 0

    @property
    def sound(self) -> bool:
        """Whether these numbers can be calculated with; what was read from a file may be odd."""
        aa, ab, bb = self.precision
        numbers = (self.a, self.b, *self.precision)
        small = all(abs(each) < 1e6 for each in numbers)  # also no NaN
        return small and self.b > 0 and aa > 0 and aa * bb > ab * ab


def chance(known: Acceptance, mean_logprob: float, threshold: float | None) -> float:
    """Return how likely a text is taken, 0–1.

    Args:
        known: What is known of the person and the model.
        mean_logprob: Mean natural log-probability of the text's tokens, at most 0.
        threshold: The model's; None where it has none.

    Example:
        >>> round(chance(Acceptance(), -0.5, -0.5), 2), round(chance(Acceptance(), 0.0, -0.5), 2)
        (0.25, 0.75)
    """
    return _logistic(known.a + known.b * _place(mean_logprob, threshold))


def least_logprob(known: Acceptance, share: float, threshold: float | None) -> float:
    """Return the mean log-probability from which a text is taken at least so often.

    Args:
        known: What is known of the person and the model.
        share: The chance wanted, between 0 and 1.
        threshold: The model's; None where it has none.

    Example:
        >>> round(least_logprob(Acceptance(), 0.25, -0.5), 3)
        -0.5
    """
    place = (log(share / (1 - share)) - known.a) / known.b
    place = min(max(place, _REACH[0]), _REACH[1])
    return (threshold or ASSUMED_THRESHOLD) * (1 - place)


def learn(
    known: Acceptance, mean_logprob: float, threshold: float | None, *, taken: bool
) -> Acceptance:
    """Return what is known after the person took a suggestion, or refused it."""
    place = _place(mean_logprob, threshold)
    p = _logistic(known.a + known.b * place)
    weight, wrong = p * (1 - p), float(taken) - p
    aa, ab, bb = (_faded(*each) for each in zip(known.precision, _PRECISION, strict=True))
    aa, ab, bb = aa + weight, ab + weight * place, bb + weight * place * place
    size = aa * bb - ab * ab
    return Acceptance(
        known.a + wrong * (bb - ab * place) / size,
        max(_LEAST_SLOPE, known.b + wrong * (aa * place - ab) / size),
        (aa, ab, bb),
        known.taken + taken,
        known.refused + (not taken),
    )


def _place(mean_logprob: float, threshold: float | None) -> float:
    """Return u; what the model found hopeless is all alike."""
    return max(_REACH[0], 1 - mean_logprob / (threshold or ASSUMED_THRESHOLD))


def _faded(precision: float, prior: float) -> float:
    return prior + _MEMORY * (precision - prior)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-max(-500.0, min(500.0, x))))
