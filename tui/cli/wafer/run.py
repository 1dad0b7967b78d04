"""`spark-tui wafer run`: a program of one's own on the simulated chip."""

from pathlib import Path
from typing import Any

import click

import engine
from tui.cli.options import clock_option, json_option
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.facts import print_facts, shown

__all__ = ["run"]

_MOST_VALUES = 8
"""Values of a core that are printed; `--json` has all."""


@click.command(short_help="A program of your own, cycle by cycle, on the simulated chip.")
@click.argument("program", type=click.Path(path_type=Path), metavar="PROGRAM.toml")
@click.option("--machine", metavar="NAME", help="Another machine than the file names.")
@clock_option
@click.option("--iterations", type=click.IntRange(1), metavar="N", help="Instead of the file's.")
@click.option(
    "--sim-log",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a sim.log with every wavelet.",
)
@click.option("--show", multiple=True, metavar="VECTOR", help="Print this vector afterwards.")
@json_option
def run(
    program: Path,
    machine: str | None,
    clock: float | None,
    iterations: int | None,
    sim_log: Path | None,
    show: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run routes, vector instructions, sends and receives on a rectangle of cores.

    Every wavelet, queue and wait is simulated.  The file's form, with worked examples:
    engine/wafer/fabric/fabric_program/README.md.
    """
    with ProgressLine() as progress:
        found = engine.run_wafer_program(
            program, machine, clock, iterations=iterations, log=sim_log,
            on_progress=progress.counting("run"),
        )  # fmt: skip
    told = found.as_json(show)
    if as_json:
        say_json(told)
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    """Print a run for a person."""
    lines, states, memory = told.pop("lines"), told.pop("cycles_by_state"), told.pop("memory")
    wavelets = told.pop("wavelets")
    told |= {f"wavelets {name}": count for name, count in wavelets.items()}
    print_facts({name: value for name, value in told.items() if value is not None})
    say("\ncycles of all cores by state")
    whole = sum(states.values()) or 1
    for state, cycles in states.items():
        say(f"  {state:<18} {shown(cycles):>16}  {cycles / whole:6.1%}")
    say("\nline  cycles of its last run   instruction")
    for each in lines:
        span = f"{shown(each['begin'])} … {shown(each['end'])}"
        say(f"{each['line']:>4}  {span:<23}  {each['text']}")
    for name, rows in memory.items():
        say(f"\n{name}")
        for y, row in enumerate(rows):
            for x, values in enumerate(row):
                few = ", ".join(f"{value:g}" for value in values[:_MOST_VALUES])
                say(f"  ({x}, {y})  {few}" + (" …" if len(values) > _MOST_VALUES else ""))
