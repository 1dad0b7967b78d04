"""`spark-tui wafer …`: the emulated machines, and what is known and predicted about them."""

import click

from tui.cli.lazy import LazyGroup

__all__ = ["wafer"]

_COMMANDS = {
    "check": "tui.cli.wafer.check",
    "compare": "tui.cli.wafer.compare",
    "core": "tui.cli.wafer.core",
    "info": "tui.cli.wafer.info",
    "machines": "tui.cli.wafer.machines",
    "plan": "tui.cli.wafer.plan",
    "predict": "tui.cli.wafer.predict",
    "run": "tui.cli.wafer.run",
    "sweep": "tui.cli.wafer.sweep",
    "trace": "tui.cli.wafer.trace",
    "validate": "tui.cli.wafer.validate",
    "what-if": "tui.cli.wafer.what_if:what_if",
}


class _Commands(LazyGroup):
    """The commands below ``wafer``."""

    homes = _COMMANDS


@click.group(cls=_Commands, short_help="The emulated machines: facts, predictions, validation.")
def wafer() -> None:
    """The emulated machines: facts, predictions, and how both compare with measurements."""
