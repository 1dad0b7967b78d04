"""A group of commands whose modules are imported only when they are asked for."""

from importlib import import_module
from typing import ClassVar

import click

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group of the commands named in ``homes``; a subclass names them."""

    homes: ClassVar[dict[str, str]] = {}
    """Module of each command; the command has its name there, or the one after a colon."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if no command has this name."""
        if cmd_name not in self.homes:
            return None
        module, _, name = self.homes[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name or cmd_name)
        return command
