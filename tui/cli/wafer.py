"""`spark-tui wafer …`: what the emulated machines are."""

import json

import click

import engine
from tui.cli.options import json_option, machine_options

__all__ = ["wafer"]


@click.group(short_help="Facts about the emulated machines.")
def wafer() -> None:
    """Facts about the emulated machines."""


@wafer.command()
@machine_options
@json_option
def info(machine: str, clock: float | None, as_json: bool) -> None:
    """Print the size and the rates of a machine, derived from its description."""
    facts = engine.machine_facts(machine, clock)
    if as_json:
        click.echo(json.dumps(facts))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_shown(value)}")


def _shown(value: object) -> str:
    """Return one fact for a person: large numbers with separated thousands."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return " × ".join(_shown(part) for part in value)
    return str(value)
