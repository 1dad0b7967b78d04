"""The suite ``replay`` of `spark-tui bench quality` on a recorded session: what a person typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import engine
from tui.assist.latency import Latency
from tui.assist.recording.session_file import RecordedSession
from tui.assist.recording.typed_runs import typed_runs
from tui.cli.failures import WrongCallError
from tui.cli.output import say_json
from tui.cli.progress import ProgressLine
from tui.cli.replay import read_recorded
from tui.cli.source import private_patterns
from tui.cli.suite_bar import SuiteBar
from tui.settings import SuggestionSettings

__all__ = ["SessionCall", "run"]


@dataclass(frozen=True, slots=True)
class SessionCall:
    """What was asked on the command line."""

    model: str | None
    suites: tuple[str, ...]
    session: Path
    count: int
    """Most lines."""
    repository: bool
    typed_lines: int | None
    speculation: bool
    latency: Latency


def run(call: SessionCall, as_json: bool) -> None:
    """Type what was typed in a session, and print the figures.

    Raises:
        WrongCallError: The options do not go together, or nothing was typed.
    """
    if call.suites != ("replay",):
        raise WrongCallError("--session brings the text of one suite: --suite replay")
    recorded = read_recorded(call.session)
    stretches = _stretches(recorded, call.count)
    if not stretches:
        raise WrongCallError(
            f"in '{call.session}' nobody typed as much as a line at one place: record a session in"
            " which code is written"
        )
    began = perf_counter()
    with ProgressLine() as progress:
        session = engine.Session.open(
            call.model, speculation=call.speculation, on_progress=progress.show
        )
    try:
        session.split_prompts(call.typed_lines)
        figures = _measure(session, stretches, call)
        name = session.model.name
    finally:
        session.close()
    report = {
        "model": name,
        "weights_sha256": engine.weights_sha256(call.model),
        "session": str(call.session),
        "data": recorded.began.root,
        "seed": 0,
        "repository": call.repository and Path(recorded.began.root).is_dir(),
        "typed_lines": call.typed_lines,
        "repositories": 1,
        "files": len({stretch.file.path for stretch in stretches}),
        "skipped": {},
        "suites": {"replay": figures | {"latency": call.latency.described()}},
        "seconds": perf_counter() - began,
    }
    if as_json:
        say_json(report)
    else:
        from tui.cli.bench_report import print_tables

        print_tables(report)


def _stretches(recorded: RecordedSession, lines: int) -> list[engine.Stretch]:
    """Return what was typed, as many whole stretches as have ``lines`` lines."""
    root, stretches = Path(recorded.began.root), []
    for typed in typed_runs(recorded.events):
        file = engine.SourceFile(root, typed.path, typed.text)
        stretches.append(engine.Stretch(file, typed.start, typed.end, inside=True))
        lines -= sum(bool(line.strip()) for line in stretches[-1].target.split("\n"))
        if lines <= 0:
            break
    return stretches


def _measure(
    session: engine.Session, stretches: list[engine.Stretch], call: SessionCall
) -> dict[str, Any]:
    from tui.assist.typist import type_stretch, unasked_threshold

    def typist(stretch: engine.Stretch, answerer: engine.Answerer) -> engine.Typed:
        return type_stretch(stretch, answerer, call.latency)

    repository = call.repository and stretches[0].file.root.is_dir()
    model = engine.ModelAnswers(
        session,
        repository=repository,
        secret_patterns=private_patterns(),
        unasked=unasked_threshold(session.threshold, SuggestionSettings()),
    )
    with SuiteBar("replay") as bar:
        return engine.replay_stretches(stretches, model, typist, bar.show)
