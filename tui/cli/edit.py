"""`spark-tui edit`: rewrites lines of a file as an instruction says, and prints the difference."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import click
import msgspec

import engine
from tui.cli.failures import FAILED, WrongCallError
from tui.cli.file_place import PlaceError, parse_range
from tui.cli.options import (
    check_agreed,
    check_machine,
    json_option,
    machine_options,
    model_option,
    remote_option,
    resolve_model,
    speculation_option,
)
from tui.cli.output import say_data, say_json, tell
from tui.cli.progress import ProgressLine
from tui.cli.source import check_not_secret, private_patterns, shown_path
from tui.files.documents import Document, OpenError, SaveError
from tui.files.repository import find_root
from tui.format import milliseconds_text

__all__ = ["edit"]

_NO_END = "\n\\ No newline at end of file\n"


@click.command(short_help="Rewrite lines of a file as an instruction says.")
@click.argument("place", metavar="FILE:FIRST-LAST")
@click.option(
    "--instruction", metavar="T", required=True, help="What should change, in your words."
)
@click.option("--write", is_flag=True, help="Write the file, unless the edit is refused.")
@model_option
@remote_option
@machine_options
@speculation_option
@json_option
def edit(
    place: str,
    instruction: str,
    write: bool,
    model: str | None,
    machine: str,
    clock: float | None,
    speculation: bool,
    as_json: bool,
) -> None:
    """Rewrite the lines FIRST to LAST of FILE (from 1) as the instruction says.

    Prints a unified diff to stdout and everything else to stderr; the file is written only with
    --write, and nothing outside the lines changes.  Takes a model that follows instructions.
    """
    model = resolve_model(model, remote=True)
    check_agreed(model)
    check_machine(machine, clock)
    document, request = _request(place, instruction)
    with ProgressLine() as progress:
        session = engine.open_session(
            model, machine, clock, speculation=speculation, on_progress=progress.show
        )
    try:
        done = session.rewrite(request)
    finally:
        session.close()
    before = document.text
    after = request.applied(done.text)
    written = write and done.refused is None
    if written:
        _save(document, after)
    diff = _diff(request.path, before, after)
    if as_json:
        say_json(_report(diff, done, written=written))
    else:
        _print(diff, done, written=written)
    if done.refused is not None:
        raise click.exceptions.Exit(FAILED)


def _request(place: str, instruction: str) -> tuple[Document, engine.EditRequest]:
    """Return the file that ``place`` names, and the request about its lines."""
    try:
        lines = parse_range(place)
    except PlaceError as error:
        raise WrongCallError(str(error)) from error
    path = Path(lines.file)
    check_not_secret(path)
    try:
        document = Document.open(path)
    except OpenError as error:
        raise WrongCallError(str(error)) from error
    if document.is_new:
        raise WrongCallError(f"'{path}' does not exist")
    count = document.text.count("\n") + 1
    if lines.last > count:
        raise WrongCallError(f"'{path}' has {count} lines; {lines.first}-{lines.last} is outside")
    return document, engine.EditRequest(
        path=shown_path(path),
        text=document.text,
        first=lines.first,
        last=lines.last,
        instruction=instruction,
        private_patterns=private_patterns(),
        repository=str(find_root(path.resolve().parent)),
    )


def _diff(path: str, before: str, after: str) -> str:
    """Return a unified diff, as ``patch -p1`` and ``git apply`` take it."""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}{_NO_END}" for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their ends; others than a newline are ordinary characters."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _save(document: Document, text: str) -> None:
    try:
        document.save(text)
    except SaveError as error:
        raise click.ClickException(str(error)) from error


def _report(diff: str, done: engine.Edit, *, written: bool) -> dict[str, Any]:
    """Return the fields of the command's JSON."""
    return {
        "diff": diff,
        "applies": done.refused is None,
        "parses": done.parses,
        "refused": done.refused,
        "written": written,
        "model": done.model,
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "host": msgspec.to_builtins(done.host),
        "wafer": msgspec.to_builtins(done.wafer),
    }


def _print(diff: str, done: engine.Edit, *, written: bool) -> None:
    """Print the diff to stdout, and the rest to stderr."""
    if diff:
        say_data(diff, end_line=False)
    if done.refused is not None:
        tell(f"spark-tui: refused: {done.refused}")
    elif not written:
        tell("not written; --write writes it")
    host = done.host
    guessed = f", {host.accepted_tokens} guessed right" if host.accepted_tokens else ""
    tell(
        f"{done.completion_tokens} tokens{guessed}; prompt {done.prompt_tokens};"
        f" prefill {milliseconds_text(host.prefill_ms)},"
        f" decode {milliseconds_text(host.decode_ms)}"
    )
