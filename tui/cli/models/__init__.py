"""`spark-tui models …`: the models on this computer, listed, fetched, verified, removed, fitted."""

import click

from tui.cli.lazy import LazyGroup

__all__ = ["models"]

_COMMANDS = {
    "fit": "tui.cli.models.fit",
    "list": "tui.cli.models.listing:list_command",
    "pull": "tui.cli.models.pull",
    "remove": "tui.cli.models.upkeep",
    "verify": "tui.cli.models.upkeep",
}


class _Commands(LazyGroup):
    """The commands below ``models``; without one, the list."""

    homes = _COMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `models` and `models --json` for `models list …`."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, short_help="The models on this computer: list, pull, verify, remove.")
def models() -> None:
    """The models on this computer; without a command, the list of them.

    Only `pull` opens a connection, and only when you call it.
    """
