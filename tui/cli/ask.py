"""`spark-tui ask`: answers a question about the code; reads, and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

import engine
from engine.protocol.asking import Reading
from tui.cli.failures import WrongCallError
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
from tui.files.documents import Document, OpenError
from tui.files.repository import find_root
from tui.format import milliseconds_text, rate_text
from tui.visuals.ask_text import finish_text, sources_text
from tui.visuals.wafer_cost import cycles_text

__all__ = ["ask"]


@click.command(short_help="Answer a question about the code.")
@click.argument("words", nargs=-1, required=True, metavar="[FILE[:FIRST-LAST]] QUESTION")
@model_option
@remote_option
@machine_options
@speculation_option
@json_option
def ask(
    words: tuple[str, ...],
    model: str | None,
    machine: str,
    clock: float | None,
    speculation: bool,
    as_json: bool,
) -> None:
    """Answer QUESTION about the repository around the working folder, or around FILE.

    Reads FILE or the lines of it, the definitions of names in the question, and passages that use
    its words, but no private or ignored file.  Prints Markdown to stdout as it is written, and
    everything else to stderr.  Takes a model that holds conversations.
    """
    model = resolve_model(model, remote=True)
    check_agreed(model)
    check_machine(machine, clock)
    request = _request(words)
    with ProgressLine() as progress:
        session = engine.open_session(
            model, machine, clock, speculation=speculation, on_progress=progress.show
        )
    printer = _Printer()
    try:
        if as_json:
            say_json(_report(request, session.ask(request)))
        else:
            reply = session.ask(request, on_reading=_tell_reading, on_text=printer.show)
            printer.end(reply)
    finally:
        session.close()


def _request(words: tuple[str, ...]) -> engine.AskRequest:
    """Return the question, and the file that it is about if one is named."""
    *place, question = words
    if len(place) > 1:
        raise WrongCallError("write the question in quotes, and at most one file before it")
    if not question.strip():
        raise WrongCallError("the question is empty; say what you want to know")
    patterns = private_patterns()
    if not place:
        root = str(find_root(Path.cwd()))
        return engine.AskRequest(question, repository=root, private_patterns=patterns)
    return _about_file(place[0], question, patterns)


def _about_file(place: str, question: str, patterns: tuple[str, ...]) -> engine.AskRequest:
    path, first, last = _lines_of(place)
    check_not_secret(path)
    try:
        document = Document.open(path)
    except OpenError as error:
        raise WrongCallError(str(error)) from error
    if document.is_new:
        raise WrongCallError(f"'{path}' does not exist")
    count = document.text.count("\n") + 1
    if last > count:
        raise WrongCallError(f"'{path}' has {count} lines; {first}-{last} is outside")
    return engine.AskRequest(
        question,
        path=shown_path(path),
        text=document.text,
        line=max(1, first),
        first=first,
        last=last,
        repository=str(find_root(path.parent.resolve())),
        private_patterns=patterns,
    )


def _lines_of(place: str) -> tuple[Path, int, int]:
    """Return a file and its lines; 0 and 0 for all of it."""
    if os.path.exists(place):
        return Path(place), 0, 0
    try:
        lines = parse_range(place)
    except PlaceError as error:
        raise WrongCallError(f"'{place}' does not exist; write FILE or FILE:FIRST-LAST") from error
    return Path(lines.file), lines.first, lines.last


def _tell_reading(reading: Reading) -> None:
    """Say what the model is shown, before the first word."""
    tell(f"reads {sources_text(reading.parts) or 'nothing but the question'}")
    for reason in reading.left_out:
        tell(f"left out: {reason}")


class _Printer:
    """Prints an answer while it grows."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, text: str) -> None:
        """Print what is new."""
        say_data(text[len(self._shown) :], end_line=False)
        self._shown = text

    def end(self, reply: engine.AskReply) -> None:
        """Print the rest, and what the answer took."""
        say_data(reply.text[len(self._shown) :])
        if note := finish_text(reply.finish_reason):
            tell(note)
        host = reply.host
        tell(
            f"{reply.completion_tokens} tokens; prompt {reply.prompt_tokens};"
            f" prefill {milliseconds_text(host.prefill_ms)},"
            f" decode {milliseconds_text(host.decode_ms)}"
            f" ({rate_text(host.tokens_per_second)} tokens/s); {cycles_text(reply.wafer)}"
        )


def _report(request: engine.AskRequest, reply: engine.AskReply) -> dict[str, Any]:
    """Return the fields of the command's JSON."""
    return {
        "question": request.question,
        "answer": reply.text,
        "finish_reason": reply.finish_reason,
        "read": msgspec.to_builtins(reply.parts),
        "left_out": list(reply.left_out),
        "model": reply.model,
        "prompt_tokens": reply.prompt_tokens,
        "cached_tokens": reply.cached_tokens,
        "completion_tokens": reply.completion_tokens,
        "host": msgspec.to_builtins(reply.host),
        "wafer": msgspec.to_builtins(reply.wafer),
    }
