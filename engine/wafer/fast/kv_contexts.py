"""Several KV caches of one Program side by side in host memory, of which steps use one.

Knows how a cache lies, not which type its numbers have; nothing of tokens.  A cache has room for
the positions that were asked for, not for the whole context: a short prompt takes little memory.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fast.kernels.attend import padded
from engine.wafer.fast.kernels.attention_code import KEY_BLOCK
from engine.wafer.fast.kernels.operands import KvCache

__all__ = ["KvContexts"]

_STEP_ROWS = 256
"""Room grows by so many positions."""


class KvContexts:
    """The KV caches of one Program.

    Args:
        heads: KV heads of all layers.
        context_length: Most positions of a cache.
        allocate: Returns a cache of zeros with room for so many positions.
    """

    def __init__(self, heads: int, context_length: int, allocate: Callable[[int], KvCache]) -> None:
        self._heads = heads
        self._context_length = context_length
        self._allocate = allocate
        self._none = allocate(1)
        self._caches: dict[int, KvCache] = {}
        self._rows: dict[int, int] = {}
        self._selected = 0

    @property
    def selected(self) -> KvCache:
        """The cache that steps use."""
        return self._caches.get(self._selected, self._none)

    @property
    def position(self) -> int:
        """Rows in the selected cache."""
        return self._rows.get(self._selected, 0)

    @position.setter
    def position(self, rows: int) -> None:
        self._rows[self._selected] = rows

    def select(self, context: int, rows: int) -> None:
        """Use a context from now on, with room for ``rows`` rows at least."""
        self._selected = context
        self.make_room(rows)

    def make_room(self, rows: int) -> None:
        """Give the selected cache room for ``rows`` rows; those it has stay."""
        old = self.selected
        if old is not self._none and old.context >= rows:
            return
        new = self._allocate(self.room(rows))
        self._caches[self._selected] = new
        self._copy(old, new, self.position)

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        """Make the first ``rows`` rows of one context all that another one has."""
        selected, self._selected = self._selected, target
        self._rows[target] = 0
        self.make_room(rows)
        self._copy(self._caches.get(source, self._none), self.selected, rows)
        self._rows[target] = rows
        self._selected = selected

    def release(self, context: int) -> None:
        """Give the memory of a context back; it has no rows any more."""
        self._caches.pop(context, None)
        self._rows.pop(context, None)

    def room(self, rows: int) -> int:
        """Return the positions that a cache for ``rows`` rows gets."""
        steps = -(-max(1, rows) // _STEP_ROWS)
        return min(self._context_length, steps * _STEP_ROWS)

    def size_bytes(self, rows: int) -> int:
        """Return the bytes of a cache for ``rows`` rows."""
        one = self._none
        return padded(self.room(rows)) // one.context * (one.keys.nbytes + one.values.nbytes)

    def _copy(self, source: KvCache, target: KvCache, rows: int) -> None:
        """Copy the first rows, bit for bit; of keys the whole blocks that they lie in."""
        if rows > 0:
            blocks = padded(rows) // KEY_BLOCK
            self._keys(target)[:, :blocks] = self._keys(source)[:, :blocks]
            self._values(target)[:, :rows] = self._values(source)[:, :rows]

    def _keys(self, cache: KvCache) -> NDArray[np.generic]:
        return cache.keys.reshape(self._heads, cache.context // KEY_BLOCK, -1)

    def _values(self, cache: KvCache) -> NDArray[np.generic]:
        return cache.values.reshape(self._heads, cache.context, -1)
