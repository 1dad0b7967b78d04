"""`spark-tui [PATH]`: finds out what to open, then starts the app."""

import difflib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click

from engine import launch_ahead
from engine.garbage import uncollected
from engine.remote_host import is_remote, remote_address
from tui.cli.failures import WrongCallError
from tui.cli.options import (
    check_machine,
    machine_options,
    model_option,
    remote_option,
    resolve_model,
)
from tui.files.repository import find_root
from tui.user_folders import complaints

__all__ = ["AppTarget", "check_terminal", "find_target", "open_app"]

_FILE_LINE = re.compile(r"(?P<file>.+):(?P<line>\d{1,18})", re.DOTALL | re.ASCII)
_COMMANDS = (
    "ask", "bench", "complete", "doctor", "edit", "logits", "models", "numbers", "replay",
    "tokenize", "wafer", "watch",
)  # fmt: skip
_SWITCH_SECONDS = 0.001
"""The longest that the thread which reads keys waits for the interpreter; the default is 5 ms."""


@dataclass(frozen=True, slots=True)
class AppTarget:
    """The repository, file and line that the app opens."""

    repository: Path
    file: Path | None = None
    line: int | None = None


@click.command(name="spark-tui")
@click.argument("path", default=".")
@model_option
@remote_option
@machine_options
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Record the session into a new file: the text of your files is in it.",
)
def open_app(
    path: str, model: str | None, machine: str, clock: float | None, record: Path | None
) -> int:
    """Open the app on a directory, a file, or a line of a file."""
    target = find_target(path)
    _check_new(record)
    place, problems = _model(model)
    check_machine(machine, clock)
    check_terminal()
    ahead = launch_ahead(place, machine)
    # Textual takes a third of a second to import: a wrong call need not wait for it, and the
    # engine imports meanwhile.
    with uncollected():
        from tui.app import SparkApp
        from tui.flows.models.remote_consent import RemoteChoice
        from tui.garbage_rest import GarbageRest
        from tui.job_control import forget_stale_size
        from tui.link.engine_link import engine_client

    forget_stale_size()
    remote = None
    if place is not None and is_remote(place):
        remote = RemoteChoice(
            remote_address(place), engine_client(machine=machine, clock_ghz=clock)
        )
    app = SparkApp(
        target.repository,
        open_file=target.file,
        line=target.line,
        make_client=engine_client(model=place, machine=machine, clock_ghz=clock, ahead=ahead),
        remote=remote,
        offer_model=place is None and "CI" not in os.environ,
        problems=(*complaints(), *problems),
    )
    app.record_to = None if record is None else record.absolute()
    app.garbage = GarbageRest(lambda: app.key_at)
    sys.setswitchinterval(_SWITCH_SECONDS)
    app.run()
    return app.return_code or 0  # the app itself has said why


def _check_new(file: Path | None) -> None:
    """Refuse to record into a file that is there: nobody's work is written over."""
    if file is not None and _exists(file):
        raise WrongCallError(f"'{file}' exists; --record takes the name of a new file")
    if file is not None and not os.path.isdir(file.absolute().parent):
        raise WrongCallError(f"'{file}' cannot be made: its directory does not exist")


def _model(asked: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return what the engine is to open, and what is wrong with the settings' choice.

    A model that only the settings name may have been removed since: the app takes the default.
    """
    try:
        return resolve_model(asked, remote=True), ()
    except WrongCallError as error:
        if asked is not None:
            raise
        return None, (error.message,)


def find_target(text: str) -> AppTarget:
    """Return what to open for ``text``: a directory, a file, or ``FILE:LINE``.

    A file may be new; it is made when it is saved.

    Raises:
        WrongCallError: Nothing of that name exists, and no file can be made there.
    """
    if not text:
        raise WrongCallError("PATH is empty; name a directory, a file, or FILE:LINE")
    path = Path(text)
    match = _FILE_LINE.fullmatch(text)
    if not _exists(path) and match and _exists(Path(match["file"])):
        return _target(Path(match["file"]), _line(match["line"]))
    if not _exists(path):
        place = match and _FILE_LINE.fullmatch(match["file"])
        if place and _exists(Path(place["file"])):  # FILE:LINE:COLUMN
            return _target(Path(place["file"]), _line(place["line"]))
        path = Path(match["file"]) if match else path
        if problem := _no_new_file(text, path):
            raise WrongCallError(problem)
        return AppTarget(find_root(path.absolute()), path.absolute())
    return _target(path, None)


def check_terminal(instead: str = "spark-tui complete") -> None:
    """Refuse to start without a terminal: the app reads stdin and draws on stderr.

    Args:
        instead: The command that does without.
    """
    streams: dict[str, TextIO | None] = {
        "standard input": sys.stdin,
        "standard output": sys.stdout,
        "standard error": sys.stderr,
    }
    for name, stream in streams.items():
        if stream is None or not stream.isatty():
            raise WrongCallError(
                f"the app needs a terminal, and {name} is none; for scripts there is `{instead}`"
            )


def _target(path: Path, line: int | None) -> AppTarget:
    full = path.absolute()
    if not os.path.isdir(path):
        return AppTarget(find_root(full), full, line)
    if line is not None:
        raise WrongCallError(f"'{path}' is a directory and has no line {line}")
    return AppTarget(full.resolve())


def _line(text: str) -> int:
    line = int(text)
    if line < 1:
        raise WrongCallError("lines count from 1")
    return line


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise WrongCallError(f"'{path}' cannot be opened: {reason}") from error
    return True


def _no_new_file(text: str, path: Path) -> str | None:
    """Return why a path that does not exist cannot be a new file; None if it can."""
    near = difflib.get_close_matches(text, _COMMANDS, n=1)
    if near:
        return f"'{text}' does not exist; did you mean the command `spark-tui {near[0]}`?"
    if text.endswith(os.sep):
        return f"'{text}' does not exist; to create the directory: mkdir '{text}'"
    if not os.path.isdir(path.parent):
        return f"'{text}' does not exist, and neither does its directory"
    return None
