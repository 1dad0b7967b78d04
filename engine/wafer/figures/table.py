"""`wafer validate`: every published figure we can compute, beside both tiers' predictions.

Collects the targets of `figures.targets` in the order of their subjects and sums them up;
each subject is computed when it is asked for, so that a caller can show progress.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from engine.progress import OnProgress, quiet
from engine.wafer.figures.served import ServedModel
from engine.wafer.figures.targets import (
    chip_targets,
    core_targets,
    fabric_targets,
    prefill_targets,
    program_targets,
    served_targets,
    training_targets,
    waferllm_targets,
)
from engine.wafer.figures.targets.target import Target, geometric_mean_error

__all__ = ["Summary", "subjects", "summarise", "targets"]


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


def subjects(served: ServedModel) -> dict[str, Callable[[], Iterator[Target]]]:
    """Return what is validated, in the order it is computed.

    Args:
        served: The model that was served on a physical CS-3.
    """
    return {
        "multicast along a row": fabric_targets.multicasts,
        "reductions against closed forms": fabric_targets.reductions,
        "reductions of the vendor's simulator": fabric_targets.simulated_reductions,
        "stencils of the vendor's simulator": program_targets.stencils,
        "a reduction as a program of one's own": program_targets.reductions,
        "crossovers between algorithms": fabric_targets.crossovers,
        "decode of a served model": partial(served_targets.decode, served),
        "slope of a served model": partial(served_targets.slope, served),
        "pipelining of a served model": partial(served_targets.pipelining, served),
        "known tokens of a served model": partial(served_targets.known_tokens, served),
        "a layer a block of a served model": partial(served_targets.deep, served),
        "another build of it": partial(served_targets.other_build, served),
        "dedicated prefill of a served model": partial(prefill_targets.dedicated, served),
        "streamed prefill of a served model": partial(prefill_targets.streamed, served),
        "spread of repeated runs": fabric_targets.repeats,
        "tail of a served model": partial(served_targets.tail, served),
        "matrix–vector product on every core": chip_targets.matvec,
        "vector instruction of a core": core_targets.vectors,
        "body of a product and of a rotation": core_targets.bodies,
        "GEMM of a core's products, and its energy": core_targets.gemm,
        "training steps of the vendor's": training_targets.steps,
        "GEMV": waferllm_targets.gemv,
        "decode layers of WaferLLM": waferllm_targets.decode,
        "prefill layers of WaferLLM": waferllm_targets.prefill,
        "KV rows by shifting": waferllm_targets.kv_capacity,
        "algorithms and systems compared": waferllm_targets.comparisons,
        "a scalar over the wafer": fabric_targets.scalar_all_reduce,
        "edge to edge": fabric_targets.edges,
        "peak rates": chip_targets.peaks,
        "memory of a served model": partial(served_targets.memory, served),
    }


def targets(served: ServedModel, on_progress: OnProgress = quiet) -> Iterator[Target]:
    """Yield every target.

    Args:
        served: The model that was served on a physical CS-3.
        on_progress: Called with (subjects done, subjects, the next one's name).
    """
    parts = subjects(served)
    for done, (name, rows) in enumerate(parts.items()):
        on_progress(done, len(parts), name)
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
