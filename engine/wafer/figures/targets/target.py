"""Target: one published figure, what we predict for it, and how near the two must be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, isclose, log
from typing import Literal

__all__ = [
    "Bound",
    "Evidence",
    "Role",
    "Target",
    "at_most",
    "exact",
    "geometric_mean_error",
    "near",
    "within",
    "within_cycles",
]

Evidence = Literal["A", "B", "C"]
"""A: real hardware, conditions known; B: derived from published rates; C: sanity only."""

Role = Literal["identity", "fitted", "held_out", "reference"]
"""How a row relates to the predictions: it follows from definitions; a constant was fitted on it;
it was kept out of every fit; or it only stands beside them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How near a prediction must be."""

    text: str
    holds: Callable[[float, float], bool]
    """(predicted, published) → whether it is."""


def exact() -> Bound:
    """Equal, but for the last digits of a float."""
    return Bound("exact", lambda predicted, published: isclose(predicted, published, rel_tol=1e-12))


def within(fraction: float) -> Bound:
    """At most this relative error."""
    return Bound(f"≤ {fraction:.0%}", lambda got, said: abs(got / said - 1) <= fraction)


def within_cycles(cycles: float) -> Bound:
    """At most so many cycles apart."""
    unit = "cycle" if cycles == 1 else "cycles"
    return Bound(f"≤ {cycles:g} {unit}", lambda got, said: abs(got - said) <= cycles)


def near(cycles: float, fraction: float) -> Bound:
    """So many cycles apart or this relative error, whichever is more."""
    return Bound(
        f"≤ {cycles:g} cycles or {fraction:.0%}",
        lambda got, said: abs(got - said) <= max(cycles, fraction * said),
    )


def at_most() -> Bound:
    """No more than published, which is a limit itself."""
    return Bound("at most", lambda predicted, published: predicted <= published)


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the validation table."""

    id: str
    """Number of the subject, then what tells the row from others of it."""
    evidence: Evidence
    source: str
    conditions: str
    unit: str
    published: float
    role: Role
    analytic: float | None = None
    simulated: float | None = None
    reason: str = ""
    """Why there is no simulated, or no predicted, figure."""
    bound: Bound | None = None

    @property
    def subject(self) -> str:
        """The part of the id before its first slash."""
        return self.id.partition("/")[0]

    @property
    def predicted(self) -> float | None:
        """The cycle tier's figure where there is one, else the analytic tier's."""
        return self.analytic if self.simulated is None else self.simulated

    @property
    def signed_error(self) -> float | None:
        """The prediction over the published figure, less 1; where that is 0, the prediction."""
        if self.predicted is None:
            return None
        if self.published == 0:
            return self.predicted
        return self.predicted / self.published - 1

    @property
    def holds(self) -> bool | None:
        """Whether every figure we have keeps the bound; None without a bound."""
        if self.bound is None:
            return None
        figures = [each for each in (self.analytic, self.simulated) if each is not None]
        return all(self.bound.holds(each, self.published) for each in figures)

    def as_json(self) -> dict[str, object]:
        """Return the object in ``targets``."""
        return {
            "id": self.id,
            "evidence": self.evidence,
            "source": self.source,
            "conditions": self.conditions,
            "unit": self.unit,
            "published": self.published,
            "analytic": self.analytic,
            "simulated": self.simulated,
            "reason": self.reason or None,
            "signed_error": self.signed_error,
            "role": self.role,
            "bound": None if self.bound is None else self.bound.text,
            "holds": self.holds,
        }


def geometric_mean_error(targets: list[Target]) -> float:
    """Return the geometric mean of 1 + |error| over the rows that have one, less 1."""
    errors = list(_errors(targets))
    return exp(sum(log(1 + error) for error in errors) / len(errors)) - 1 if errors else 0.0


def _errors(targets: list[Target]) -> Iterator[float]:
    for target in targets:
        if target.signed_error is not None:
            yield abs(target.signed_error)
