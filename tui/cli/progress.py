"""Lines on stderr that say what a command waits for; nothing during a short wait."""

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from engine.progress import OnProgress
from engine.protocol.messages import Progress
from tui.cli.output import clear_line, rewrite_line, tell

__all__ = ["ProgressLine", "TerminalLine"]

PATIENCE_SECONDS = 1.0
"""A wait shorter than this needs no explanation."""


class TerminalLine:
    """The terminal's last line, written again and again, and gone at the end."""

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        """Elsewhere lines cannot be written again; whoever has something to say prints it."""
        self._shown = False

    def write(self, text: str) -> None:
        """Show a text in place of the last one."""
        rewrite_line(text)
        self._shown = True

    def clear(self) -> None:
        """Leave the line empty, if anything was written."""
        if self._shown:
            clear_line()
            self._shown = False


class ProgressLine:
    """Shows `Progress` messages: on a terminal in one line, elsewhere in one line per step.

    Args:
        clock: A clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._line = TerminalLine()
        self._shown = ""

    def counting(self, stage: str) -> OnProgress:
        """Return a function of (done, total, label) that shows the progress of a stage."""
        return lambda done, total, label: self.show(Progress(stage, done, total, label))

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away; the next step shows it again."""
        self._line.clear()

    def show(self, progress: Progress) -> None:
        """Show one step, once the wait is long; the same step twice is shown once."""
        line = f"{progress.label} ({progress.done}/{progress.total})"
        if line == self._shown or self._clock() - self._began < PATIENCE_SECONDS:
            return
        self._shown = line
        if self._line.on_terminal:
            self._line.write(line)
        else:
            tell(line)
