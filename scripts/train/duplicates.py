"""Find files that are copies of files seen before.  Knows texts only.

Two measures: MinHash over all lines for files that are alike as a whole, and shared lines for
pieces of a held-out file inside another.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 ÷ the golden ratio, the usual multiplier for spreading bits."""


def digest(text: str) -> bytes:
    """Return the sha256 of a text without its white space."""
    return hashlib.sha256("".join(text.split()).encode()).digest()


class NearDuplicates:
    """Finds files whose sets of normalised lines overlap, by MinHash in bands.

    Deterministic: the hash functions come from a fixed seed.

    Args:
        mixed: True: hash functions that are independent of each other.  False: linear ones, of
            which many agree on the line they call smallest; they take files for copies that
            share a few common lines, and drop about a third too many.
    """

    PERMUTATIONS, BANDS, THRESHOLD = 64, 16, 0.7

    def __init__(self, *, mixed: bool = True) -> None:
        self._mixed = mixed
        generator = np.random.default_rng(20240501)
        self._multiply = generator.integers(1, 2**31, self.PERMUTATIONS, np.uint64) * 2 + 1
        self._add = generator.integers(0, 2**63, self.PERMUTATIONS, np.uint64)
        self._exact: set[bytes] = set()
        self._bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        self._signatures: list[np.ndarray] = []

    def signature(self, text: str) -> np.ndarray | None:
        """Return uint32, shape (PERMUTATIONS,), or None for a file with too few lines."""
        lines = {" ".join(line.split()) for line in text.split("\n")}
        hashes = [zlib.crc32(line.encode()) for line in lines if len(line) >= 12]
        if len(hashes) < 4:
            return None
        values = np.array(hashes, np.uint64)[:, None]
        if self._mixed:
            values = (values ^ self._add) * _ODD
            values ^= values >> np.uint64(29)
            values *= self._multiply
        else:
            values = values * self._multiply + self._add
        return (values >> np.uint64(32)).astype(np.uint32).min(axis=0)

    def knows(self, text: str) -> bool:
        """Return whether a file is a copy of one added before."""
        return digest(text) in self._exact or self._alike(self.signature(text))

    def add(self, text: str) -> bool:
        """Remember a file; return whether it was new."""
        key = digest(text)
        if key in self._exact:
            return False
        self._exact.add(key)
        signature = self.signature(text)
        if signature is None:
            return True
        if self._alike(signature):
            return False
        for band in self._keys(signature):
            self._bands[band].append(len(self._signatures))
        self._signatures.append(signature)
        return True

    def _keys(self, signature: np.ndarray) -> list[tuple[int, bytes]]:
        rows = self.PERMUTATIONS // self.BANDS
        return [(b, signature[b * rows : (b + 1) * rows].tobytes()) for b in range(self.BANDS)]

    def _alike(self, signature: np.ndarray | None) -> bool:
        if signature is None:
            return False
        seen = {index for key in self._keys(signature) for index in self._bands.get(key, ())}
        return any((self._signatures[i] == signature).mean() >= self.THRESHOLD for i in seen)


class SharedLines:
    """Measures how much of a file stands, line by line, in a set of protected files too.

    Only long lines of code count: imports, decorators, comments and ``def __init__`` are
    everybody's.
    """

    SHORTEST = 28
    MOST_SHARE, MOST_LINES = 0.25, 12
    """Above both a file is a copy."""

    _EVERYBODYS = ("from ", "import ", "#", "@", "def __", "if TYPE_CHECKING", "raise NotImpl")

    def __init__(self, protected: Iterable[str]) -> None:
        self._lines = {line for text in protected for line in self._telling(text)}

    def _telling(self, text: str) -> set[str]:
        lines = {" ".join(line.split()) for line in text.split("\n")}
        return {
            line
            for line in lines
            if len(line) >= self.SHORTEST and not line.startswith(self._EVERYBODYS)
        }

    def shared(self, text: str) -> tuple[int, float]:
        """Return how many telling lines are shared, and their share of the file's."""
        own = self._telling(text)
        count = len(own & self._lines)
        return count, count / len(own) if own else 0.0

    def is_copy(self, text: str) -> bool:
        """Say whether too much is shared for chance."""
        count, share = self.shared(text)
        return count > self.MOST_LINES and share > self.MOST_SHARE
