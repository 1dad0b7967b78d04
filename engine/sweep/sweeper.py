"""Runs a sweep: asks the points that have no result yet, keeps each answer, writes the file."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from engine.sweep.answers import answer
from engine.sweep.grid import Point
from engine.sweep.result_file import ResultFile
from engine.sweep.workers import Workers
from engine.version import __version__

__all__ = ["SweepReport", "run_sweep", "timed_answer"]


@dataclass(frozen=True, slots=True)
class SweepReport:
    """How a sweep went."""

    points: int
    computed: int
    """In this run; the rest had a result."""
    failed: int
    """Points whose result is an error."""
    seconds: float
    """Host time of this run, from the first answer on: workers start before it."""
    out: str
    rows: tuple[tuple[Point, dict[str, Any]], ...]

    def as_json(self) -> dict[str, object]:
        """Return the figures, without the results."""
        return {
            "points": self.points,
            "computed": self.computed,
            "failed": self.failed,
            "seconds": self.seconds,
            "out": self.out,
        }


def timed_answer(point: Point) -> tuple[dict[str, Any], float, str]:
    """Return the answer of a point, the seconds it took, and the computer that gave it."""
    began = perf_counter()
    result = answer(point)
    # Through JSON: what is kept and what is passed on are then the same.
    return msgspec.json.decode(msgspec.json.encode(result)), perf_counter() - began, platform.node()


def run_sweep(
    points: Sequence[Point],
    out: Path,
    workers: Workers,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> SweepReport:
    """Answer the points of a grid; those that ``out`` has an answer to are not asked again.

    Args:
        points: The grid's, each once.
        out: As of `ResultFile`.
        workers: Who computes.
        on_progress: Called with (points done, points) after each.

    Raises:
        SweepError: The results cannot be read or kept.
        EngineError: A point cost several workers their lives; what is done is kept.
    """
    file = ResultFile(out)
    results = file.known()
    missing = [point for point in points if point.key not in results]
    on_progress(len(points) - len(missing), len(points))
    began = datetime.now(UTC)
    first, costs = perf_counter(), dict[str, dict[str, object]]()
    try:
        for point, (result, seconds, computer) in workers.answers(timed_answer, missing):
            first = first if costs else perf_counter()
            results[point.key] = result
            costs[point.key] = {"seconds": round(seconds, 6), "computer": computer}
            file.keep(point, result)
            on_progress(len(points) - len(missing) + len(costs), len(points))
    finally:
        file.close()
    seconds = perf_counter() - first if costs else 0.0
    file.finish(points, results, _provenance(workers, began, seconds, points, costs))
    rows = tuple((point, results[point.key]) for point in points)
    failed = sum("error" in result for _, result in rows)
    return SweepReport(len(points), len(costs), failed, seconds, str(out), rows)


def _provenance(
    workers: Workers,
    began: datetime,
    seconds: float,
    points: Sequence[Point],
    costs: dict[str, dict[str, object]],
) -> dict[str, object]:
    """Return where, when and by what the results of this run were computed."""
    return {
        "program": f"spark-tui {__version__}",
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "workers": workers.name,
        "began": began.isoformat(timespec="seconds"),
        "host_seconds": round(seconds, 3),
        "points": len(points),
        "computed_in_this_run": len(costs),
        "host_seconds_of_points": [costs.get(point.key) for point in points],
    }
