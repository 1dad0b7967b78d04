"""`spark-tui wafer check`: both tiers of the emulator on the same tokens."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import engine
from engine.wafer_changes import WaferChanges
from tui.cli.options import (
    BlockOption,
    json_option,
    machine_options,
    model_option,
    resolve_model,
)
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.region_check import print_region_check
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
    help="Decoded tokens after the prefill.",
)
@click.option(
    "--prefill",
    metavar="N",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Rows of the step before them.",
)
@click.option(
    "--layers",
    metavar="N",
    type=click.IntRange(1),
    help="Only the first N layers of the model; default: all.",
)
@click.option(
    "--region",
    metavar="N",
    type=click.IntRange(0),
    help="Only this block of layers, counted from 0, or the head behind them: for models that are "
    "too large to be simulated whole.",
)
@click.option(
    "--blocks",
    metavar="N",
    type=click.IntRange(1),
    help="With --region: blocks of layers; default: the planner's choice.",
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
    help="Columns and rows of cores: with --region, of a block (default: the planner's choice); "
    "with --train, of all (default: 1x16).",
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
    prefill: int,
    layers: int | None,
    region: int | None,
    blocks: int | None,
    train: Path | None,
    block: tuple[int, int] | None,
    optimizer: str,
    as_json: bool,
) -> int:
    """Compare the fast tier with the simulated chip: bits, cycles, states.

    Every value of a prefill of 8 tokens and of some decoded ones is compared bit for bit; the
    first that differs ends the check with its operation, core and index.  With --region, one
    region alone is simulated, fed with what the fast tier sends there.  With --train, --tokens
    are learnt on the host, on the fabric and by the reference.
    """
    _refuse_unheeded(region, train, blocks, block)
    if train is not None:
        return print_training_check(
            train, machine, block=block or (1, 16), tokens=max(1, tokens), layers=layers,
            optimizer=optimizer, as_json=as_json,
        )  # fmt: skip
    model = resolve_model(model)
    if region is not None:
        columns, rows = block or (0, 0)
        return print_region_check(
            model, machine, clock, region=region, tokens=tokens, prefill=prefill, layers=layers,
            changes=WaferChanges(columns=columns, rows=rows, blocks=blocks or 0), as_json=as_json,
        )  # fmt: skip
    with ProgressLine() as progress:
        report = engine.check_wafer(
            model, machine, clock, tokens=tokens, prefill=prefill, layers=layers,
            on_progress=progress.show,
        )  # fmt: skip
    if as_json:
        say_json(report.as_json())
    else:
        _print(report)
    return 0 if report.holds else 1


def _refuse_unheeded(
    region: int | None,
    train: Path | None,
    blocks: int | None,
    block: tuple[int, int] | None,
) -> None:
    """Refuse options that nothing would heed."""
    if region is not None and train is not None:
        raise click.UsageError("--region takes a model with weights, --train a configuration")
    if blocks is not None and region is None:
        raise click.UsageError("--blocks goes with --region")
    if block is not None and region is None and train is None:
        raise click.UsageError("--block goes with --region or --train")


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
