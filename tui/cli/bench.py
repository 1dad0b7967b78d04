"""`spark-tui bench …`: measures how good the suggestions are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click

import engine
from tui.assist.latency import ASSUMED, Latency, read_latency
from tui.cli import bench_session, bench_tasks
from tui.cli.extras import need_extra
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, model_option, resolve_model, speculation_option
from tui.cli.output import say_json
from tui.cli.progress import ProgressLine
from tui.cli.source import private_patterns
from tui.cli.suite_bar import SuiteBar
from tui.settings import SuggestionSettings

__all__ = ["bench"]

_DEFAULT_ITEMS = 100


@click.group(short_help="Measure how good the suggestions are.")
def bench() -> None:
    """Measure how good the suggestions are."""


@bench.command()
@model_option
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="A repository, or a folder of them; default: the current directory.",
)
@click.option(
    "--suite",
    "suites",
    metavar="NAME …",
    multiple=True,
    help=f"Suites to run, of {', '.join(engine.quality_suites)}; default: all of them. Or of "
    f"{', '.join(engine.task_suites)}, whose questions --tasks brings.",
)
@click.argument("more_suites", metavar="", nargs=-1)
@click.option(
    "--n",
    "count",
    metavar="N",
    type=click.IntRange(1, 100_000),
    default=_DEFAULT_ITEMS,
    show_default=True,
    help="Questions a suite; in replay, lines to type.",
)
@click.option(
    "--seed", metavar="S", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True
)
@click.option(
    "--no-repository",
    is_flag=True,
    help="Without what the repository's other files tell.",
)
@click.option(
    "--typed-lines",
    metavar="N",
    type=click.IntRange(0, 10),
    help="Read so many lines above the cursor's as if they had been typed just now.",
)
@click.option(
    "--visited",
    metavar="N",
    type=click.IntRange(0, 16),
    default=0,
    help="Ask as if so many places in other files had been looked at just before.",
)
@click.option(
    "--tasks",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Tasks of the suites infill (JSON lines), situations and edits (JSON); .gz, too.",
)
@click.option(
    "--run-code",
    is_flag=True,
    help="infill, edits: run what the model writes, with its tests, in a process with limits.",
)
@click.option(
    "--session",
    "recorded",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="replay: what was typed in a recorded session, instead of --data.",
)
@speculation_option
@click.option(
    "--latency",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="replay: when answers come, as scripts/bench_typing.py measured it.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="Ask the questions of so many processes, each with the model open; not in replay.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="The same on the Ray cluster at HOST:PORT, or 'auto' (extra 'ray').",
)
@json_option
def quality(
    model: str | None,
    data: Path,
    suites: tuple[str, ...],
    more_suites: tuple[str, ...],
    count: int,
    seed: int,
    no_repository: bool,
    typed_lines: int | None,
    visited: int,
    tasks: Path | None,
    run_code: bool,
    recorded: Path | None,
    speculation: bool,
    latency: Path | None,
    workers: int | None,
    ray: str | None,
    as_json: bool,
) -> None:
    """Ask for text that was left out of Python files, and compare the answers with it.

    line: a whole line.  mid: the rest of a line.  block: the body of a statement.  api: the
    arguments of a call.  cross: the first use of a name from another file, with and without the
    repository.  replay: files typed key by key, taking what is suggested right.

    Beside the model, the same questions are put to baselines: nothing, an n-gram model, and a
    copy of the nearest similar line.  All but measured times is the same for a seed.

    infill: holes in programs, judged by running their tests.  situations: cursors with the first
    lines that help there.  edits: instructions about lines, judged by running tests.  All come
    from a file of tasks, and the model writes alone.
    """
    model = resolve_model(model)
    names = _suites(suites, more_suites)
    if tasks is not None or set(names) & set(engine.task_suites):
        call = bench_tasks.TaskCall(
            model, names, tasks, count, seed, typed_lines, run_code, speculation
        )
        bench_tasks.run(call, as_json)
        return
    times = _latency(latency)
    if ray is not None:
        need_extra("ray", "ray")
    if recorded is not None:
        typed = bench_session.SessionCall(
            *(
                model,
                tuple(names) if suites or more_suites else ("replay",),
                recorded,
                count,
                not no_repository,
            ),
            *(typed_lines, speculation, times),
        )
        bench_session.run(typed, as_json)
        return
    patterns = private_patterns()
    began = perf_counter()
    measured = _read(data, seed, patterns, visited)
    with ProgressLine() as progress:
        session = engine.Session.open(model, speculation=speculation, on_progress=progress.show)
    try:
        session.split_prompts(typed_lines)
        asked = engine.AskedModel(model, not no_repository, patterns, speculation, typed_lines)
        many = engine.choose_workers(workers, ray) if workers or ray else None
        figures = _measure(session, measured, names, count, asked, times, many)
        name = session.model.name
    finally:
        session.close()
    if not any(suite["n"] for suite in figures.values()):
        raise WrongCallError(
            f"no question found in '{data}': its {len(measured.corpus.files)} Python files have"
            f" no place for {', '.join(names)}; name a directory with more code"
        )
    report = {
        "model": name,
        "weights_sha256": engine.weights_sha256(model),
        "data": str(data),
        "seed": seed,
        "repository": not no_repository,
        "typed_lines": typed_lines,
        "visited": visited,
        "repositories": len(measured.corpus.repositories),
        "files": len(measured.corpus.files),
        "skipped": measured.corpus.skipped,
        "suites": figures,
        "seconds": perf_counter() - began,
    }
    if as_json:
        say_json(report)
    else:
        from tui.cli.bench_report import print_tables

        print_tables(report)


# ── the call ────────────────────────────────────────────────────────────────────────────────


def _suites(named: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return the suites to run, in the order in which they are known."""
    if more and not named:
        raise WrongCallError(f"unexpected argument '{more[0]}'; suites are named after --suite")
    known = engine.quality_suites + engine.task_suites
    asked = [part for each in (*named, *more) for part in each.split(",")]
    for name in asked:
        if name not in known:
            raise WrongCallError(f"no suite '{name}'; there are {', '.join(known)}")
    return [name for name in known if name in asked] or list(engine.quality_suites)


def _read(data: Path, seed: int, patterns: tuple[str, ...], visited: int) -> engine.QualityBench:
    """Return the measurement for a directory.

    Raises:
        WrongCallError: It is no directory, or holds no Python file that can be used.
    """
    if not os.path.isdir(data):
        what = "is not a directory" if os.path.lexists(data) else "does not exist"
        raise WrongCallError(f"'{data}' {what}; --data takes a directory of Python code")
    try:
        measured = engine.QualityBench(data.resolve(), seed, patterns, visited=visited)
    except OSError as error:
        raise WrongCallError(f"'{data}' cannot be read: {error.strerror}") from error
    if not measured.corpus.files:
        skipped = measured.corpus.skipped
        why = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        raise WrongCallError(
            f"no Python files in '{data}'{f' that can be used ({why})' if why else ''};"
            " --data takes a directory of Python code"
        )
    return measured


def _latency(file: Path | None) -> Latency:
    """Return when answers come: as in the file, or as assumed.

    Raises:
        WrongCallError: The file cannot be read, or holds no such table.
    """
    if file is None:
        return ASSUMED
    try:
        return read_latency(file)
    except OSError as error:
        raise WrongCallError(f"'{file}' cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise WrongCallError(f"'{file}' is no latency table: {error}") from error


def _measure(
    session: engine.Session,
    measured: engine.QualityBench,
    names: Sequence[str],
    count: int,
    asked: engine.AskedModel,
    latency: Latency,
    workers: engine.Workers | None,
) -> dict[str, Any]:
    """Return the figures of each suite; ``workers`` answer questions, else the session does."""
    from tui.assist.typist import type_stretch, unasked_threshold

    def typist(stretch: engine.Stretch, answerer: engine.Answerer) -> engine.Typed:
        return type_stretch(stretch, answerer, latency)

    here, typing = (
        engine.ModelAnswers(
            session,
            repository=asked.repository,
            secret_patterns=asked.secret_patterns,
            unasked=unasked,
        )
        for unasked in (None, unasked_threshold(session.threshold, SuggestionSettings()))
    )
    alone = engine.ModelAnswers(session, repository=False)
    figures = {}
    for name in names:
        if name == "replay":
            with SuiteBar(name) as bar:
                typed = measured.replay(count, typing, typist, bar.show)
            figures[name] = typed | {"latency": latency.described()}
            continue
        models: tuple[engine.MeasuredModel, engine.MeasuredModel] = here, alone
        if workers is not None:
            models = _written(measured, name, count, asked, workers)
        both = name == "cross" and asked.repository
        with SuiteBar(name) as bar:
            figures[name] = measured.measure(
                name, count, models[0], bar.show, without_repository=models[1] if both else None
            )
    return figures


def _written(
    measured: engine.QualityBench,
    name: str,
    count: int,
    asked: engine.AskedModel,
    workers: engine.Workers,
) -> tuple[engine.MeasuredModel, engine.MeasuredModel]:
    """Have workers answer a suite with the repository, and without where it asks both."""
    drawn = [(question, item.target) for item, question in measured.questions(name, count)]
    with SuiteBar(f"{name}, asked") as bar:
        there = engine.write_ahead(asked, drawn, workers, bar.show)
        if name != "cross" or not asked.repository:
            return there, there
        bare = replace(asked, repository=False, secret_patterns=())
        return there, engine.write_ahead(bare, drawn, workers, bar.show)
