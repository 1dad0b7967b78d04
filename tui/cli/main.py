"""The command line of `spark-tui`: finds the command that an argument list means.

The first argument decides.  Unless it is a command's name, ``--help`` or ``--version``, all
arguments belong to opening the app.  A path named like a command is written ``./name``.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import click

from tui.cli.lazy import LazyGroup

__all__ = ["run"]

_PROGRAM = "spark-tui"
_COMMANDS = {
    "adapt": "tui.cli.adapt",
    "ask": "tui.cli.ask",
    "bench": "tui.cli.bench",
    "complete": "tui.cli.complete",
    "edit": "tui.cli.edit",
    "doctor": "tui.cli.doctor",
    "logits": "tui.cli.logits",
    "lsp": "tui.cli.lsp",
    "models": "tui.cli.models",
    "numbers": "tui.cli.numbers",
    "peers": "tui.cli.peers",
    "replay": "tui.cli.replay",
    "serve": "tui.cli.serve",
    "stats": "tui.cli.stats",
    "tokenize": "tui.cli.tokenize",
    "wafer": "tui.cli.wafer",
    "watch": "tui.cli.watch",
}


class _Commands(LazyGroup):
    """All commands; the help shows the options of the app beside them."""

    homes = _COMMANDS

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(_PROGRAM, "[PATH] [--model M] [--machine NAME] [--clock GHZ]")
        formatter.write_usage(_PROGRAM, "COMMAND [ARGS]…", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from tui.cli.open_app import open_app

        options = [each for each in open_app.params if isinstance(each, click.Option)]
        records = [option.get_help_record(ctx) for option in options]
        with formatter.section("Options of the app"):
            formatter.write_dl([record for record in records if record is not None])
        super().format_options(ctx, formatter)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        import engine

        click.echo(f"{_PROGRAM} {engine.__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and end.",
)
def _group() -> None:
    """A code editor whose suggestions are computed on an emulated wafer-scale chip.

    PATH is a directory (default: the current one), a file, or FILE:LINE.  A path named like a
    command is written ./name.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; print one line if it fails."""
    foreign = _foreign_engine()
    if foreign is not None:
        click.echo(
            f"{_PROGRAM}: the package 'engine' that Python finds is {foreign!r}, not this"
            f" program's; install {_PROGRAM} in an environment of its own (pipx, uv tool)",
            err=True,
        )
        return 1
    from tui.cli import log
    from tui.cli.failures import guarded

    log.start()
    return guarded(lambda: _dispatch(list(arguments)))


def _dispatch(arguments: list[str]) -> object:
    first = arguments[0] if arguments else ""
    if first in _COMMANDS or first in ("-h", "--help", "--version"):
        return _group.main(arguments, prog_name=_PROGRAM, standalone_mode=False)
    from tui.cli.open_app import open_app

    return open_app.main(arguments, prog_name=_PROGRAM, standalone_mode=False)


def _foreign_engine() -> str | None:
    """Return where Python finds `engine`, if that is not the one beside this package."""
    ours = Path(__file__).resolve().parents[2] / "engine" / "__init__.py"
    spec = importlib.util.find_spec("engine")
    found = spec.origin if spec is not None else None
    if found is not None and Path(found).resolve() == ours:
        return None
    return found or "missing"
