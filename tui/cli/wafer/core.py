"""`spark-tui wafer core`: what one core holds, passes on and runs."""

import click
import msgspec

import engine
from engine.protocol.cores import ColorAtCore, CoreMoment, CoreTold, TileOfCore
from tui.cli.failures import WrongCallError
from tui.cli.options import check_machine, json_option, machine_options, model_option, resolve_model
from tui.cli.output import say, say_json
from tui.cli.wafer.facts import print_facts, shown
from tui.visuals.core_text import booked_text, route_text

__all__ = ["core"]

_OF_A_RUN = ("request_id", "session", "last_states", "total_states")
"""What only an app that runs can tell."""


@click.command()
@click.argument("place", metavar="X,Y")
@model_option
@machine_options
@json_option
def core(place: str, model: str | None, machine: str, clock: float | None, as_json: bool) -> None:
    """Tell what one core holds, passes on and runs: column X and row Y of the wafer.

    Cycles are those of one token by formula, with one KV row in every core.  Opens no weights.
    """
    try:
        x, y = (int(part) for part in place.split(","))
    except ValueError as error:
        raise WrongCallError(f"'{place}' is no core; write X,Y, as in 12,40") from error
    model = resolve_model(model)
    check_machine(machine, clock)
    told = engine.core_of_wafer(model, machine, x, y)
    if as_json:
        found = msgspec.to_builtins(told)
        say_json({name: value for name, value in found.items() if name not in _OF_A_RUN})
        return
    _print(told)


def _print(told: CoreTold) -> None:
    """Print a core for a person: facts, tiles, colors, its program."""
    where = f"row {told.row}, column {told.column} of it"
    facts: dict[str, object] = {"region": f"{told.label}, {where}" if told.label else "none"}
    facts |= {f"bytes of {use}": size for use, size in told.memory.items()}
    facts |= {"bytes in all": sum(told.memory.values()), "cycles of a token": told.latency}
    print_facts(facts)
    for title, lines in (
        ("weights", [*map(_tile, told.tiles)]),
        ("colors", [*map(_color, told.colors)]),
        ("program", [*map(_step, told.steps)]),
    ):
        say(f"\n{title}" if lines else f"\n{title}: none")
        for line in lines:
            say(f"  {line}")


def _tile(tile: TileOfCore) -> str:
    outputs = ", ".join(f"{first}–{end - 1}" for first, end in tile.outputs)
    inputs = f"{tile.inputs[0]}–{tile.inputs[1] - 1}"
    return f"{tile.tensor}: outputs {outputs}, inputs {inputs}, {tile.bytes} bytes {tile.format}"


def _color(color: ColorAtCore) -> str:
    return f"{color.name}: {route_text(color)}, {shown(color.wavelets)} wavelets a token"


def _step(step: CoreMoment) -> str:
    layer = "" if step.layer < 0 else f" {step.layer}"
    what = f"{step.operation}{layer}, {step.kind}: {booked_text(step)}"
    return f"{shown(step.begin)} – {shown(step.end)}  {what}"
