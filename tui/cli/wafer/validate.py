"""`spark-tui wafer validate`: published figures, our predictions, signed errors."""

import sys
from collections.abc import Callable
from itertools import groupby
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

import engine
from engine.progress import OnProgress
from tui.cli.options import PRICED_FORMATS, json_option
from tui.cli.output import say_json

__all__ = ["validate"]

_Found = TypeVar("_Found")

_SENSITIVE_CONTEXT = 256
"""KV rows of the token whose sensitivity is shown: the shortest that was measured."""

_MOST_ROWS = 16
"""A subject with more rows is summed up, one line for each of its parts."""


@click.command(short_help="Published figures beside our predictions; exit 1 if a bound breaks.")
@click.option("--all", "show_all", is_flag=True, help="Print every row, also of long subjects.")
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Instead: what each assumption does to a token of Qwen3-1.7B.",
)
@click.option(
    "--dtype",
    type=click.Choice(PRICED_FORMATS),
    default="fp16",
    show_default=True,
    help="Weights of that token; fp16 was measured.",
)
@json_option
def validate(show_all: bool, sensitivity: bool, dtype: str, as_json: bool) -> int:
    """Compute every published figure we can, on both tiers, with signed errors.

    Exit 1 when a bound is broken.  Takes up to three minutes.
    """
    if sensitivity:
        found = _watched(lambda show: engine.wafer_sensitivity(_SENSITIVE_CONTEXT, dtype, show))
        _print_sensitivity(found, as_json)
        return 0
    targets = _computed()
    summary = engine.summarise_validation(targets)
    rows = [target.as_json() for target in targets]
    if as_json:
        say_json(
            {
                "targets": rows,
                "geometric_mean_error": summary.geometric_mean_error,
                "largest_error": summary.largest_error,
                "broken": list(summary.broken),
                "constants": engine.calibration_constants(),
            }
        )
    else:
        _print(rows, summary, show_all)
    return 1 if summary.broken else 0


def _computed() -> list[Any]:
    """Compute all targets."""
    return _watched(lambda show: list(engine.validation_targets(show)))


def _watched(compute: Callable[[OnProgress], _Found]) -> _Found:
    """Compute something with a bar on stderr where somebody watches."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def advance(done: int, total: int, label: str) -> None:
            bar.update(task, completed=done, total=total, description=label)

        return compute(advance)


def _print_sensitivity(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    title = f"a token of Qwen3-1.7B in {found['dtype']}, {found['context']} KV rows, 8 blocks"
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column("assumption")
    for name in ("low", "taken", "high", "token at low", "at high"):
        table.add_column(name, justify="right")
    table.add_column("range from")
    for each in found["assumptions"]:
        table.add_row(
            each["field"], f"{each['low']:g}", f"{each['value']:g}", f"{each['high']:g}",
            f"{each['token_at_low']:+.1%}", f"{each['token_at_high']:+.1%}", each["why"],
        )  # fmt: skip
    console = _console()
    console.print(table)
    console.print(
        f"together {found['token_low']:+.1%} to {found['token_high']:+.1%}: the root of their "
        "squares, as if each were wrong by itself"
    )


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def _print(rows: list[dict[str, Any]], summary: Any, show_all: bool) -> None:
    console = _console()
    table = Table(title="published · predicted", title_justify="left", pad_edge=False)
    for name in ("target", "evidence", "role"):
        table.add_column(name)
    for name in ("published", "analytic", "simulated", "error", "bound"):
        table.add_column(name, justify="right")
    table.add_column("")
    for _, subject in groupby(rows, key=lambda row: row["id"].partition("/")[0]):
        whole = list(subject)
        if len(whole) <= _MOST_ROWS or show_all:
            for row in whole:
                table.add_row(*_cells(row))
        else:
            _add_summed_up(table, whole)
    console.print(table)
    _print_constants(console)
    _print_summary(console, rows, summary)


def _add_summed_up(table: Table, rows: list[dict[str, Any]]) -> None:
    """Add a line for each part of a long subject, and each row that breaks its bound."""
    for part, members in groupby(rows, key=lambda row: "/".join(row["id"].split("/")[:2])):
        whole = list(members)
        if len(whole) == 1:
            table.add_row(*_cells(whole[0]))
            continue
        errors = [row["signed_error"] for row in whole if row["signed_error"] is not None]
        span = f"{min(errors):+.1%} … {max(errors):+.1%}" if errors else ""
        broken = [row for row in whole if row["holds"] is False]
        held = "" if all(row["bound"] is None for row in whole) else "no" if broken else "yes"
        first = whole[0]
        label = f"{part} ({len(whole)} rows)"
        table.add_row(label, first["evidence"], first["role"], "", "", "", span, "by row", held)
        for row in broken:
            table.add_row(*_cells(row))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    error = row["signed_error"]
    held = {None: "", True: "yes", False: "no"}[row["holds"]]
    return (
        row["id"],
        row["evidence"],
        row["role"],
        f"{_figure(row['published'])} {row['unit']}",
        _figure(row["analytic"]),
        _figure(row["simulated"]),
        "" if error is None else f"{error:+.1%}",
        row["bound"] or "",
        held,
    )


def _figure(value: float | None) -> str:
    """Return a figure with as many digits as it can carry."""
    if value is None:
        return "–"
    if value >= 1e9:
        return f"{value:.4g}"
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def _print_constants(console: Console) -> None:
    table = Table(title="constants", title_justify="left", pad_edge=False)
    for name in (
        "constant",
        "machine",
        "value",
        "leave one out",
        "unit",
        "origin",
        "rows fitted on",
        "rows kept out",
    ):
        table.add_column(name, justify="right" if name == "value" else "left")
    for constant in engine.calibration_constants():
        span = constant["range"]
        table.add_row(
            str(constant["name"]),
            str(constant["machine"]),
            f"{constant['value']:g}",
            "" if span is None else f"{span[0]:g} … {span[1]:g}",
            str(constant["unit"]),
            str(constant["origin"]),
            str(len(constant["fitted_on"])),
            str(len(constant["kept_out"])),
        )
    console.print(table)


def _print_summary(console: Console, rows: list[dict[str, Any]], summary: Any) -> None:
    subjects = len({row["id"].partition("/")[0] for row in rows})
    console.print(
        f"{summary.targets} rows of {subjects} subjects · measured rows: geometric-mean |error| "
        f"{summary.geometric_mean_error:.1%}, largest {summary.largest_error:.1%} ({summary.worst})"
    )
    console.print(
        f"bounds broken: {', '.join(summary.broken)}" if summary.broken else "every bound holds"
    )
