"""`spark-tui wafer compare`: a log of the vendor's simulator beside one of ours."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import engine
from engine.errors import TraceError
from engine.visible_text import visible
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.facts import print_facts, shown

__all__ = ["compare"]


class _Pair(click.ParamType[tuple[int, int]]):
    """Two whole numbers with a sign between them."""

    name = "pair"

    def __init__(self, sign: str) -> None:
        self.sign = sign

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return both numbers, or fail with an example."""
        first, sign, second = str(value).partition(self.sign)
        if not (sign and first.isdigit() and second.isdigit()):
            self.fail(f"'{value}' is no pair; write as in 4{self.sign}1", param, ctx)
        return int(first), int(second)


@click.command(short_help="A log of the vendor's simulator beside one of ours.")
@click.argument("log", type=click.Path(path_type=Path), metavar="SIM.LOG")
@click.argument("other", type=click.Path(path_type=Path), required=False, metavar="[OTHER]")
@click.option(
    "--offset",
    type=_Pair(","),
    metavar="X,Y",
    help="Where core (0, 0) of the program lies in SIM.LOG; by default told by the sizes.",
)
@click.option(
    "--color",
    "colors",
    type=_Pair("="),
    multiple=True,
    metavar="A=B",
    help="Color A of SIM.LOG is color B of OTHER; by default told by where they land.",
)
@click.option("--worst", type=click.IntRange(0), default=8, show_default=True, metavar="N",
              help="Cores to list whose events are farthest apart.")  # fmt: skip
@click.option("--machine", metavar="NAME", help="Of OTHER, where that is a program.")
@click.option("--iterations", type=click.IntRange(1), metavar="N", help="The same.")
@json_option
def compare(
    log: Path,
    other: Path | None,
    offset: tuple[int, int] | None,
    colors: tuple[tuple[int, int], ...],
    worst: int,
    machine: str | None,
    iterations: int | None,
    as_json: bool,
) -> None:
    """Align a sim.log, or sim_stats.json, with OTHER by task and wavelet, and show the difference.

    OTHER is a log or stats too, or a PROGRAM.toml, which is run for this.  Without it: what the
    log holds.
    """
    with ProgressLine() as progress:
        report = progress.counting("compare")
        try:
            if other is None:
                found = engine.describe_log(log, report)
            else:
                question = engine.LogQuestion(offset, colors, worst, machine, iterations)
                found = engine.compare_log_files(log, other, question, report)
        except TraceError as error:
            raise WrongCallError(str(error)) from error
    if as_json:
        say_json(found)
    elif other is None:
        print_facts({name: _listed(each) for name, each in found.items() if each is not None})
    elif "stats" in found:
        _print_stats(found["stats"])
    else:
        _print(found)


def _listed(value: object) -> object:
    """Return a list, or named numbers, in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _print_stats(rows: list[dict[str, Any]]) -> None:
    table = Table(pad_edge=False)
    for name in ("", "theirs", "ours", "ours ÷ theirs"):
        table.add_column(name, justify="right" if name else "left")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}"
        table.add_row(*map(_cell, (row["name"], row["theirs"], row["ours"])), ratio)
    _console().print(table)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def _cell(value: object) -> Text:
    """Return a value of a file, whatever signs it has."""
    return Text("–" if value is None else visible(shown(value)))


def _print(found: dict[str, Any]) -> None:
    """Print a comparison for a person."""
    cycles, zero = found["cycles"], found["zero"]
    say(
        f"From the first common event (@{zero['theirs']} theirs, @{zero['ours']} ours) to the "
        f"last: {shown(cycles['theirs'])} cycles theirs, {shown(cycles['ours'])} ours"
        + (f", {cycles['ours'] / cycles['theirs'] - 1:+.1%}" if cycles["theirs"] else "")
    )
    console = _console()
    for name, rows in (("color", found["wavelets"]), ("task", found["tasks"])):
        if rows:
            console.print(_table(name, rows))
    first = found["first_difference"]
    say("The first difference: " + _told(first) if first else "No common event differs.")
    for each in found["worst"]:
        say(f"  {_told(each)}")
    for side, read in found["read"].items():
        if read["misread_lines"]:
            say(f"{read['misread_lines']} lines {side} have another form; {read['first_misread']}")


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title=f"by {name}: events of both and of one alone; ours − theirs in cycles",
        title_justify="left",
        pad_edge=False,
    )
    titles = [name, "both", "theirs", "ours", "same", "least", "mean", "largest"]
    runs = "cycles_ours" in rows[0]
    for title in [*titles, *(["run theirs", "run ours"] if runs else [])]:
        table.add_column(title, justify="right")
    for row in rows:
        apart = (row[f"{which}_difference"] for which in ("least", "mean", "largest"))
        ran = (row.get("cycles_theirs"), row.get("cycles_ours")) if runs else ()
        table.add_row(
            str(row["number"]), str(row["common"]), str(row["only_theirs"]), str(row["only_ours"]),
            str(row["same_cycle"]),
            *("" if each is None else f"{each:+.4g}" for each in apart),
            *("" if each is None else f"{each:.4g}" for each in ran),
        )  # fmt: skip
    return table


def _told(each: dict[str, Any]) -> str:
    return (
        f"{each['what']}, number {each['number'] + 1} at core ({each['x']}, {each['y']}): "
        f"@{each['theirs']} theirs, @{each['ours']} ours, {each['difference']:+d}"
    )
