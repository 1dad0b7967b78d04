"""A command as CONTRIBUTING describes it: a function of the command's name that returns the exit
code.

In the program it would lie in `tui/cli`, and `tui.cli.main` would name it.
"""

import json
from pathlib import Path

import click

from tui.cli.options import json_option

__all__ = ["count"]


@click.command(short_help="Count the lines of a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def count(file: Path, as_json: bool) -> int:
    """Count the lines of FILE; exit 1 if there are none."""
    lines = len(file.read_text(encoding="utf-8").splitlines())
    click.echo(json.dumps({"lines": lines}) if as_json else f"{lines} lines")
    return 0 if lines else 1
