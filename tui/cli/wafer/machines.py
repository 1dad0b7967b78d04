"""`spark-tui wafer machines`: the machines that are emulated, one a line."""

import click
from rich.console import Console
from rich.table import Table

import engine
from tui.cli.options import json_option
from tui.cli.output import say, say_json
from tui.cli.wafer.facts import shown

__all__ = ["machines"]


@click.command()
@json_option
def machines(as_json: bool) -> None:
    """List the emulated machines; `wafer info --machine NAME` tells all about one.

    A file describes another one: engine/wafer/MACHINES.md.
    """
    found = engine.machine_listing()
    if as_json:
        say_json({"machines": found})
        return
    table = Table(*("machine", "grid", "cores", "SRAM a core", "clock", "fp16 peak"))
    for machine in found:
        sram, peak = machine["sram_bytes_per_core"], machine["peak_flops"]
        assert isinstance(sram, int)
        assert isinstance(peak, int)
        table.add_row(
            str(machine["name"]), shown(machine["grid"]), shown(machine["usable_cores"]),
            f"{sram // 1024} KiB", f"{machine['clock_ghz']:g} GHz", f"{peak / 1e12:,.1f} TFLOPS",
        )  # fmt: skip
    Console().print(table)
    say("--machine also takes a TOML file that changes one of them: engine/wafer/MACHINES.md")
