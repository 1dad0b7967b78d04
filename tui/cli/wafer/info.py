"""`spark-tui wafer info`: the size and the rates of a machine."""

import click

import engine
from tui.cli.options import json_option, machine_options
from tui.cli.output import say, say_json
from tui.cli.wafer.facts import print_facts

__all__ = ["info"]


@click.command()
@machine_options
@json_option
def info(machine: str, clock: float | None, as_json: bool) -> None:
    """Print the size and the rates of a machine, derived from its description."""
    facts = engine.machine_facts(machine, clock)
    if as_json:
        say_json(facts)
        return
    clocks = facts.pop("clocks")
    print_facts(facts)
    if isinstance(clocks, dict):
        say("clocks that --clock knows:")
        for name, (ghz, source) in clocks.items():
            say(f"  {name:<10} {ghz:<6g} GHz  {source}")
