"""The repository's part in a model's answers, weighed anew for a model that has learnt.

What a model learnt changes how sure it is, and how often the repository's experts tell it more
than it knows.  The coefficients of their mixture (`engine.knowledge.mixture`) were fitted for the
model as it was; here they move a little, to where the right answers to questions about watched
files are likeliest.  Asks nothing itself: pure functions of what was observed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from engine.knowledge import fitting
from engine.knowledge.fitting import Observed, Rows
from engine.knowledge.tuning import Tuning, neutral_tuning

__all__ = ["PULL", "MixtureTrial", "fitted_tuning", "try_mixture"]

PULL = 0.01
"""Penalty of the squared distance from the coefficients as they were.

Gains in bits a question with the base model on 400 questions about samesim 0.2.1, each quarter
answered with coefficients fitted to the others: 0.014 ± 0.014 at 0.1, 0.033 ± 0.027 at 0.03, 0.050
± 0.043 at 0.01, 0.054 ± 0.060 at 0.003."""
_PARTS = 4


@dataclass(frozen=True, slots=True)
class MixtureTrial:
    """How likely right answers are with the coefficients as they were, and with fitted ones."""

    plain_bits: float
    """−log₂ of the probability of all right answers and their ends, under those as they were."""
    fitted_bits: float
    """The same, each quarter of the questions under coefficients fitted to the other three."""
    coefficients: Rows
    """Fitted to all questions, shape (E, F)."""


def try_mixture(each: Sequence[Observed], tuning: Tuning | None) -> MixtureTrial:
    """Fit the coefficients anew.

    Args:
        each: What was observed at each question, in an order in which neighbours are alike.
        tuning: The model's as it was; None: it has no experts, and nothing changes.
    """
    start = fitting.filled((tuning or neutral_tuning()).coefficients())
    everything = fitting.joined(each)
    plain = _bits(start, everything)
    if tuning is None:
        return MixtureTrial(plain, plain, start)
    crossed = sum(
        _bits(fitting.fit_mixture(fitting.joined(others), start, PULL), fitting.joined(asked))
        for asked, others in _quarters(each)
    )
    return MixtureTrial(plain, crossed, fitting.fit_mixture(everything, start, PULL))


def fitted_tuning(tuning: Tuning, coefficients: Rows, questions: int, sha256: str) -> Tuning:
    """Return a tuning with fitted coefficients; its threshold stays.

    Args:
        tuning: As it was.
        coefficients: Shape (E, F).
        questions: On which they were fitted, in the repository.
        sha256: Of the weights that they were fitted with.
    """
    facts = tuning.fitted_on | {"repository_questions": questions}
    return msgspec.structs.replace(
        tuning,
        mixture=fitting.named(coefficients),
        weights_sha256=sha256,
        weight_bytes=0,
        fitted_on=facts,
    )


def _bits(coefficients: Rows, observed: Observed) -> float:
    return fitting.loss(coefficients, observed) * len(observed.right) / math.log(2)


def _quarters(each: Sequence[Observed]) -> list[tuple[list[Observed], list[Observed]]]:
    """Return quarters in a row, so that one file's questions are mostly in one, and the rest."""
    places = [part for part in np.array_split(np.arange(len(each)), _PARTS) if len(part)]
    return [
        ([each[i] for i in part], [one for i, one in enumerate(each) if i not in part])
        for part in places
        if len(part) < len(each)
    ]
