"""Looks for garbage while the person rests: a search through all objects takes 50 ms.

The interpreter looks whenever enough objects have been made, which is while somebody types.  Here
it looks when no key has come for a moment; only when very many have been made meanwhile, it looks
through the new ones anyway.
"""

import gc
import time
from collections.abc import Callable

__all__ = ["GarbageRest"]


class GarbageRest:
    """Decides when to look for garbage.

    Args:
        key_at: Returns when the last key came, by ``now``.
        now: The clock, in seconds.
    """

    EVERY = 0.25
    """Seconds from one `look` to the next."""
    REST_SECONDS = 0.6
    """Without a key for so long the person rests.  Assumed: at 60 words a minute a key comes each
    0.2 s."""
    WORTH_WHILE = 2_000
    """New objects for which it is worth looking."""
    MOST = 60_000
    """New objects at which it is looked through them even between keys: 6 to 8 ms for some 5 MB."""
    FULL = 100_000
    """New objects since all were looked through, at which that is done again."""

    def __init__(
        self, key_at: Callable[[], float], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._key_at = key_at
        self._now = now
        self._since_full: int | None = None
        """New objects found since the last full search; None before the first."""

    def begin(self) -> None:
        """Take over from the interpreter, for the whole process."""
        gc.disable()

    def look(self) -> None:
        """Look for garbage, if this is the time for it."""
        made = gc.get_count()[0]
        if self._now() - self._key_at() < self.REST_SECONDS:
            if made >= self.MOST:
                self._look_through_new(made)
        elif self._since_full is None:
            self._keep_what_is_there()
        elif self._since_full + made >= self.FULL:
            gc.collect()
            self._since_full = 0
        elif made >= self.WORTH_WHILE:
            self._look_through_new(made)

    def _look_through_new(self, made: int) -> None:
        gc.collect(1)
        self._since_full = (self._since_full or 0) + made

    def _keep_what_is_there(self) -> None:
        """Let no later search go through what the start has made: modules, classes, the screen."""
        gc.collect()
        gc.freeze()
        self._since_full = 0
