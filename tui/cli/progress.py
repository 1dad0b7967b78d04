"""A line on stderr that says what a command waits for; nothing during a short wait."""

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType

import click

from engine.protocol.messages import Progress

__all__ = ["ProgressLine"]

PATIENCE_SECONDS = 1.0
"""A wait shorter than this needs no explanation."""

_CLEAR = "\r\x1b[2K"


class ProgressLine:
    """Shows `Progress` messages: on a terminal in one line, elsewhere in one line per step.

    Args:
        clock: A clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal and self._shown:
            click.echo(_CLEAR, nl=False, err=True)

    def show(self, progress: Progress) -> None:
        """Show one step, once the wait is long; the same step twice is shown once."""
        line = f"{progress.label} ({progress.done}/{progress.total})"
        if line == self._shown or self._clock() - self._began < PATIENCE_SECONDS:
            return
        self._shown = line
        if self._terminal:
            click.echo(f"{_CLEAR}{line}", nl=False, err=True)
        else:
            click.echo(line, err=True)
