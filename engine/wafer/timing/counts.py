"""Counts: a tally of what steps ran, in few numbers, and what it expands into.

Plain data that `timing` fills, adds up and expands; nothing is priced here.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["Activity", "CountedPasses", "Counts"]


@dataclass(frozen=True, slots=True)
class Counts:
    """A tally of what ran, in few numbers, which expands into every core's states."""

    steps: int
    """Waves of rows that were under way together: one a step, more for a long draft."""
    rows: int
    """Rows of all steps together."""
    logits: int
    """Rows of them whose logits were computed: one a step, more where drafts were verified."""
    growth: NDArray[np.int64]
    """Σ over rows of each attention's cycles beyond those with one KV row in every core; int64
    (attentions,), in the order of the instructions."""
    last_growth: NDArray[np.int64]
    """The same, for each step's last row only."""
    kv_rows: NDArray[np.int64]
    """Σ over rows of the KV rows that a core sees, by window of the Program's attentions and core
    row; int64 (windows, rows of the region)."""
    kv_comm: NDArray[np.int64]
    """Σ over rows of the cycles a core streams scores, by window and core row; int64."""
    streams: NDArray[np.int64]
    """Rows for which a core streams scores, by window and core row; int64."""
    kept: NDArray[np.int64]
    """KV rows kept, by core row; int64."""
    lookups: NDArray[np.int64]
    """Embedding rows read, by column of the head's region; int64."""
    entering: NDArray[np.int64]
    """Σ over steps of what the column of the first row's token makes of EMBED and of RECEIVE,
    cycles beyond those of the middle column; int64 (2,).  0 where it is taken for that one."""
    following: int
    """Σ over rows before another of a step: what the head's other columns wait longer for it."""

    def plus(self, later: "Counts") -> "Counts":
        """Return both together."""
        return Counts(*(getattr(self, f.name) + getattr(later, f.name) for f in fields(self)))

    def since(self, earlier: "Counts") -> "Counts":
        """Return what was run after ``earlier``."""
        return Counts(*(getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class CountedPasses:
    """As much of `Counts` as cycles need."""

    steps: int
    rows: int
    logits: int
    growth: NDArray[np.int64]
    last_growth: NDArray[np.int64]
    entering: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    """As in `Counts`; tokens that are not known lie in the middle column."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The states of every placed core over some steps, in wafer cycles."""

    elapsed_cycles: int
    states: tuple[NDArray[np.int64], ...]
    """Per region int64 (H, W, 6), cycles by state, as the cores lie on the wafer (row 0 is the
    northernmost); each core's sum to ``elapsed_cycles``."""
    cycles_by_operation: dict[str, int]
    """Sums to ``elapsed_cycles``."""
