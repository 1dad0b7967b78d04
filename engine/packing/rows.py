"""Lay examples of tokens side by side into rows of one length.  Knows no text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.packing.examples import NO_LOSS, TokenExample

__all__ = ["RowPacker"]


class RowPacker:
    """Lays examples side by side into rows, each into the fullest row that has room.

    Args:
        length: Tokens that a row predicts; it has one more.
        pad: Token of what is left empty.
        dtype: Of the tokens of a row; ids of larger vocabularies need 32 bits.
    """

    OPEN = 128

    def __init__(
        self, length: int, pad: int, dtype: type[np.unsignedinteger[Any]] = np.uint16
    ) -> None:
        self.size = length + 1
        self.pad = pad
        self._dtype = dtype
        self.tokens: list[NDArray[np.unsignedinteger[Any]]] = []
        self.flags: list[NDArray[np.uint8]] = []
        self._open: list[TokenExample] = []

    def add(self, example: TokenExample) -> None:
        """Place an example; it is never cut."""
        if len(example.tokens) > self.size:
            raise ValueError(f"{len(example.tokens)} tokens do not fit a row of {self.size}")
        fitting = [r for r in self._open if len(r.tokens) + len(example.tokens) <= self.size]
        if fitting:
            row = max(fitting, key=lambda r: len(r.tokens))
        else:
            if len(self._open) >= self.OPEN:
                self._close(max(self._open, key=lambda r: len(r.tokens)))
            row = TokenExample([], [])
            self._open.append(row)
        row.tokens.extend(example.tokens)
        row.flags.extend(example.flags)
        if self.size - len(row.tokens) < 24:
            self._close(row)

    def finish(self) -> None:
        """Close the rows that are still open."""
        for row in list(self._open):
            self._close(row)

    def _close(self, row: TokenExample) -> None:
        self._open = [other for other in self._open if other is not row]
        spare = self.size - len(row.tokens)
        self.tokens.append(np.array(row.tokens + [self.pad] * spare, self._dtype))
        self.flags.append(np.array(row.flags + [NO_LOSS] * spare, np.uint8))
