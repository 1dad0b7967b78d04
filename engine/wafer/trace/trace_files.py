"""Writes a trace as four files in a folder: all of them whole, or none."""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import TraceError
from engine.progress import OnProgress, quiet
from engine.wafer.trace import cores_csv, perfetto, stats
from engine.wafer.trace.collect import LIMIT_BYTES
from engine.wafer.trace.simlog import SimLog
from engine.wafer.trace.traced_steps import Trace

__all__ = ["TraceReport", "check_folder", "write"]

_COUNTER_BYTES = 250_000
"""More than the counters of a simulated token take in trace.json."""
_SLICE_BYTES, _SPANS_BYTES, _CORE_BYTES = 300, 1500, 120
"""About what an instruction of the Program takes there, what its collectives take, and what a core
takes in cores.csv."""
_NAMES = ("sim.log", "sim_stats.json", "trace.json", "cores.csv")


@dataclass(frozen=True, slots=True)
class TraceReport:
    """A summary of what was traced and written."""

    out: str
    model: str
    machine: str
    clock_ghz: float
    program: str
    tier: str
    tokens: int
    region: tuple[int, int, int, int]
    """x, y, width, height on the wafer."""
    cycles: int
    wavelets: bool
    """Whether sim.log names every wavelet; False: landings alone, or none on the fast tier."""
    files: dict[str, int]
    """Bytes by name."""
    seconds: float
    """Of this computer: lowering and simulating."""

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        return asdict(self)


def write(
    trace: Trace,
    out: Path,
    on_progress: OnProgress = quiet,
    *,
    limit_bytes: int = LIMIT_BYTES,
) -> TraceReport:
    """Write a trace's files; name every wavelet if that fits the limit.

    Raises:
        TraceError: The trace would exceed the limit, and nothing is written; or a file cannot be.
    """
    on_progress(0, len(_NAMES), "estimating the size")
    log, rest = SimLog(trace), _rest(trace)
    wavelets = trace.tables is not None and rest + log.estimate(wavelets=True) <= limit_bytes
    bytes_needed = rest + log.estimate(wavelets=wavelets)
    if bytes_needed > limit_bytes:
        raise TraceError(
            f"this trace would take about {bytes_needed / 1e9:.1f} GB, even with landings in "
            f"place of wavelets; at most {limit_bytes / 1e9:g} GB are written: ask for a smaller "
            "--region or fewer tokens"
        )
    contents: tuple[Iterable[str], ...] = (
        log.text(wavelets=wavelets), [stats.text(trace)], perfetto.text(trace),
        cores_csv.text(trace),
    )  # fmt: skip
    files: dict[str, int] = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, (name, content) in enumerate(zip(_NAMES, contents, strict=True)):
            on_progress(number, len(_NAMES), f"writing {name}")
            files[name] = _write_whole(out / name, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # the place is right, but full
            raise
        raise TraceError(f"{out} cannot be written to: {error.strerror}") from error
    machine, window = trace.program.machine, trace.window
    return TraceReport(
        out=str(out), model=trace.program.model, machine=machine.name,
        clock_ghz=machine.clock_ghz, program=trace.program.hash, tier=trace.tier,
        tokens=len(trace.steps), region=(window.x, window.y, window.width, window.height),
        cycles=trace.cycles, wavelets=wavelets, files=files,
        seconds=trace.init_seconds + trace.simulated_seconds,
    )  # fmt: skip


def _rest(trace: Trace) -> int:
    """Return about how many bytes there are beside the log."""
    instructions = len(trace.program.instructions)
    step = _SLICE_BYTES * instructions
    if trace.tables is not None:
        step += _COUNTER_BYTES + _SPANS_BYTES * instructions
    return len(trace.steps) * step + _CORE_BYTES * trace.window.width * trace.window.height


def check_folder(out: Path) -> None:
    """Refuse a place that cannot be written to, before anything slow begins.

    Raises:
        TraceError: ``out`` is no folder that can be written to, or has a folder in a file's place.
    """
    try:
        there = out
        while not there.exists() and there != there.parent:
            there = there.parent
        taken = [out / name for name in _NAMES if (out / name).is_dir()]
    except OSError as error:
        raise TraceError(f"{out} is no place for a trace: {error.strerror}") from error
    if not there.is_dir():
        raise TraceError(f"{there} is a file; name a folder to write the trace to")
    if not os.access(there, os.W_OK | os.X_OK):
        raise TraceError(f"the folder {there} cannot be written to; name another one")
    if taken:
        raise TraceError(f"{taken[0]} is a folder; a trace writes a file there")


def _write_whole(path: Path, content: Iterable[str]) -> int:
    """Write a file beside its place and move it there when it is whole; return its bytes."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            for piece in content:
                file.write(piece)
        size = partial.stat().st_size
        os.replace(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return size
