"""`spark-tui bench …`: measures how good the suggestions are."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

import engine
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, model_option, resolve_model
from tui.cli.progress import ProgressLine
from tui.cli.source import private_patterns

if TYPE_CHECKING:
    from rich.table import Table

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
    help=f"Suites to run, of {', '.join(engine.quality_suites)}; default: all.",
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
@json_option
def quality(
    model: str | None,
    data: Path,
    suites: tuple[str, ...],
    more_suites: tuple[str, ...],
    count: int,
    seed: int,
    no_repository: bool,
    as_json: bool,
) -> None:
    """Ask for text that was left out of Python files, and compare the answers with it.

    line: a whole line.  mid: the rest of a line.  block: the body of a statement.  api: the
    arguments of a call.  cross: the first use of a name from another file, with and without the
    repository.  replay: files typed key by key, taking what is suggested right.

    Beside the model, the same questions are put to baselines: nothing, an n-gram model, and a
    copy of the nearest similar line.  All but measured times is the same for a seed.
    """
    model = resolve_model(model)
    names = _suites(suites, more_suites)
    patterns = private_patterns()
    began = perf_counter()
    measured = _read(data, seed, patterns)
    with ProgressLine() as progress:
        session = engine.Session.open(model, on_progress=progress.show)
    try:
        figures = _measure(session, measured, names, count, not no_repository, patterns)
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
        "repositories": len(measured.corpus.repositories),
        "files": len(measured.corpus.files),
        "skipped": measured.corpus.skipped,
        "suites": figures,
        "seconds": perf_counter() - began,
    }
    if as_json:
        click.echo(json.dumps(report))
    else:
        _print_tables(report)


# ── the call ────────────────────────────────────────────────────────────────────────────────


def _suites(named: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return the suites to run, in the order in which they are known."""
    if more and not named:
        raise WrongCallError(f"unexpected argument '{more[0]}'; suites are named after --suite")
    known = engine.quality_suites
    asked = [part for each in (*named, *more) for part in each.split(",")]
    for name in asked:
        if name not in known:
            raise WrongCallError(f"no suite '{name}'; there are {', '.join(known)}")
    return [name for name in known if name in asked or not asked]


def _read(data: Path, seed: int, patterns: tuple[str, ...]) -> engine.QualityBench:
    """Return the measurement for a directory.

    Raises:
        WrongCallError: It is no directory, or holds no Python file that can be used.
    """
    if not data.is_dir():
        what = "is not a directory" if data.exists() else "does not exist"
        raise WrongCallError(f"'{data}' {what}; --data takes a directory of Python code")
    try:
        measured = engine.QualityBench(data.resolve(), seed, patterns)
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


def _measure(
    session: engine.Session,
    measured: engine.QualityBench,
    names: Sequence[str],
    count: int,
    repository: bool,
    patterns: tuple[str, ...],
) -> dict[str, Any]:
    """Return the figures of each suite."""
    from tui.assist.typist import type_stretch

    model = engine.ModelAnswers(session, repository=repository, secret_patterns=patterns)
    alone = engine.ModelAnswers(session, repository=False)
    figures = {}
    for name in names:
        with _Bar(name) as bar:
            if name == "replay":
                figures[name] = measured.replay(count, model, type_stretch, bar.show)
            else:
                figures[name] = measured.measure(
                    name,
                    count,
                    model,
                    bar.show,
                    without_repository=alone if name == "cross" and repository else None,
                )
    return figures


class _Bar(ExitStack):
    """A suite's progress on stderr: a bar on a terminal, elsewhere a line when it is done.

    Args:
        name: The suite.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._began = perf_counter()
        self._done = 0
        self._advance: Callable[[int, int], None] | None = None

    def __enter__(self) -> _Bar:
        super().__enter__()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            shown = self.enter_context(Progress(console=Console(stderr=True), transient=True))
            task = shown.add_task(self._name, total=None)
            self._advance = lambda done, total: shown.update(task, completed=done, total=total)
        self.callback(self._say_done)
        return self

    def show(self, done: int, total: int) -> None:
        """Show that so many items are done."""
        self._done = done
        if self._advance is not None:
            self._advance(done, total)

    def _say_done(self) -> None:
        seconds = perf_counter() - self._began
        click.echo(f"{self._name}: {self._done} items in {seconds:.0f} s", err=True)


# ── the report ──────────────────────────────────────────────────────────────────────────────


def _print_tables(report: dict[str, Any]) -> None:
    """Print what a person wants to see first; ``--json`` has everything."""
    from rich.console import Console

    console = Console()
    skipped = sum(report["skipped"].values())
    console.print(
        f"{report['model']} on {report['files']} files of {report['repositories']}"
        f" repositories ({skipped} skipped), seed {report['seed']},"
        f" {'with' if report['repository'] else 'without'} repository",
        highlight=False,
    )
    console.print(_answers_table(report["suites"]))
    if "replay" in report["suites"]:
        console.print(_typing_table(report["suites"]["replay"]))


def _answers_table(suites: dict[str, Any]) -> Table:
    """Return the table of all suites: who answered how well."""
    from rich.table import Table

    table = Table("suite", "n", "answers by", title="Answers")
    for heading in ("exact match", "similar", "bits/byte"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, suite in suites.items():
        rows = {"model": suite, **suite["baselines"]}
        if "without_repository" in suite:
            rows["model alone"] = suite["without_repository"]
        for number, (who, figures) in enumerate(rows.items()):
            head = (name, str(suite["n"])) if number == 0 else ("", "")
            table.add_row(
                *head,
                who.replace("_", " "),
                _with_interval(figures, "exact_match"),
                _percent(figures["edit_similarity"]),
                _number(figures.get("bits_per_byte")),
            )
        table.add_section()
    return table


def _typing_table(suite: dict[str, Any]) -> Table:
    """Return the table of the replay: what typing took."""
    from rich.table import Table

    table = Table("suggestions by", title="Typing key by key, on a virtual clock")
    for heading in ("keys saved", "keys", "shown", "accepted", "wrong/100"):
        table.add_column(heading, justify="right", no_wrap=True)
    for who, figures in {"model": suite, **suite["baselines"]}.items():
        table.add_row(
            who.replace("_", " "),
            _with_interval(figures, "keystrokes_saved"),
            str(figures["keys"]),
            str(figures["shown"]),
            str(figures["accepted"]),
            _number(figures["wrong_shown_per_100_keys"]),
        )
    return table


def _with_interval(figures: dict[str, Any], name: str) -> str:
    """Return a share and its 95 % interval in percent."""
    bounds = figures[f"{name}_ci"]
    if bounds is None:
        return "–"
    low, high = (100 * bound for bound in bounds)
    return f"{_percent(figures[name])} ({low:.1f}–{high:.1f})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"
