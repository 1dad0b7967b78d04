"""Runs a program that a person wrote, with the simulator made ready first, and logs the run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import TraceError
from engine.progress import OnProgress, quiet
from engine.wafer.fabric.prepare import prepare_simulator
from engine.wafer.jit import kernel_cache
from engine.wafer.program import machine as machines
from engine.wafer.trace.simlog import SimLog
from engine.wafer.trace.traced_steps import CoreTables, Events, Rectangle, TracedStep

if TYPE_CHECKING:
    from engine.wafer.fabric.fabric_program.run_program import ProgramRun
    from engine.wafer.fabric.record import Recorder

__all__ = ["LOG_LIMIT_BYTES", "logged_run", "run_wafer_program"]

LOG_LIMIT_BYTES = 1_000_000_000
"""Most bytes that a log of a run may have."""

_MOST_EVENTS = 4_000_000
"""Moves, runs and waits that are kept, each: more would exceed the limit of a log."""


@dataclass(frozen=True, slots=True)
class ProgramTrace:
    """A run as a log sees it: all its cores, one step."""

    machine_name: str
    subject: str
    window: Rectangle
    corner: tuple[int, int]
    columns: int
    rows: int
    steps: tuple[TracedStep, ...]
    tables: CoreTables
    simulated_seconds: float

    @property
    def cycles(self) -> int:
        """Cycles of the run."""
        return self.steps[0].cycles


def run_wafer_program(
    path: Path,
    machine: str | None = None,
    clock_ghz: float | None = None,
    *,
    iterations: int | None = None,
    log: Path | None = None,
    on_progress: OnProgress = quiet,
) -> "ProgramRun":
    """Run the program of a file on the cycle tier.

    Args:
        path: The file; `engine/wafer/fabric/fabric_program/README.md` describes it.
        machine: Another machine than the file names.
        clock_ghz: Another clock than the machine's own.
        iterations: Another number than the file's.
        log: Where to write a `sim.log` of all cores.
        on_progress: Called with (done, total, label).

    Raises:
        FabricProgramError: The file is no program, or asks for what the machine has not.
        MachineError: The machine is unknown.
        StuckProgramError: Some core can never go on.
        TraceError: The log would be too large, or cannot be written.
    """
    if log is None:
        return _run(path, machine, clock_ghz, iterations, None, on_progress)[0]
    run, lines = logged_run(
        path, machine, clock_ghz, iterations=iterations, wavelets=True, on_progress=on_progress
    )
    try:
        with log.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    except OSError as error:
        raise TraceError(f"{log} cannot be written to: {error.strerror}") from error
    return run


def logged_run(
    path: Path,
    machine: str | None = None,
    clock_ghz: float | None = None,
    *,
    iterations: int | None = None,
    wavelets: bool = False,
    on_progress: OnProgress = quiet,
) -> tuple["ProgramRun", Iterator[str]]:
    """Run the program of a file and return the run, and its log in pieces.

    Args:
        path: The file.
        machine: Another machine than the file names.
        clock_ghz: Another clock than the machine's own.
        iterations: Another number than the file's.
        wavelets: Every wavelet at every router in the log, not its landings alone.
        on_progress: Called with (done, total, label).

    Raises:
        EngineError: As `run_wafer_program`.
    """
    run, recorder = _run(path, machine, clock_ghz, iterations, _MOST_EVENTS, on_progress)
    assert recorder is not None
    log = SimLog(_trace(run, recorder))
    size = log.estimate(wavelets=wavelets)
    if recorder.noted.max() > _MOST_EVENTS or size > LOG_LIMIT_BYTES:
        raise TraceError(
            f"{path}: the log of this run would take more than {LOG_LIMIT_BYTES / 1e9:g} GB; ask "
            "for fewer cores or iterations"
        )
    return run, log.text(wavelets=wavelets)


def _run(
    path: Path,
    machine: str | None,
    clock_ghz: float | None,
    iterations: int | None,
    events: int | None,
    on_progress: OnProgress,
) -> "tuple[ProgramRun, Recorder | None]":
    """Run a file, and note at most so many events of each kind; None: none."""
    kernel_cache.use()  # before the simulator is imported: numba fixes the folder then
    from engine.wafer.fabric.fabric_program.program_file import read_program
    from engine.wafer.fabric.fabric_program.run_program import run_program
    from engine.wafer.fabric.record import Recorder

    program = read_program(path)
    spec = machines.get(machine or program.machine, clock_ghz)
    prepare_simulator(spec, on_progress)
    on_progress(0, 1, f"simulating {program.columns} × {program.rows} cores")
    recorder = None
    if events is not None:
        watched = np.ones(program.columns * program.rows, np.uint8)
        recorder = Recorder.of(watched, (events, events, events))
    return run_program(program, spec, iterations=iterations, recorder=recorder), recorder


def _trace(run: "ProgramRun", recorder: "Recorder") -> ProgramTrace:
    """Return a run as a log sees it."""
    from engine.wafer.fabric.record import MOVES, RUNS, WAITS
    from engine.wafer.fabric.state import Totals
    from engine.wafer.trace.collect import in_order

    fabric, program = run.lowered.fabric, run.program
    cores = program.columns * program.rows
    tasks = np.arange(program.lines + 1)
    for line, task in run.lowered.tasks.items():
        tasks[line] = task
    events = Events(
        recorder.moves[: recorder.noted[MOVES]],
        recorder.runs[: recorder.noted[RUNS]],
        recorder.waits[: recorder.noted[WAITS]],
    )
    step = TracedStep(
        position=0, cycles=run.cycles, start=0, moved=np.zeros(0, np.int64), begun=None,
        ended=run.ended, states=fabric.states.sum(axis=0), active=int(fabric.totals[Totals.ACTIVE]),
        events=in_order(events),
    )  # fmt: skip
    tables = CoreTables(
        fabric.net, fabric.program, fabric.first, run.lowered.words * np.arange(cores), 0, tasks
    )
    window = Rectangle(0, 0, program.columns, program.rows)
    return ProgramTrace(
        run.machine.name, f"program {program.path.name}", window, (0, 0), program.columns,
        program.rows, (step,), tables, run.seconds,
    )  # fmt: skip
