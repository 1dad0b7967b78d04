"""What the commands print: their only door to standard output and standard error.

Names of files and models, and the messages about them, are shown with `visible`; JSON is ASCII.
Tables go through Rich, with cells that passed `visible`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from engine.visible_text import visible

__all__ = ["clear_line", "rewrite_line", "say", "say_data", "say_json", "tell"]

_CLEAR = "\r\x1b[2K"


def say(text: object = "") -> None:
    """Print lines to standard output."""
    click.echo(visible(str(text), kept="\t\n"))


def tell(text: object) -> None:
    """Print one line to standard error: what is not the answer; no text can forge a second."""
    click.echo(visible(str(text)), err=True)


def say_json(value: Any) -> None:
    """Print one JSON object, in a line of ASCII."""
    click.echo(json.dumps(value))


def say_data(data: str | Path, *, end_line: bool = True) -> None:
    """Print a text or a path that another program may read; as it is, unless a terminal shows it.

    As bytes: it may hold characters that the encoding of standard output lacks.
    """
    if sys.stdout.isatty():
        data = visible(str(data), kept="\t\n")
    click.echo(os.fsencode(data), nl=end_line)


def rewrite_line(text: str) -> None:
    """Show a text in place of the last line of the terminal at standard error."""
    click.echo(f"{_CLEAR}{visible(text)}", nl=False, err=True)


def clear_line() -> None:
    """Empty that line."""
    click.echo(_CLEAR, nl=False, err=True)
