"""Low, likely and high: the range beside every prediction, and what it rests on.

Where rows were kept out of a fit, the range is the one that would have held each of them: a row
that came out e above what was measured lowers the range by 1 / (1 + e).  Where nothing was
measured, it is what the assumptions' ranges come to (`sensitivity`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SPREADS", "Spread", "of_errors", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Factors on the likely cycles, and cycles that the high end has more."""

    low: float
    high: float
    basis: str
    more_cycles: int = 0

    def ends(self, cycles: int) -> tuple[int, int]:
        """Return (low, high) of likely cycles, to whole ones."""
        return round(cycles * self.low), round(cycles * self.high) + self.more_cycles


def of_errors(errors: Iterable[float]) -> tuple[float, float]:
    """Return the factors that take a prediction to each row's measurement, 1 among them.

    Args:
        errors: Predicted over measured, less 1.
    """
    factors = [1.0, *(1 / (1 + error) for error in errors)]
    return min(factors), max(factors)


_SECOND_MODE = 57
"""Cycles by which a multicast starts later in its second mode, at most (lab notes on a CS-3)."""

SPREADS = {
    ("wse3", "multicast"): Spread(
        1.0, 1.0, "a row multicast on a CS-3, exact; its second mode starts up to 57 cycles later",
        _SECOND_MODE,
    ),
    ("wse2", "collective"): Spread(
        0.96, 1.04, "Luczynski et al.: less than 4 % from a CS-2; 5 rows of the vendor's simulator "
        "within 1 %",
    ),
    ("wse3", "vector"): Spread(1.0, 1.0, "two rows of one instruction, exact"),
    ("wse3", "decode"): Spread(
        0.971, 1.080, "15 rows of a CS-3 that nothing was fitted on: 8 and 28 blocks, contexts "
        "of 256 to 32,000"
    ),
    ("wse3", "prefill"): Spread(
        0.989, 1.035, "4 rows of a CS-3 that nothing was fitted on, one model"
    ),
    ("wse2", "gemv"): Spread(1.0, 1.111, "one row of WaferLLM that nothing was fitted on"),
    ("wse2", "decode-layer"): Spread(
        0.899, 1.124, "WaferLLM, constants fitted on one of two models and held against the other"
    ),
    ("wse2", "prefill-layer"): Spread(
        1.0, 1.075, "5 rows of WaferLLM that nothing was fitted on"
    ),
}  # fmt: skip
"""By machine and kind of prediction; tests find each again from its rows."""

_ELSEWHERE = {
    "multicast": Spread(0.96, 1.04, "as a reduction on WSE-2", _SECOND_MODE),
    "collective": Spread(
        0.96, 1.04, "as on WSE-2; each start up to 57 cycles later, one counted", _SECOND_MODE
    ),
    "vector": Spread(0.98, 1.02, "an instruction's overhead of 5 to 7 cycles; not measured"),
    "decode": Spread(
        0.907, 1.101, "the ranges of all assumptions, on Qwen3-1.7B in int8: `validate "
        "--sensitivity`; nothing was measured"
    ),
    "prefill": Spread(0.925, 1.124, "as WaferLLM's layers on WSE-2; not measured here"),
    "train-step, resident": Spread(
        0.899, 1.124, "as WaferLLM's layers on WSE-2; no such training step was measured"
    ),
    "train-step, streamed": Spread(
        0.5, 1.124, "served kernels of the vendor's take 0.55 to 0.7 of the cycles: `validate`, 33"
    ),
    "gemv": Spread(0.899, 1.124, "as WaferLLM's layers on WSE-2; not measured here"),
    "decode-layer": Spread(0.899, 1.124, "as on WSE-2; not measured here"),
    "prefill-layer": Spread(0.925, 1.075, "as on WSE-2; not measured here"),
}  # fmt: skip
"""By kind, where the machine was not measured."""


def spread(machine: str, kind: str, *, measured: bool = True) -> Spread:
    """Return the range of a kind of prediction; not ``measured``: as on a machine that was not."""
    known = SPREADS.get((machine, kind)) if measured else None
    return _ELSEWHERE[kind] if known is None else known
