"""`spark-tui wafer trace`: what happened on the wafer, in the formats of engineers' tools."""

from pathlib import Path
from typing import Any

import click

import engine
from engine.errors import TraceError
from tui.cli.failures import WrongCallError
from tui.cli.options import check_machine, json_option, machine_options, model_option, resolve_model
from tui.cli.output import say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.facts import print_facts

__all__ = ["trace"]


class _Region(click.ParamType[tuple[int, int, int, int]]):
    """Cores of the wafer: ``X,Y,W,H``."""

    name = "region"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """Return (x, y, width, height), or fail with an example."""
        try:
            x, y, width, height = (int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is no region; write X,Y,W,H, as in 0,0,8,8", param, ctx)
        if x < 0 or y < 0 or width < 1 or height < 1:
            self.fail(f"'{value}' holds no core of a wafer", param, ctx)
        return x, y, width, height


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder to write to; made where it is missing.",
)
@click.option(
    "--tier",
    type=click.Choice(["fast", "cycle"]),
    default="cycle",
    show_default=True,
    help="Formulas (cycles and states alone) or the simulated chip.",
)
@model_option
@machine_options
@click.option(
    "--tokens",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Tokens, one a step, from an empty KV cache.",
)
@click.option(
    "--region",
    type=_Region(),
    metavar="X,Y,W,H",
    help="The cores to trace; default: the block that holds the first layer.",
)
@json_option
def trace(
    out: Path,
    tier: str,
    model: str | None,
    machine: str,
    clock: float | None,
    tokens: int,
    region: tuple[int, int, int, int] | None,
    as_json: bool,
) -> None:
    """Trace tokens on the wafer: sim.log, sim_stats.json, trace.json (Perfetto) and cores.csv.

    sim.log is what the viewer wse-viz reads.  A trace above 1 GB is refused.
    """
    model = resolve_model(model)
    check_machine(machine, clock)
    with ProgressLine() as progress:
        try:
            report = engine.trace_wafer(
                model, machine, clock, out=out, tier=tier, tokens=tokens, region=region,
                on_progress=progress.show,
            )  # fmt: skip
        except TraceError as error:
            raise WrongCallError(str(error)) from error
    if as_json:
        say_json(report.as_json())
        return
    facts = report.as_json()
    files = facts.pop("files")
    assert isinstance(files, dict)
    print_facts(facts | {f"bytes of {name}": size for name, size in files.items()})
