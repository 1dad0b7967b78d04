"""Finds every place where a run of tokens occurs, for all lengths of the run at once.

The index sorts the positions of its texts by the tokens before them, read backwards.  The places
of a context of d tokens then lie side by side, and the places of d + 1 tokens lie inside that
range, so one descent answers for every d.  It stores no counts, only a few integers a token.

Letters: T tokens in the texts, D most tokens of a context.

Source:
    Suffix arrays by doubling (Manber and Myers, 1993), over the reversed text.  Their use as an
    n-gram model without a fixed n follows infini-gram (Liu et al., 2024).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEPTH", "SEPARATOR", "ContextIndex"]

DEPTH = 32
"""D.  A context that matches at this length is a copy; a longer one tells no more."""

SEPARATOR = -1
"""Stands before the first text and between texts; no context crosses it."""


class ContextIndex:
    """All contexts of some texts.

    Args:
        tokens: int32, shape (T,), with `SEPARATOR` first and between texts.

    Cost:
        log2(D) sorts of T integers.
    """

    def __init__(self, tokens: NDArray[np.int32]) -> None:
        self.tokens = tokens
        self.order = _sort(tokens)
        """Positions sorted by the tokens before them, int32, shape (T,)."""
        previous = np.roll(tokens, 1)[self.order] if len(tokens) else tokens
        highest = int(tokens.max(initial=0))
        self._starts = np.searchsorted(previous, np.arange(highest + 2))
        # Reading one integer is much faster from a memoryview than from an array.
        self._tokens_view = memoryview(np.ascontiguousarray(tokens).data)
        self._order_view = memoryview(self.order.data)

    def match(self, context: Sequence[int], enough: int = 0) -> list[tuple[int, int]]:
        """Return, for d = 1, 2, …, the range of `order` that follows the last d tokens.

        Each range lies inside the one before.  The list ends with the longest context that
        occurs, at most `DEPTH` tokens, or with the first that occurs in at most ``enough`` places.
        """
        if not context or not 0 <= context[-1] < len(self._starts) - 1:
            return []
        low, high = int(self._starts[context[-1]]), int(self._starts[context[-1] + 1])
        found: list[tuple[int, int]] = []
        depth = 1
        while low < high:
            found.append((low, high))
            depth += 1
            if depth > min(len(context), DEPTH) or high - low <= enough:
                break
            low, high = self._narrow(low, high, depth, context[-depth])
        return found

    def _narrow(self, low: int, high: int, depth: int, token: int) -> tuple[int, int]:
        """Return the part of a range where ``token`` stands ``depth`` places before."""
        tokens, order = self._tokens_view, self._order_view

        def before(position: int) -> int:
            return tokens[position - depth] if position >= depth else SEPARATOR

        first = bisect_left(order, token, low, high, key=before)
        return first, bisect_right(order, token, first, high, key=before)


def _sort(tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the positions, sorted by the `DEPTH` tokens before them, read backwards."""
    count = len(tokens)
    if not count:
        return np.zeros(0, np.int32)
    rank = np.empty(count, np.int64)  # by 1 token; 0 is the separator
    rank[0], rank[1:] = 0, tokens[:-1].astype(np.int64) + 1
    length = 1
    while True:
        further = np.zeros(count, np.int64)
        further[length:] = rank[:-length] if length < count else rank[:0]
        key = rank * (int(rank.max()) + 1) + further
        order = np.argsort(key, kind="stable")
        length *= 2
        if length >= DEPTH:
            return order.astype(np.int32)
        sorted_key = key[order]
        steps = np.concatenate(([0], np.cumsum(sorted_key[1:] != sorted_key[:-1])))
        rank[order] = steps
