"""What a file of a simulator's run says, and two of them compared: logs, stats, or a program.

A log is read line by line; a `.toml` file is a program of one's own, which is run for this; a JSON
object is a `sim_stats.json`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import TraceError
from engine.plain_files import open_plain, read_plain
from engine.progress import OnProgress, quiet
from engine.wafer.trace.log_comparison import compare_logs
from engine.wafer.trace.log_events import LogEvents, read_events
from engine.wafer.trace.program_run import logged_run

__all__ = ["LogQuestion", "compare_log_files", "describe_log"]

_PROGRAM = ".toml"
_MOST_STATS_BYTES = 1 << 20
_LONGEST_LINE = 1 << 16
"""Characters."""
_EVERY = 200_000
"""Lines between two reports of progress."""


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """How to bring two files together."""

    offset: tuple[int, int] | None = None
    """Where the program's core (0, 0) lies in their fabric; None: told by the sizes."""
    colors: tuple[tuple[int, int], ...] = ()
    """Their color, ours; the others are told by where they land."""
    worst: int = 8
    """Farthest events to tell."""
    machine: str | None = None
    """Of a program that is run."""
    iterations: int | None = None
    """Of a program that is run."""


def compare_log_files(
    theirs: Path, ours: Path, question: LogQuestion, on_progress: OnProgress = quiet
) -> dict[str, Any]:
    """Compare a log, or stats, with another or with a program that is run for it.

    Args:
        theirs: A `sim.log` or `sim_stats.json`, of the vendor's simulator or any other.
        ours: The same, or a program as a `.toml` file.
        question: How to bring them together.
        on_progress: Called with (done, total, label).

    Returns:
        With two logs what `LogComparison.as_json` has and ``read``, what each file holds; with
        stats ``stats``, [{``name``, ``theirs``, ``ours``, ``ratio``}].

    Raises:
        EngineError: A file cannot be read, or has nothing in common with the other.
    """
    stats = _stats(theirs)
    if stats is not None:
        return {"stats": _beside(stats, _stats_of(ours, question, on_progress))}
    first = _read(theirs, on_progress)
    second = _events_of(ours, question, on_progress)
    found = compare_logs(
        first, second, offset=question.offset, colors=dict(question.colors), worst=question.worst
    )
    read = {"theirs": _described(theirs, first), "ours": _described(ours, second)}
    return found.as_json() | {"read": read}


def describe_log(path: Path, on_progress: OnProgress = quiet) -> dict[str, Any]:
    """Return what a log or a `sim_stats.json` holds, in numbers.

    Raises:
        TraceError: It cannot be read, or is neither.
    """
    stats = _stats(path)
    return {"file": str(path)} | stats if stats else _described(path, _read(path, on_progress))


def _described(path: Path, events: LogEvents) -> dict[str, Any]:
    speed = events.speed
    names = ("seconds", "cycles_per_second", "tile_cycles_per_second")
    return {
        "file": str(path), "columns": events.columns, "rows": events.rows,
        "last_cycle": events.last_cycle, "lines": events.lines, "landings": len(events.landings),
        "task_runs": len(events.tasks), "colors": np.unique(events.landings[:, 3]).tolist(),
        "tasks": np.unique(events.tasks[:, 4]).tolist(),
        "misread_lines": events.misread, "first_misread": events.first_misread or None,
        "speed": None if speed is None else dict(zip(names, speed, strict=True)),
    }  # fmt: skip


# ── files ───────────────────────────────────────────────────────────────────────────────────


def _events_of(path: Path, question: LogQuestion, on_progress: OnProgress) -> LogEvents:
    if path.suffix != _PROGRAM:
        return _read(path, on_progress)
    _, pieces = logged_run(
        path, question.machine, iterations=question.iterations, on_progress=on_progress
    )
    return read_events((line for piece in pieces for line in piece.splitlines()), str(path))


def _read(path: Path, on_progress: OnProgress) -> LogEvents:
    try:
        return read_events(_lines(path, on_progress), str(path))
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror}") from error


def _lines(path: Path, on_progress: OnProgress) -> Iterator[str]:
    """Yield a file's lines, whatever bytes are in it, and tell how far it has been read."""
    done = number = 0
    with TextIOWrapper(open_plain(path), encoding="utf-8", errors="replace") as file:
        size = os.fstat(file.fileno()).st_size
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise TraceError(f"{path}, line {number}: no log has a line so long")
            done += len(line)
            if number % _EVERY == 0:
                on_progress(done, size, f"reading {path.name}")
            yield line


def _stats(path: Path) -> dict[str, Any] | None:
    """Return a file's JSON object; None if it does not begin like one."""
    try:
        with open_plain(path) as file:
            begins = file.read(64).lstrip()[:1] == b"{"
        if not begins:
            return None
        found = json.loads(read_plain(path, _MOST_STATS_BYTES))
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise TraceError(f"{path} is no JSON: brackets in brackets too deep") from error
    except ValueError as error:
        raise TraceError(f"{path} is no JSON: {error}") from error
    return dict(found)


def _stats_of(path: Path, question: LogQuestion, on_progress: OnProgress) -> Mapping[str, Any]:
    """Return the stats of a file, of a log, or of a program that is run."""
    found = _stats(path) if path.suffix != _PROGRAM else None
    if found is not None:
        return found
    events = asdict(_events_of(path, question, on_progress))
    seconds, cycles, tiles = events["speed"] or (None, None, None)
    return {
        "cycle_count": events["last_cycle"], "fabric_x": events["columns"],
        "fabric_y": events["rows"], "hwtile_count": events["columns"] * events["rows"],
        "sim_time": seconds, "cycles_per_second": cycles, "tile_cycles_per_second": tiles,
    }  # fmt: skip


def _beside(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the values of both, and ours over theirs where both are numbers."""
    rows = []
    for name in dict.fromkeys([*theirs, *ours]):
        left, right = theirs.get(name), ours.get(name)
        numbers = all(type(each) in (int, float) for each in (left, right))
        ratio = right / left if numbers and left and right is not None else None
        rows.append({"name": name, "theirs": left, "ours": right, "ratio": ratio})
    return rows
