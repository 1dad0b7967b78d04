"""Finds lines of code by the lines around them.

A line fits the cursor if the lines above it are like those above the cursor, and the lines below
it like those below.  Blank lines do not count.  Two lines are as alike as the cosine of their
tokens, where rare tokens weigh more.

Letters: L lines of all texts, without blank ones, with the padding after each text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN_STEP", "LineIndex", "Neighbours"]

NEIGHBOURS: Mapping[int, float] = {
    -4: 0.23,
    -3: 0.57,
    -2: 0.74,
    -1: 0.98,
    1: 0.99,
    2: 0.72,
    3: 0.13,
}
"""Weight of a neighbour's likeness, by its distance in lines; −1 is the line above.

Fitted on 360 places of six development packages, so that of 150 found lines the right one gets
the most weight.  It then comes first in 13.0 % of 200 places in other packages, against 11.0 %
with the weights 1, ½, ¼ above and 0.8, 0.3 below."""

SAME_STEP = 0.09
"""Added if the indentation changes from the line above in the same direction as at the cursor."""

MAX_POSTINGS = 20_000
"""A token on more lines than this hardly tells them apart, so it adds no likeness."""

UNKNOWN_STEP = 2
"""In place of a sign where there is no line above to compare the indentation with."""

_PAD = 4
"""Empty lines after each text, so that no line has a neighbour in another text."""

_NEWLINE = 10
_TAB = 9
_BLANKS = np.zeros(256, bool)
_BLANKS[[9, 10, 11, 12, 13, 32]] = True


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The lines around a cursor, in the form that `LineIndex.fit` takes."""

    lines: tuple[tuple[int, tuple[int, ...]], ...]
    """The distance of each line, −1 is the line above, and its token ids."""
    step: int
    """Sign of the change of indentation from the line above to the cursor's; `UNKNOWN_STEP`."""

    @classmethod
    def of(cls, tokens: Mapping[int, Sequence[int]], step: int) -> "Neighbours":
        """Return the neighbours with these token ids by distance."""
        return cls(tuple((at, tuple(ids)) for at, ids in tokens.items()), step)


class LineIndex:
    """The lines of some texts, blank ones left out.

    Args:
        texts: UTF-8 each.
        tokens: For each text, its token ids and the byte at which each token starts.
    """

    def __init__(
        self,
        texts: Sequence[bytes],
        tokens: Sequence[tuple[NDArray[np.int32], NDArray[np.int64]]],
    ) -> None:
        pieces = [
            _lines_of(text, ids, starts) for text, (ids, starts) in zip(texts, tokens, strict=True)
        ]
        self.texts = texts
        counts = [len(piece.start) + _PAD for piece in pieces]
        self.text = np.repeat(np.arange(len(pieces), dtype=np.int32), counts)
        """Number of each line's text, int32, shape (L,)."""
        pad = np.zeros(_PAD, np.int64)

        def joined(name: str) -> NDArray[np.int64]:
            parts = [part for piece in pieces for part in (getattr(piece, name), pad)]
            return np.concatenate(parts) if parts else np.zeros(0, np.int64)

        self.start = joined("start")
        """Byte in the text at which the line's content starts, int64, shape (L,)."""
        self.end = joined("end")
        """Byte at which it ends, trailing white space left out; the start itself for padding."""
        self.indent = joined("indent")
        """Bytes of white space before the content, int64, shape (L,)."""
        self.step = np.zeros(len(self.start), np.int8)
        self.step[1:] = np.sign(np.diff(self.indent))
        empty = self.start == self.end
        self.step[empty] = UNKNOWN_STEP
        self.step[1:][empty[:-1]] = UNKNOWN_STEP  # a text's first line has none above it
        offsets = np.concatenate(([0], np.cumsum(counts)))
        self._index([piece.pairs + np.array([offsets[i], 0]) for i, piece in enumerate(pieces)])

    def __len__(self) -> int:
        return len(self.start)

    def _index(self, pairs: Sequence[NDArray[np.int64]]) -> None:
        """Store the lines that hold each token, and each line's length as a vector of tokens."""
        count = len(self)
        both = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)
        key = np.sort(both[:, 1] * max(count, 1) + both[:, 0])
        key = key[np.diff(key, prepend=-1) > 0]
        token, line = np.divmod(key, max(count, 1))
        self._lines = line.astype(np.int32)
        self._first = np.searchsorted(token, np.arange(int(token.max(initial=-1)) + 2))
        held = np.maximum(np.diff(self._first), 1)
        self._rarity = np.log1p(count / held) ** 2
        self._unseen = float(np.log1p(count) ** 2)
        self._length = np.sqrt(
            np.bincount(line, weights=self._rarity[token], minlength=count) + 1e-9
        )

    def likeness(self, tokens: Sequence[int]) -> NDArray[np.float64]:
        """Return how alike each line and a line of ``tokens`` are, 0 … 1, float64, shape (L,)."""
        total = np.zeros(len(self))
        length = 0.0
        for token in sorted(set(tokens)):
            if token >= len(self._rarity) or self._first[token] == self._first[token + 1]:
                length += self._unseen
                continue
            lines = self._lines[self._first[token] : self._first[token + 1]]
            length += float(self._rarity[token])
            if len(lines) <= MAX_POSTINGS:
                total[lines] += self._rarity[token]
        alike: NDArray[np.float64] = total / (self._length * max(length, 1e-9) ** 0.5)
        return alike

    def fit(self, neighbours: Neighbours) -> NDArray[np.float64]:
        """Return how well each line fits the cursor, float64, shape (L,); −1 for padding."""
        count = len(self)
        total = np.zeros(count)
        for distance, tokens in neighbours.lines:
            weight = NEIGHBOURS.get(distance, 0.0)
            if not weight or abs(distance) >= count:
                continue
            alike = weight * self.likeness(tokens)
            if distance < 0:
                total[-distance:] += alike[:distance]
            else:
                total[:-distance] += alike[distance:]
        if neighbours.step != UNKNOWN_STEP:
            total[self.step == neighbours.step] += SAME_STEP
        total[self.start == self.end] = -1.0
        return total

    def same_text(self, line: int, other: int) -> bool:
        """Return whether ``other`` is the number of a line in the same text as ``line``."""
        return (
            0 <= other < len(self)
            and bool(self.text[other] == self.text[line])
            and bool(self.start[other] < self.end[other])
        )

    def indented_with_tab(self, line: int) -> bool:
        """Return whether a tab comes directly before the content of a line."""
        if not self.indent[line]:
            return False
        return self.texts[int(self.text[line])][int(self.start[line]) - 1] == _TAB

    def content(self, line: int) -> bytes:
        """Return the content of a line, without its indentation."""
        text: bytes = self.texts[int(self.text[line])]
        return text[int(self.start[line]) : int(self.end[line])]

    def contents(self, lines: NDArray[np.int64]) -> list[bytes]:
        """Return the contents of several lines."""
        places = (self.text[lines].tolist(), self.start[lines].tolist(), self.end[lines].tolist())
        return [self.texts[text][start:end] for text, start, end in zip(*places, strict=True)]


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of one text, blank ones left out."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    indent: NDArray[np.int64]
    pairs: NDArray[np.int64]
    """One (line, token) row for each token, shape (tokens, 2)."""


def _lines_of(text: bytes, ids: NDArray[np.int32], starts: NDArray[np.int64]) -> _Lines:
    """Return the lines of a text and the tokens that start in each."""
    data = np.frombuffer(text, np.uint8)
    breaks = np.flatnonzero(data == _NEWLINE)
    first = np.concatenate(([0], breaks + 1))
    last = np.concatenate((breaks, [len(data)]))
    filled = np.flatnonzero(~_BLANKS[data])
    if not len(filled):
        empty = np.zeros(0, np.int64)
        return _Lines(empty, empty, empty, np.zeros((0, 2), np.int64))
    at = np.searchsorted(filled, first)
    has = (at < len(filled)) & (filled[np.minimum(at, len(filled) - 1)] < last)
    start = filled[at[has]]
    end = filled[np.searchsorted(filled, last[has]) - 1] + 1
    line = np.searchsorted(start, starts, side="right") - 1
    inside = (line >= 0) & (starts < end[np.maximum(line, 0)])
    pairs = np.stack([line[inside], ids[inside].astype(np.int64)], axis=1)
    return _Lines(start, end, start - first[has], pairs)
