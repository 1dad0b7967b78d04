"""`spark-tui tokenize`: prints the tokens of a file in a model's vocabulary."""

import sys
from pathlib import Path

import click

import engine
from engine.plain_files import read_plain
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, model_option, resolve_model
from tui.cli.output import say, say_json
from tui.cli.source import MAX_BYTES

__all__ = ["tokenize"]


@click.command(short_help="Print the tokens of a file in a model's vocabulary.")
@click.argument("file", metavar="FILE")
@model_option
@json_option
def tokenize(file: str, model: str | None, as_json: bool) -> None:
    """Print the tokens of FILE in a model's vocabulary; - reads standard input.

    What looks like a control token in the file stays text.
    """
    tokens = engine.tokenize(resolve_model(model), _read(file))
    if as_json:
        say_json({"ids": tokens.ids, "pieces": tokens.pieces})
        return
    for number, piece in zip(tokens.ids, tokens.pieces, strict=True):
        say(f"{number:7d}  {piece!r}")


def _read(file: str) -> str:
    """Return the text of a file, its line ends as they are."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else read_plain(Path(file), MAX_BYTES)
    except OSError as error:
        raise WrongCallError(f"cannot read {file}: {error.strerror}") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongCallError(
            f"{file} is no UTF-8 text: byte {error.start} is {data[error.start]:#04x}"
        ) from error
