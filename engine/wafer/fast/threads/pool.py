"""The helper threads of one executor: made when first needed, ended with it.

Knows threads and pipes; not what a piece of work is.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache

from engine.wafer.fast.threads import claims
from engine.wafer.fast.threads.claims import Shares

__all__ = ["Pool"]

_AWAKE_S = 100e-6
"""How long a helper without work keeps its core.  Longer than what lies between two shared
instructions of a token; short, because a caller that must share its core gets the helper's when
that sleeps."""


class Pool:
    """A caller and its helpers.  One thread at a time may call it.

    Helpers are threads of Python inside one compiled call, without the interpreter's lock; they
    hold what they were given until they end: at `close`, or when nobody holds the pool any more.
    They never keep the interpreter from ending.
    """

    def __init__(self, threads: int, least_work: int) -> None:
        """Make a pool; its helpers come with `start`.

        Args:
            threads: The caller and its helpers, 1 or more.
            least_work: Of an instruction that is shared, in whatever the caller counts.
        """
        self.threads = threads
        self.shares = claims.new_shares(threads, least_work)
        self._helpers: list[threading.Thread] = []
        self._kept: list[object] = []
        self._process = 0
        self._end: Callable[[], object] = lambda: None

    def start(self, work: Callable[[int], None]) -> None:
        """Start the helpers, if they do not run yet in this process.

        Args:
            work: What each runs: a compiled function that lets go of the interpreter's lock, given
                the helper's number; it ends when `claims.await_claim` says so.
        """
        if self._process == os.getpid():
            return
        self._end()  # of a process that this one was forked off: its helpers are not here
        self._process = os.getpid()
        pipes = [os.pipe() for _ in range(self.threads - 1)]
        claims.reset(self.shares, int(_AWAKE_S * _pauses_per_s()), pipes)
        self._end = weakref.finalize(self, _end, self.shares, pipes, self._process)
        self._helpers = [
            threading.Thread(
                target=_run, args=(work, number, pipes[number][0], self._kept), daemon=True
            )
            for number in range(len(pipes))
        ]
        for helper in self._helpers:
            helper.start()

    def shared(self) -> tuple[int, int]:
        """Return how many pieces helpers have computed and of how many, since the last call."""
        return claims.shared(self.shares)

    def keep(self, thing: object) -> None:
        """Hold what the jobs of a step were about, at least until no helper can look at it."""
        self._kept.append(thing)
        if claims.is_idle(self.shares):
            self._kept.clear()

    def close(self) -> None:
        """End the helpers and wait for them; `start` would start others."""
        self._end()
        if self._process == os.getpid():
            for helper in self._helpers:
                helper.join()
        self._kept.clear()
        self._helpers, self._process = [], 0


def _run(work: Callable[[int], None], number: int, read_end: int, kept: list[object]) -> None:
    """Be a helper; what is ``kept`` lives at least as long."""
    try:
        work(number)
    finally:
        os.close(read_end)


def _end(shares: Shares, pipes: Sequence[tuple[int, int]], process: int) -> None:
    """Let the helpers end; called once: by `Pool.close`, the collector or the interpreter."""
    if process == os.getpid():
        claims.stop(shares)
        for _, write_end in pipes:
            with suppress(BrokenPipeError):  # it was awake and has already ended
                os.write(write_end, b"\0")
            os.close(write_end)
    else:  # a process that was forked off has copies of the pipes and no helper
        for ends in pipes:
            for end in ends:
                os.close(end)


@cache
def _pauses_per_s() -> float:
    """Return how often this processor pauses in a second; processors differ a hundredfold."""
    count = 1000

    def timed() -> float:
        start = time.perf_counter()
        claims.pauses(count)
        return time.perf_counter() - start

    timed()  # compiles it
    return count / min(timed() for _ in range(5))
