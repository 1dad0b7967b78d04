"""Notices that the other end of a connection says nothing any more, as when its process is stopped.

Counts its own turns, not the clock: a program that was itself stopped for an hour, or is as slow as
the machine, does not take that for silence.  For one asyncio event loop.
"""

import asyncio
from collections.abc import Callable

__all__ = ["LOST_SECONDS", "PING_SECONDS", "SILENT_SECONDS", "SilenceWatch"]

PING_SECONDS = 1.0
"""Between two questions; whatever is said since the last one counts as its answer."""

SILENT_SECONDS = 5.0
"""Whoever says nothing for so long is silent; an engine's event loop never computes so long."""

LOST_SECONDS = 30.0
"""So long a silent engine is waited for; a computer that swaps may take half of it."""


class SilenceWatch:
    """Asks the other end and counts the questions that are not answered.

    Args:
        ask: Sends a question that is always answered.
        silent: Called once when the other end has fallen silent.
        back: Called once when it says something again.
        lost: Called once when it has been silent for too long.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        silent: Callable[[], object],
        back: Callable[[], object] = lambda: None,
        lost: Callable[[], object] = lambda: None,
    ) -> None:
        self._ask = ask
        self._tell_silent, self._tell_back, self._tell_lost = silent, back, lost
        self.silent = False
        """Whether nothing has been said for `SILENT_SECONDS`."""
        self._lost = False
        self._unanswered = 0
        self._heard = False

    def heard(self) -> None:
        """Note that the other end said something."""
        was_silent = self.silent
        self.silent, self._lost, self._unanswered, self._heard = False, False, 0, True
        if was_silent:
            self._tell_back()

    async def run(self) -> None:
        """Ask and count until cancelled."""
        while True:
            self._heard = False
            self._ask()
            await asyncio.sleep(PING_SECONDS)
            if not self._heard:
                self._count()

    def _count(self) -> None:
        self._unanswered += 1
        if self._unanswered >= _questions(SILENT_SECONDS) and not self.silent:
            self.silent = True
            self._tell_silent()
        if self._unanswered >= _questions(LOST_SECONDS) and not self._lost:
            self._lost = True
            self._tell_lost()


def _questions(seconds: float) -> int:
    """Return how many questions are asked in a time."""
    return max(1, round(seconds / PING_SECONDS))
