"""`spark-tui models verify` and `remove`: whether models are whole, and deleting them."""

from functools import partial

import click

from engine import model_store
from engine.model_store import Verification
from tui.cli.options import json_option
from tui.cli.output import say, say_json
from tui.cli.progress import TerminalLine
from tui.format import file_size_text

__all__ = ["remove", "verify"]


@click.command(short_help="Delete a fetched model and what was made from it.")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Delete the fetched model NAME, what came of it so far, and what was noted of it."""
    freed = model_store.remove(name)
    if as_json:
        say_json({"name": name, "freed_bytes": freed})
    else:
        say(f"{name} is removed; {file_size_text(freed)} are free again")


@click.command(short_help="Compare models with their checksums.")
@click.argument("name", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> int:
    """Read the files of the model NAME, or of all fetched and bundled ones, and compare them.

    Exits 1 if a file is not the one that belongs there.
    """
    line = TerminalLine()
    try:
        files = model_store.verify(name, partial(_show, line))
    finally:
        line.clear()
    right = all(each.state != "wrong" for each in files)
    if as_json:
        say_json({"right": right, "files": [_facts(each) for each in files]})
    else:
        for each in files:
            say(_line(each))
    return 0 if right else 1


def _show(line: TerminalLine, name: str, done: int, size: int) -> None:
    if line.on_terminal and size:
        line.write(f"reading {name}: {done / size:.0%}")


def _facts(file: Verification) -> dict[str, str | None]:
    return {
        "name": file.name,
        "path": str(file.path),
        "state": file.state,
        "expected_sha256": file.expected_sha256,
        "found_sha256": file.found_sha256,
    }


def _line(file: Verification) -> str:
    if file.state == "right":
        return f"{file.name}: {file.path.name} is right"
    if file.state == "unknown":
        return f"{file.name}: {file.path.name} has no known checksum ({file.found_sha256})"
    if file.found_sha256 is None:
        return f"{file.name}: {file.path} cannot be read; fetch it again"
    return (
        f"{file.name}: {file.path} is altered: its SHA-256 is {file.found_sha256}, not "
        f"{file.expected_sha256}; fetch it again"
    )
