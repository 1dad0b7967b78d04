"""`spark-tui complete`: the suggestion at a place in a file, with what it cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, TextIO

import click
import msgspec

import engine
from engine.protocol.completion import HostStats, WaferStats
from tui.cli.failures import WrongCallError
from tui.cli.file_place import FilePlace, PlaceError, cut, parse_place
from tui.cli.options import (
    FiniteFloat,
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
from tui.cli.source import read_source, shown_path
from tui.cli.xray_report import xray_lines
from tui.files.repository import find_root
from tui.format import count_text, milliseconds_text, percent_text, rate_text, unread_text
from tui.settings import load_settings
from tui.user_folders import complaints
from tui.visuals.wafer_cost import cycles_text

__all__ = ["complete"]


@click.command(short_help="Print the suggestion at a place in a file.")
@click.argument("place", metavar="FILE:LINE[:COLUMN]")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the file's content from stdin.")
@click.option(
    "--max-tokens", metavar="N", type=click.IntRange(1, 4096), default=64, show_default=True
)
@click.option(
    "--temperature",
    metavar="T",
    type=FiniteFloat(0, inclusive=True),
    default=0.0,
    show_default=True,
    help="0 always takes the likeliest token.",
)
@click.option("--seed", metavar="S", type=click.IntRange(0, 2**63 - 1), default=0)
@click.option(
    "--tier",
    type=click.Choice(tuple(engine.TIERS)),
    default="fast",
    show_default=True,
    help="What computes: the wafer fast, the wafer cycle by cycle, or plain NumPy.",
)
@click.option(
    "--repository/--no-repository",
    default=None,
    help="Learn from the other files of the repository, or leave the model alone."
    "  Default: as the settings say.",
)
@model_option
@remote_option
@machine_options
@speculation_option
@click.option(
    "--xray",
    is_flag=True,
    help="Also tell each token and each step of the model: `xray` with --json, else to stderr.",
)
@json_option
def complete(
    place: str,
    from_stdin: bool,
    max_tokens: int,
    temperature: float,
    seed: int,
    tier: str,
    repository: bool | None,
    model: str | None,
    machine: str,
    clock: float | None,
    speculation: bool,
    xray: bool,
    as_json: bool,
) -> None:
    """Print the suggestion at LINE (from 1) and COLUMN of FILE; without COLUMN, at its end.

    Columns count Unicode code points; column k lies before the k-th character.  The text goes
    to stdout, its lines ending with a newline character; everything else goes to stderr.
    """
    model = resolve_model(model, remote=True)
    check_agreed(model)
    check_machine(machine, clock)
    for line in complaints():
        tell(f"spark-tui: {line}")
    request = _request(place, from_stdin, max_tokens, temperature, seed, repository)
    with ProgressLine() as progress:
        session = engine.open_session(
            model,
            machine,
            clock,
            tier=tier,
            speculation=speculation,
            on_progress=progress.show,
        )
    try:
        if request.repository is not None:
            # All of it first: the same files then always give the same text.
            session.read_repository(request.repository, request.private_patterns, near=request.path)
        completion = session.complete(request)
        looked = session.looks.xray(completion.answer) if xray else None
    finally:
        session.close()
    if as_json:
        inside = {} if looked is None else {"xray": msgspec.to_builtins(looked)}
        say_json(msgspec.to_builtins(completion) | inside)
        return
    _print_text(completion)
    if looked is not None:
        for line in xray_lines(looked):
            tell(line)


def _request(
    text: str,
    from_stdin: bool,
    max_tokens: int,
    temperature: float,
    seed: int,
    repository: bool | None,
) -> engine.CompletionRequest:
    """Return the request for the place that ``text`` names."""
    try:
        place = parse_place(text)
        prefix, suffix = _cut_source(place, from_stdin)
    except PlaceError as error:
        raise WrongCallError(str(error)) from error
    path = Path(place.file)
    settings = load_settings().settings  # its mistakes were told when the file was read
    if repository is None:
        repository = settings.suggestions.repository_knowledge
    name = shown_path(path)
    root = str(find_root(path.absolute().parent))
    return engine.CompletionRequest(
        path=name,
        prefix=prefix,
        suffix=suffix,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        repository=root if repository else None,
        root=root,
        private_patterns=settings.privacy.extra_patterns,
    )


def _cut_source(place: FilePlace, from_stdin: bool) -> tuple[str, str]:
    """Return the text before and after the place, with the line endings the model knows."""
    before, after = cut(read_source(Path(place.file), _stdin() if from_stdin else None), place)
    return _newlines(before), _newlines(after)


def _stdin() -> BinaryIO:
    standard_input: TextIO | None = sys.stdin  # None where the caller closed it
    if standard_input is None:
        raise WrongCallError("standard input is closed; --stdin reads the text from there")
    return standard_input.buffer


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _print_text(completion: engine.Completion) -> None:
    """Print the text to stdout and one line of statistics for each clock to stderr."""
    if completion.text:
        say_data(completion.text, end_line=sys.stdout.isatty())
    host, wafer = completion.host, completion.wafer
    tell(
        f"{completion.completion_tokens} tokens ({completion.finish_reason}), prompt"
        f" {completion.prompt_tokens} ({completion.cached_tokens} cached)",
    )
    if completion.repository is not None:
        learnt = completion.repository
        tell(
            f"repository: {count_text(learnt.files)} files, {count_text(learnt.tokens)} tokens;"
            f" weighed {percent_text(learnt.mean_weight)},"
            f" changed {percent_text(learnt.changed)} of the tokens",
        )
        if unread := unread_text(learnt.left_out):
            tell(f"repository: {unread}")
    if completion.text.strip() and not completion.shown:
        tell("the app would not show it unasked: too unlikely")
    tell(
        f"host (measured): prefill {milliseconds_text(host.prefill_ms)},"
        f" decode {milliseconds_text(host.decode_ms)},"
        f" {rate_text(host.tokens_per_second)} tokens/s{_guessed(host)}",
    )
    tell(_wafer_line(wafer))


def _wafer_line(wafer: WaferStats | None) -> str:
    """Return the wafer time of a completion, or of its tokens where another engine wrote them."""
    if wafer is None or wafer.priced_only:
        return cycles_text(wafer)
    return (
        f"wafer (emulated, {wafer.machine} at {wafer.clock_ghz:g} GHz):"
        f" {count_text(wafer.cycles_per_token)} cycles per token,"
        f" {rate_text(wafer.tokens_per_second)} tokens/s on {count_text(wafer.cores_used)} cores,"
        f" {percent_text(wafer.mac_utilisation)} of their multiply-add rate"
    )


def _guessed(host: HostStats) -> str:
    """Return what guessing ahead brought; nothing where nothing was guessed."""
    if not host.guessed_tokens:
        return ""
    return f", {host.accepted_tokens} of {host.guessed_tokens} guessed tokens right"
