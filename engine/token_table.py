"""Facts about every token of a vocabulary as arrays, to be asked by the bytes of a text.

A vocabulary of 262,144 tokens is tabled in a tenth of a second, in about 30 bytes a token.  Knows
bytes and ids; knows no encoder and no model.

Letter: V tokens of the vocabulary.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["TokenTable"]

_HEAD = 8
"""Bytes of a token that are compared as one number."""

_BLANKS = b" \t"


class TokenTable:
    """The tokens of one vocabulary.  Never changes; any thread may ask.

    Args:
        contents: The bytes of every token by id; none for a control token.
    """

    def __init__(self, contents: Sequence[bytes]) -> None:
        self._contents = contents
        self.lengths = np.fromiter(map(len, contents), np.int32, len(contents))
        """Bytes of every token, int32, shape (V,); 0 for a control token."""
        heads = _heads(contents, self.lengths)
        self._order = np.argsort(heads, kind="stable")
        self._heads = heads[self._order]
        self.first = np.where(self.lengths > 0, (heads >> np.uint64(56)).astype(np.int16), -1)
        """First byte of every token, int16, shape (V,); −1 for a control token."""
        self._inked = _inked(heads)

    def continuations(self, start: bytes) -> NDArray[np.int64]:
        """Return, ascending, the ids that can come next if the text must begin with ``start``.

        These are the tokens that begin with ``start``, and the shorter ones with which ``start``
        begins.  An empty ``start`` allows every token that has bytes.
        """
        shorter = [self._exactly(start[:length]) for length in range(1, len(start))]
        return np.sort(np.concatenate([self._beginning_with(start), *shorter]))

    def can_grow(self, start: bytes) -> bool:
        """Return whether a token begins with ``start`` and goes on after it."""
        return bool((self.lengths[self._beginning_with(start)] > len(start)).any())

    def opening_with(self, signs: Sequence[bytes]) -> NDArray[np.int64]:
        """Return, ascending, the ids of tokens that begin with a sign, spaces and tabs aside."""
        starts = {sign[0] for sign in signs}
        ids = np.flatnonzero(np.isin(self._inked, [*starts, *_BLANKS]))
        opens = [self._contents[i].lstrip(_BLANKS).startswith(tuple(signs)) for i in ids.tolist()]
        return self._where(ids, opens)

    def _beginning_with(self, start: bytes) -> NDArray[np.int64]:
        head = start[:_HEAD]
        found = self._between(head.ljust(_HEAD, b"\x00"), head.ljust(_HEAD, b"\xff"))
        found = found[self.lengths[found] >= max(len(start), 1)]
        if len(start) <= _HEAD:
            return found
        return self._where(found, [self._contents[i].startswith(start) for i in found.tolist()])

    def _exactly(self, content: bytes) -> NDArray[np.int64]:
        """Return the ids of tokens with these bytes; usually one or none."""
        head = content[:_HEAD].ljust(_HEAD, b"\x00")
        found = self._between(head, head)
        found = found[self.lengths[found] == len(content)]
        return self._where(found, [self._contents[i] == content for i in found.tolist()])

    def _between(self, low: bytes, high: bytes) -> NDArray[np.int64]:
        """Return the ids of tokens whose first bytes lie between two numbers, both included."""
        least, most = (np.uint64(int.from_bytes(each, "big")) for each in (low, high))
        first = np.searchsorted(self._heads, least, "left")
        ids: NDArray[np.int64] = self._order[first : np.searchsorted(self._heads, most, "right")]
        return ids

    @staticmethod
    def _where(ids: NDArray[np.int64], chosen: list[bool]) -> NDArray[np.int64]:
        kept: NDArray[np.int64] = ids[np.array(chosen, bool)]
        return kept


def _inked(heads: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the first of 8 bytes that is no blank, of each; the last one where all are."""
    found = np.zeros(len(heads), np.uint8)
    blank = np.ones(len(heads), bool)
    for place in range(_HEAD):
        byte = (heads >> np.uint64(8 * (_HEAD - 1 - place))).astype(np.uint8)
        found[blank] = byte[blank]
        blank &= np.isin(byte, list(_BLANKS))
    return found


def _heads(contents: Sequence[bytes], lengths: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of every token as a big-endian number, short ones zero-filled."""
    text = np.frombuffer(b"".join(contents) + bytes(_HEAD), np.uint8)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    heads = np.zeros(len(contents), np.uint64)
    for place in range(_HEAD):
        byte = np.where(lengths > place, text[starts + np.minimum(place, lengths)], 0)
        heads = (heads << np.uint64(8)) | byte.astype(np.uint64)
    return heads
