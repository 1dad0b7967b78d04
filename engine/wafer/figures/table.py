"""`wafer validate`: every published figure we can compute, beside both tiers' predictions.

Collects the targets of `figures.targets` in the order of their subjects and sums them up;
each subject is computed when it is asked for, so that a caller can show progress.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.wafer.figures.targets import (
    chip_targets,
    fabric_targets,
    served_targets,
    waferllm_targets,
)
from engine.wafer.figures.targets.target import Target, geometric_mean_error

__all__ = ["SUBJECTS", "Summary", "summarise", "targets"]

SUBJECTS: dict[str, Callable[[], Iterator[Target]]] = {
    "multicast along a row": fabric_targets.multicasts,
    "reductions against closed forms": fabric_targets.reductions,
    "crossovers between algorithms": fabric_targets.crossovers,
    "decode of a served model": served_targets.decode,
    "pipelining of a served model": served_targets.pipelining,
    "spread of repeated runs": fabric_targets.repeats,
    "tail of a served model": served_targets.tail,
    "matrix–vector product on every core": chip_targets.matvec,
    "GEMV": waferllm_targets.gemv,
    "decode layers of WaferLLM": waferllm_targets.decode,
    "prefill layers of WaferLLM": waferllm_targets.prefill,
    "KV rows by shifting": waferllm_targets.kv_capacity,
    "algorithms and systems compared": waferllm_targets.comparisons,
    "a scalar over the wafer": fabric_targets.scalar_all_reduce,
    "edge to edge": fabric_targets.edges,
    "peak rates": chip_targets.peaks,
    "memory of a served model": served_targets.memory,
}
"""What is validated, in the order it is computed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A table in a few numbers."""

    targets: int
    broken: tuple[str, ...]
    """Ids of the rows whose bound does not hold."""
    geometric_mean_error: float
    """Of the rows that were fitted or kept out; see `geometric_mean_error`."""
    largest_error: float
    worst: str
    """Id of the row with it."""


def targets(
    on_progress: Callable[[int, int, str], None] = lambda done, total, label: None,
) -> Iterator[Target]:
    """Yield every target.

    Args:
        on_progress: Called with (subjects done, subjects, the next one's name).
    """
    for done, (name, rows) in enumerate(SUBJECTS.items()):
        on_progress(done, len(SUBJECTS), name)
        yield from rows()


def summarise(rows: list[Target]) -> Summary:
    """Sum a table up; identities and what stands for reference only do not count as errors."""
    measured = [
        row for row in rows if row.role in ("fitted", "held_out") and row.signed_error is not None
    ]
    worst = max(measured, key=lambda row: abs(row.signed_error or 0.0), default=None)
    return Summary(
        targets=len(rows),
        broken=tuple(row.id for row in rows if row.holds is False),
        geometric_mean_error=geometric_mean_error(measured),
        largest_error=0.0 if worst is None else abs(worst.signed_error or 0.0),
        worst="" if worst is None else worst.id,
    )
