"""`spark-tui peers`: a model's token on the wafer beside other machines."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

import engine
from engine.protocol.peers import PeerComparison, PeerFigures
from engine.visible_text import visible
from tui.cli.options import json_option, machine_options, model_option, resolve_model
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.format import DASH, count_text, file_size_text, joules_text, rate_text

__all__ = ["peers"]


@click.command(short_help="Compare the wafer with other machines, for a model.")
@model_option
@machine_options
@click.option(
    "--position",
    metavar="N",
    type=click.IntRange(0),
    default=256,
    show_default=True,
    help="Rows in the KV cache before the token.",
)
@click.option(
    "--peer",
    "further",
    metavar="FILE.toml",
    multiple=True,
    type=click.Path(path_type=Path),
    help="One more machine, described as those in engine/peers/machines are.",
)
@click.option(
    "--measure/--no-measure", default=True, help="Time tokens on this computer, or leave it out."
)
@json_option
def peers(
    model: str | None,
    machine: str,
    clock: float | None,
    position: int,
    further: tuple[Path, ...],
    measure: bool,
    as_json: bool,
) -> None:
    """Compare one decoded token at batch 1.

    Other machines are rooflines of published figures: the rate that their peaks allow at most.
    """
    with ProgressLine() as progress:
        found = engine.compare_peers(
            resolve_model(model),
            machine,
            clock,
            position=position,
            measure=measure,
            further=further,
            on_progress=progress.show,
        )
    if as_json:
        say_json(msgspec.to_builtins(found))
    else:
        _print(found)


def _print(found: PeerComparison) -> None:
    say(
        f"{found.model}, one token behind {count_text(found.position)} KV rows: "
        f"{file_size_text(found.weight_bytes)} of weights and {file_size_text(found.kv_bytes)} of "
        f"keys and values, {count_text(found.macs)} multiply-accumulates"
    )
    table = Table()
    for name in ("machine", "tokens/s", "figures", "off chip", "syncs", "energy"):
        table.add_column(name, justify="left" if name in ("machine", "figures") else "right")
    for each in found.peers:
        table.add_row(*_row(each))
    Console().print(table)
    say("published: a roofline, so the real rate is lower; none where the model stays in a cache")
    say("syncs: how often all cores of a chip wait for each other, at the fewest; off chip: bytes")
    for number, each in enumerate(found.peers, 1):
        say(f"{number}. {each.name}: {each.source}")


def _row(each: PeerFigures) -> tuple[str, ...]:
    waits = each.synchronisations_per_token
    at_most = "≤ " if each.clock == "published" and each.tokens_per_second is not None else ""
    return (
        visible(each.name),
        at_most + rate_text(each.tokens_per_second),
        f"{each.clock}, {each.bound}" if each.bound != each.clock else each.clock,
        file_size_text(each.off_chip_bytes_per_token),
        DASH if waits is None else count_text(waits),
        joules_text(each.joules_per_token),
    )
