"""SuiteBar: the progress of a measurement's suite on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from tui.cli.output import tell

__all__ = ["SuiteBar"]


class SuiteBar(ExitStack):
    """A suite's progress on stderr: a bar on a terminal, elsewhere a line when it is done.

    Args:
        name: The suite.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._began = perf_counter()
        self._done = 0
        self._advance: Callable[[int, int], None] | None = None

    def __enter__(self) -> SuiteBar:
        super().__enter__()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            shown = self.enter_context(Progress(console=Console(stderr=True), transient=True))
            task = shown.add_task(self._name, total=None)
            self._advance = lambda done, total: shown.update(task, completed=done, total=total)
        self.callback(self._say_done)
        return self

    def show(self, done: int, total: int) -> None:
        """Show that so many items are done."""
        self._done = done
        if self._advance is not None:
            self._advance(done, total)

    def _say_done(self) -> None:
        seconds = perf_counter() - self._began
        tell(f"{self._name}: {self._done} items in {seconds:.0f} s")
