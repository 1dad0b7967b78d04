"""Turns: lets one caller after another in, each once before anyone twice.  Knows no requests."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.errors import ServerError

__all__ = ["Turns", "TurnsFullError"]


class TurnsFullError(ServerError):
    """So many wait already that nobody else may."""


class Turns:
    """Who is served next.  For one event loop.

    Args:
        most: How many may wait at once, so that memory is bounded.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._at_once = 1
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}  # the caller to be served first
        self._busy = 0

    @property
    def at_once(self) -> int:
        """How many are served at once."""
        return self._at_once

    @at_once.setter
    def at_once(self, count: int) -> None:
        self._at_once = count
        self._let_in()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))

    @property
    def busy(self) -> int:
        """How many are being served."""
        return self._busy

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Wait for a turn of ``caller`` and hold it.

        Raises:
            TurnsFullError: Too many wait.
        """
        await self._wait(caller)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, caller: str) -> None:
        if self._busy < self._at_once:
            self._busy += 1
            return
        if self.waiting >= self._most:
            raise TurnsFullError(f"{self._most} requests wait already; ask again later")
        mine = asyncio.get_running_loop().create_future()
        self._queues.setdefault(caller, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # the turn came in the moment in which nobody wanted it any more
            else:
                self._forget(caller, mine)
            raise

    def _pass_on(self) -> None:
        """End a turn."""
        self._busy -= 1
        self._let_in()

    def _let_in(self) -> None:
        """Give turns that are free to the callers that have waited longest for one."""
        while self._queues and self._busy < self._at_once:
            caller, queue = next(iter(self._queues.items()))
            del self._queues[caller]
            # One that was cancelled stands here until its task has heard of it.
            left = deque(each for each in queue if not each.cancelled())
            if left:
                self._busy += 1
                left.popleft().set_result(None)
            if left:
                self._queues[caller] = left  # behind all others

    def _forget(self, caller: str, mine: "asyncio.Future[None]") -> None:
        queue = self._queues.get(caller, deque())
        if mine in queue:
            queue.remove(mine)
            if not queue:
                del self._queues[caller]
