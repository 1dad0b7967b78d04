"""Which tokens the KV caches of a runner hold, and which cache a prompt is computed in.

Prompts that share a beginning share its rows: they are copied, not computed.  What was used longest
ago goes when the budget of bytes is spent.  Knows a runner's caches by number and computes nothing.
"""

from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Caches", "KeptPrompts", "common_length"]

SMALL_LOSS = 24
"""Rows of a prompt that are given up rather than kept in another cache: to compute them again takes
a fraction of a step."""

_COMPARED = 64
"""Items compared at once: lists as a whole, which is fast."""


class Caches(Protocol):
    """The KV caches of a runner, one of which is selected."""

    @property
    def contexts(self) -> int:
        """How many can be kept side by side."""
        ...

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the selected cache."""
        ...

    def select(self, context: int, rows: int) -> None:
        """Use a cache from now on, with room for ``rows`` rows."""
        ...

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        """Make the first ``rows`` rows of one cache all that another one has."""
        ...

    def release(self, context: int) -> None:
        """Give the memory of a cache back; it has no rows any more."""
        ...

    def context_bytes(self, rows: int) -> int:
        """Return the memory of a cache with room for ``rows`` rows."""
        ...


@dataclass(slots=True)
class _Kept:
    """The tokens of one cache."""

    tokens: list[int] = field(default_factory=list)
    """One for each row."""
    prompt: int = 0
    """How many of them are of a prompt; the others were generated after it."""
    room: int = 0
    """Rows that it has room for."""
    used: int = 0
    """When a prompt last began here, counted in prompts."""


def common_length(a: list[int], b: list[int]) -> int:
    """Return how many leading items two lists share.

    Example:
        >>> common_length([1, 2, 3], [1, 2, 4, 5])
        2
    """
    most = min(len(a), len(b))
    for start in range(0, most, _COMPARED):
        end = min(start + _COMPARED, most)
        if a[start:end] != b[start:end]:
            return start + next(i for i in range(end - start) if a[start + i] != b[start + i])
    return most


class KeptPrompts:
    """The tokens in the KV caches of one runner.

    Args:
        caches: The runner's.
        budget_bytes: Most memory of all caches but the one in use, which takes what it needs.
    """

    def __init__(self, caches: Caches, budget_bytes: int) -> None:
        self._caches = caches
        self._budget_bytes = budget_bytes
        self._kept = {0: _Kept()}
        self._selected = 0
        self._time = 0
        caches.rewind(0)

    @property
    def tokens(self) -> list[int]:
        """The token of each row in the selected cache; who appends a row appends its token."""
        return self._kept[self._selected].tokens

    @property
    def contexts(self) -> int:
        """How many caches hold rows now."""
        return sum(bool(kept.tokens) for kept in self._kept.values())

    @property
    def size_bytes(self) -> int:
        """The memory of all caches."""
        return sum(self._caches.context_bytes(kept.room) for kept in self._kept.values())

    def held(self, tokens: list[int]) -> int:
        """Return how many leading tokens some cache holds."""
        return max(common_length(kept.tokens, tokens) for kept in self._kept.values())

    def has_room_beside(self, rows: int) -> bool:
        """Return whether a cache of so many rows fits beside the one in use."""
        used = self._caches.context_bytes(self._kept[self._selected].room)
        more = self._caches.context_bytes(rows)
        return self._caches.contexts > 1 and used + more <= self._budget_bytes

    def begin(self, prompt: list[int], most: int, rows: int) -> int:
        """Select a cache for a prompt, with as many of its rows as there are.

        Args:
            prompt: Its tokens.
            most: How many of its rows may be reused.
            rows: Rows that will be needed in all.

        Returns:
            The rows that the cache holds now, all of them of the prompt.
        """
        source = max(self._kept, key=lambda each: self._rank(each, prompt))
        shared = min(most, common_length(self._kept[source].tokens, prompt))
        self._select(source, shared, rows)
        kept = self._kept[self._selected]
        kept.prompt = shared
        self._time += 1
        kept.used = self._time
        return shared

    def note_prompt(self, rows: int) -> None:
        """Note that the first rows are a prompt's; what follows is generated or guessed."""
        self._kept[self._selected].prompt = rows

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the selected cache."""
        del self.tokens[position:]
        self._caches.rewind(position)

    def forget(self) -> None:
        """Note that the rows of the selected cache are unknown."""
        self.tokens.clear()

    # ── which cache ─────────────────────────────────────────────────────────────────────────

    def _rank(self, context: int, prompt: list[int]) -> tuple[int, int, int]:
        """Order caches by what they share with a prompt, then by how little else they hold."""
        kept = self._kept[context]
        shared = common_length(kept.tokens, prompt)
        return shared, -max(0, kept.prompt - shared), kept.used

    def _select(self, source: int, shared: int, rows: int) -> None:
        """Select a cache with the first ``shared`` rows of ``source``, which may be itself."""
        lost = self._kept[source].prompt - shared
        target = source if lost <= SMALL_LOSS else self._unused(source, rows)
        self._selected = target
        self._caches.select(target, rows)
        kept = self._kept.setdefault(target, _Kept())
        kept.room = max(kept.room, rows)
        if target == source:
            self.rewind(shared)
        else:
            self._caches.copy_rows(source, target, shared)
            kept.tokens = self._kept[source].tokens[:shared]
        self._evict({source, target})

    def _unused(self, source: int, rows: int) -> int:
        """Return an unused cache, others having made room for it; ``source`` if none can."""
        more = self._caches.context_bytes(rows)
        alone = self._caches.context_bytes(self._kept[source].room) + more
        if self._caches.contexts == 1 or alone > self._budget_bytes:
            return source
        while len(self._kept) >= self._caches.contexts or not self._fits(more):
            self._release_oldest({source})
        return next(n for n in range(self._caches.contexts) if n not in self._kept)

    def _fits(self, more_bytes: int) -> bool:
        return self.size_bytes + more_bytes <= self._budget_bytes

    def _evict(self, spared: set[int]) -> None:
        """Release caches until the budget is kept, or none but the spared are left."""
        while not self._fits(0) and self._kept.keys() - spared:
            self._release_oldest(spared)

    def _release_oldest(self, spared: set[int]) -> None:
        """Release the cache that was used longest ago, but none of the spared."""
        oldest = min(self._kept.keys() - spared, key=lambda each: self._kept[each].used)
        self._caches.release(oldest)
        del self._kept[oldest]
