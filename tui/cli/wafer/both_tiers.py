"""Cycles as simulated and by formula, side by side, for a person."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

import engine
from tui.cli.wafer.facts import print_facts

__all__ = ["print_both_tiers", "print_cycles"]

_OF_TABLE = ("tiers", "first_row", "by_operation")


def print_both_tiers(found: "engine.TiersPrediction") -> None:
    """Print the facts of a prediction, then a line for each operation and the sum."""
    facts = {name: value for name, value in found.as_json().items() if name not in _OF_TABLE}
    print_facts(facts)
    several = found.whole != found.first_row
    sums = {"first row" if several else "together": found.first_row}
    if several:
        sums["all rows"] = found.whole
    print_cycles("operation", found.operations | sums)


def print_cycles(what: str, lines: Mapping[str, "engine.BothTiers"]) -> None:
    """Print a table of cycles: a line for each name, under the heading ``what``."""
    table = Table(what)
    for heading in ("by formula", "simulated", "difference"):
        table.add_column(heading, justify="right")
    for name, both in lines.items():
        table.add_row(name, f"{both.analytic:,}", f"{both.simulated:,}", f"{both.difference:+.2%}")
    Console().print(table)
