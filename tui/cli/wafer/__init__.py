"""`spark-tui wafer …`: the emulated machines, and what is known and predicted about them."""

from importlib import import_module

import click

__all__ = ["wafer"]

_COMMANDS = {
    "check": "tui.cli.wafer.check",
    "info": "tui.cli.wafer.info",
    "plan": "tui.cli.wafer.plan",
    "predict": "tui.cli.wafer.predict",
    "trace": "tui.cli.wafer.trace",
    "validate": "tui.cli.wafer.validate",
}


class _LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=_LazyGroup, short_help="The emulated machines: facts, predictions, validation.")
def wafer() -> None:
    """The emulated machines: facts, predictions, and how both compare with measurements."""
