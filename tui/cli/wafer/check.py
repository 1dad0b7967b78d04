"""`spark-tui wafer check`: both tiers of the emulator on the same tokens."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import engine
from tui.cli.options import (
    BlockOption,
    json_option,
    machine_options,
    model_option,
    resolve_model,
)
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.training_check import print_training_check

__all__ = ["check"]


@click.command()
@model_option
@machine_options
@click.option(
    "--tokens",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Decoded tokens after a prefill of 8.",
)
@click.option(
    "--layers",
    metavar="N",
    type=click.IntRange(1),
    help="Only the first N layers of the model; default: all.",
)
@click.option(
    "--train",
    metavar="CONFIG.json",
    type=click.Path(path_type=Path),
    help="Check a training step of this configuration instead, with random weights.",
)
@click.option(
    "--block",
    type=BlockOption(),
    default="1x16",
    show_default=True,
    help="With --train: columns and rows of cores.",
)
@click.option(
    "--optimizer",
    type=click.Choice(("adamw", "muon")),
    default="adamw",
    show_default=True,
    help="With --train: of the matrices of layers; Muon takes minutes on all but tiny ones.",
)
@json_option
def check(
    model: str | None,
    machine: str,
    clock: float | None,
    tokens: int,
    layers: int | None,
    train: Path | None,
    block: tuple[int, int],
    optimizer: str,
    as_json: bool,
) -> int:
    """Compare the fast tier with the simulated chip: bits, cycles, states.

    Every value of a prefill of 8 tokens and of some decoded ones is compared bit for bit; the
    first that differs ends the check with its operation, core and index.  With --train, --tokens
    are learnt on the host, on the fabric and by the reference.
    """
    if train is not None:
        return print_training_check(
            train, machine, block=block, tokens=max(1, tokens), layers=layers,
            optimizer=optimizer, as_json=as_json,
        )  # fmt: skip
    model = resolve_model(model)
    with ProgressLine() as progress:
        report = engine.check_wafer(
            model, machine, clock, tokens=tokens, layers=layers, on_progress=progress.show
        )
    if as_json:
        say_json(report.as_json())
    else:
        _print(report)
    return 0 if report.holds else 1


def _print(report: "engine.CheckReport") -> None:
    console = Console()
    if report.first_difference is not None:
        say(f"The tiers differ: {report.first_difference}")
        return
    say(
        f"{report.model} on {report.machine}, program {report.program}: "
        f"{report.values_compared:,} values of {report.rows} rows are bit-identical."
    )
    console.print(_cycles(report))
    say(
        f"All steps: {report.cycles_analytic:,} cycles by formula, {report.cycles_simulated:,} "
        f"simulated, error {report.relative_error:+.2%}; skew of a token "
        f"{report.skew_cycles:+,} cycles against its instructions alone."
    )
    console.print(_states(report))
    wavelets = report.wavelets
    say(
        f"Wavelets: {wavelets['sent']:,} sent + {wavelets['copied']:,} copied, "
        f"{wavelets['taken']:,} taken. Busiest link {report.busiest_link:.1%} of the cycles. "
        f"{report.colors_used} colors. {report.seconds:.1f} s, "
        f"{report.tile_cycles_per_second / 1e6:,.0f} million tile-cycles a second."
    )


def _cycles(report: "engine.CheckReport") -> Table:
    table = Table("operation", title="Cycles of the decoded tokens", title_justify="left")
    for heading in ("by formula", "simulated", "error"):
        table.add_column(heading, justify="right")
    for name, cycles in report.by_op.items():
        table.add_row(
            name, f"{cycles.analytic:,}", f"{cycles.simulated:,}", f"{cycles.relative_error:+.1%}"
        )
    return table


def _states(report: "engine.CheckReport") -> Table:
    table = Table("state", title="Counts per core and step, cycles apart", title_justify="left")
    for heading in ("mean", "largest", "there", "beyond 6 % and 20 a row"):
        table.add_column(heading, justify="right")
    for name, error in report.states.items():
        table.add_row(
            name, f"{error.mean:.1f}", f"{error.largest:,}", f"({error.core[0]}, {error.core[1]})",
            f"{error.beyond:,} of {error.compared:,}",
        )  # fmt: skip
    return table
