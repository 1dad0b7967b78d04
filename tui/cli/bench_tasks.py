"""The suites of `spark-tui bench quality` whose questions come from a file of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import engine
from tui.cli.failures import WrongCallError
from tui.cli.output import say_json
from tui.cli.progress import ProgressLine
from tui.cli.suite_bar import SuiteBar

__all__ = ["TaskCall", "run"]


@dataclass(frozen=True, slots=True)
class TaskCall:
    """What was asked on the command line."""

    model: str | None
    suites: list[str]
    tasks: Path | None
    count: int
    """Most tasks."""
    seed: int
    typed_lines: int | None
    run_code: bool
    speculation: bool = True


def run(call: TaskCall, as_json: bool) -> None:
    """Measure one suite and print its figures.

    Raises:
        WrongCallError: The options do not go together.
        TaskFileError: The file of tasks cannot be used.
    """
    suite, path = _suite(call)
    began = perf_counter()
    tasks: list[Any] = engine.draw_tasks(_read(suite, path), call.count, call.seed)
    with ProgressLine() as progress:
        session = engine.Session.open(
            call.model, speculation=call.speculation, on_progress=progress.show
        )
    try:
        session.split_prompts(call.typed_lines)
        figures = _measure(suite, tasks, session, call.seed)
        name = session.model.name
    finally:
        session.close()
    report = {
        "model": name,
        "weights_sha256": engine.weights_sha256(call.model),
        "tasks": str(path),
        "seed": call.seed,
        "typed_lines": call.typed_lines,
        "suites": {suite: figures},
        "seconds": perf_counter() - began,
    }
    if as_json:
        say_json(report)
    else:
        from tui.cli.bench_report import print_task_tables

        print_task_tables(report)


def _suite(call: TaskCall) -> tuple[str, Path]:
    """Return the suite that is asked for, and its file."""
    known = engine.task_suites
    if len(call.suites) != 1 or call.suites[0] not in known:
        raise WrongCallError(f"--tasks brings the questions of one suite: {' or '.join(known)}")
    suite = call.suites[0]
    if call.tasks is None:
        raise WrongCallError(f"the suite {suite} needs --tasks FILE")
    if suite != "situations" and not call.run_code:
        raise WrongCallError(
            f"the suite {suite} runs what the model writes, in a process with limits on time,"
            " memory, files and network; say --run-code if that is all right"
        )
    return suite, call.tasks


def _read(suite: str, path: Path) -> tuple[Any, ...]:
    """Return the tasks of a suite's file."""
    if suite == "situations":
        return engine.read_situations(path)
    return engine.read_edit_tasks(path) if suite == "edits" else engine.read_infill_tasks(path)


def _measure(suite: str, tasks: list[Any], session: engine.Session, seed: int) -> dict[str, Any]:
    model = engine.ModelAnswers(session, repository=False)
    with SuiteBar(suite) as bar:
        if suite == "edits":
            return engine.measure_edits(tasks, session.rewrite, seed, bar.show)
        if suite == "infill":
            return engine.measure_infill(tasks, model, seed, bar.show)
        return engine.measure_situations(tasks, model, bar.show)
