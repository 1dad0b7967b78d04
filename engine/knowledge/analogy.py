"""Analogy: rewrites a line found elsewhere with the names that belong at the cursor.

"There" is the place of the found line, "here" the cursor.  If ``def width(self):`` precedes
``return self._width`` there, and ``def height(self):`` precedes the cursor here, then ``width``
becomes ``height`` and the line ``return self._height``.  Two lines of the same build are compared
word by word.  Two different names are also compared part by part, so that ``set_width`` becomes
``set_height``.

Works on plain strings; knows nothing of indexes or tokens.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import chain
from keyword import kwlist

__all__ = ["MOST_CHARACTERS", "Analogy", "Pair", "common_words", "typed_words"]

Pair = tuple[str, str]
"""A word there and its counterpart here; often the same."""

LEAST_ALIKE = 0.5
"""Least similarity ratio at which two lines are compared word by word."""

MOST_CHARACTERS = 400
"""Longer lines are tables: to compare two takes seconds and tells nothing."""

_PIECES = re.compile(r"[^\W\d]\w*|\d+|\s+|[^\w\s]")
_PARTS = re.compile(r"([A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+)")
_GRAMMAR = frozenset(kwlist) - {"None", "True", "False"}
"""Keywords keep their meaning everywhere: they are never replaced."""

Parts = tuple[str, ...]


@lru_cache(maxsize=8192)
def _pieces(text: str) -> tuple[str, ...]:
    """Split a line into words, numbers, white space and single signs."""
    return tuple(_PIECES.findall(text))


def _is_word(piece: str) -> bool:
    return piece[0] == "_" or piece[0].isalnum()


@lru_cache(maxsize=8192)
def _solid(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the pieces that are not white space, in order and as a set."""
    solid = tuple(piece for piece in _pieces(text) if not piece.isspace())
    return solid, frozenset(solid)


def _alike(there: str, here: str) -> bool:
    """Return whether two pieces are equal, or both are words."""
    return there == here or (_is_word(there) and _is_word(here))


def _words(there: Iterable[str], here: Iterable[str]) -> list[Pair]:
    """Return the pairs at the same position that are both words."""
    return [(x, y) for x, y in zip(there, here, strict=False) if _is_word(x) and _is_word(y)]


@lru_cache(maxsize=8192)  # the same lines are compared at every key that is typed below them
def common_words(there: str, here: str) -> tuple[Pair, ...]:
    """Return the words at corresponding positions of two lines.

    There are none if the lines differ much or one is longer than `MOST_CHARACTERS`.
    """
    if max(len(there), len(here)) > MOST_CHARACTERS:
        return ()
    (left, left_set), (right, right_set) = _solid(there), _solid(here)
    if len(left) == len(right) and all(map(_alike, left, right)):
        return tuple(_words(left, right))
    if len(left_set & right_set) < LEAST_ALIKE / 2 * len(left_set | right_set):
        return ()  # a cheap test that avoids most of the slow comparisons
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return ()
    same = (
        (left[i:j], right[k:m])
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind == "equal" or (kind == "replace" and j - i == m - k)
    )
    return tuple(chain.from_iterable(_words(*runs) for runs in same))


def typed_words(line: str, typed: str) -> tuple[list[Pair], list[Pair]] | None:
    """Compare the typed part of a line with the beginning of another line.

    Returns:
        The pairs of complete words, and the pair of the last word, which may still be growing;
        that list is empty if the typed text ends with a sign.  None if ``line`` begins
        differently.

    Example:
        >>> typed_words("self.width = width", "self.height = ")
        ([('self', 'self'), ('width', 'height')], [])
    """
    there, here = _pieces(line), _pieces(typed)
    if not here:
        return [], []
    if len(there) < len(here) or not all(map(_alike, there, here)):
        return None
    *_, last_there = head = there[: len(here)]
    last = _words([last_there], here[-1:])
    return _words(head[:-1], here[:-1]), last


class Analogy:
    """Replaces the words of another place by their counterparts here.

    Args:
        evidence: Lists of pairs, the most trustworthy first; a later pair never overrules one.
    """

    def __init__(self, evidence: Iterable[Sequence[Pair]]) -> None:
        self._words: dict[str, str] = {}
        self._parts: dict[Parts, Parts] = {}
        for there, here in chain.from_iterable(evidence):
            if there in _GRAMMAR or here in _GRAMMAR or there in self._words:
                continue
            self._words[there] = here
            if there != here:
                for left, right in _differing_parts(there, here):
                    self._parts.setdefault(left, right)
        self._longest = max(map(len, self._parts), default=0)

    def __call__(self, text: str) -> str:
        """Return ``text``, found there, as it would read here."""
        return "".join(map(self._word, _pieces(text)))

    def _word(self, word: str) -> str:
        if word in self._words:
            return self._words[word]
        if not self._parts or not _is_word(word) or word in _GRAMMAR:
            return word
        return self._rewritten(word)

    def _rewritten(self, word: str) -> str:
        """Return a name with each part replaced that has a counterpart here."""
        split = _PARTS.split(word)  # gap, part, gap, …, gap
        parts = tuple(part.lower() for part in split[1::2])
        written, i = split[0], 0
        while i < len(parts):
            length = self._match(parts, i)
            own = split[2 * i + 1 : 2 * (i + max(length, 1))]
            written += _in_style(self._parts[parts[i : i + length]], own) if length else own[0]
            i += max(length, 1)
            written += split[2 * i]
        return written

    def _match(self, parts: Parts, start: int) -> int:
        """Return how many parts from ``start`` are replaced together, 0 for none."""
        for length in range(min(self._longest, len(parts) - start), 0, -1):
            if parts[start : start + length] in self._parts:
                return length
        return 0


@lru_cache(maxsize=8192)
def _differing_parts(there: str, here: str) -> list[tuple[Parts, Parts]]:
    """Return which parts of ``there`` correspond to which of ``here``, in lower case.

    Parts that both names share at their beginning or end are left out.

    Example:
        >>> _differing_parts("set_width", "set_height")
        [(('width',), ('height',))]
    """
    left, right = ([part.lower() for part in _PARTS.findall(word)] for word in (there, here))
    while left and right and left[-1] == right[-1]:
        del left[-1], right[-1]
    while left and right and left[0] == right[0]:
        del left[0], right[0]
    if not left or not right:
        return []
    if len(left) != len(right):
        return [(tuple(left), tuple(right))]
    return [((x,), (y,)) for x, y in zip(left, right, strict=True) if x != y]


def _in_style(parts: Parts, replaced: Sequence[str]) -> str:
    """Join ``parts`` in the style of the ``replaced`` parts and the gaps between them.

    Example:
        >>> _in_style(("max", "width"), ["Height"]), _in_style(("max", "width"), ["height"])
        ('MaxWidth', 'max_width')
    """
    first = replaced[0]
    if first.isupper() and len(first) > 1:
        return "_".join(parts).upper()
    if first[0].isupper():
        return "".join(part.capitalize() for part in parts)
    if "_" in replaced or all(part.islower() for part in replaced[::2]):
        return "_".join(parts)
    return parts[0] + "".join(part.capitalize() for part in parts[1:])
