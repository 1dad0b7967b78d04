"""Analogy: a line rewritten by what differs between its surroundings and the cursor's.

Where ``def width(self):`` stands above ``return self._width`` there, and ``def height(self):``
above the cursor here, ``width`` there is ``height`` here, and the line becomes ``return
self._height``.  Words are compared where two lines have the same build; of two different names
the parts are compared too, so that ``set_width`` there is ``set_height`` here.

Knows nothing of shelves or tokens.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import chain
from keyword import kwlist

__all__ = ["MOST_CHARACTERS", "Analogy", "Pair", "common_words", "typed_words"]

Pair = tuple[str, str]
"""A word there and the word in its place here; often the same."""

LEAST_ALIKE = 0.5
"""Share of common signs and words below which two lines are not compared word by word."""

MOST_CHARACTERS = 400
"""Longer lines are tables: comparing two takes seconds, and says nothing."""

_PIECES = re.compile(r"[^\W\d]\w*|\d+|\s+|[^\w\s]")
_PARTS = re.compile(r"([A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+)")
_GRAMMAR = frozenset(kwlist) - {"None", "True", "False"}
"""Words that stand for nothing else: they are never replaced."""

Parts = tuple[str, ...]


@lru_cache(maxsize=8192)
def _pieces(text: str) -> tuple[str, ...]:
    """Cut a line into words, numbers, white space and single signs."""
    return tuple(_PIECES.findall(text))


def _is_word(piece: str) -> bool:
    return piece[0] == "_" or piece[0].isalnum()


@lru_cache(maxsize=8192)
def _solid(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the `_pieces` that are not white space, in order and as a set."""
    solid = tuple(piece for piece in _pieces(text) if not piece.isspace())
    return solid, frozenset(solid)


def _alike(there: str, here: str) -> bool:
    """Return whether two pieces are equal or both words."""
    return there == here or (_is_word(there) and _is_word(here))


def _words(there: Iterable[str], here: Iterable[str]) -> list[Pair]:
    return [
        (x, y) for x, y in zip(there, here, strict=False) if _is_word(x) and _is_word(y)
    ]  # of pieces that are alike


def common_words(there: str, here: str) -> list[Pair]:
    """Return the words at corresponding places of two lines.

    None where the lines differ much, or one is longer than `MOST_CHARACTERS`.
    """
    if max(len(there), len(here)) > MOST_CHARACTERS:
        return []
    (left, left_set), (right, right_set) = _solid(there), _solid(here)
    if len(left) == len(right) and all(map(_alike, left, right)):
        return _words(left, right)
    if len(left_set & right_set) < LEAST_ALIKE / 2 * len(left_set | right_set):
        return []  # a quick look that spares most of the comparisons
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return []
    same = (
        (left[i:j], right[k:m])
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind == "equal" or (kind == "replace" and j - i == m - k)
    )
    return list(chain.from_iterable(_words(*runs) for runs in same))


def typed_words(line: str, typed: str) -> tuple[list[Pair], list[Pair]] | None:
    """Compare what is typed of a line with another line's beginning.

    Returns:
        The words of both that are complete, and the last one, which may not be: none where the
        typed text ends with a sign.  None where the line begins in another way.

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
    """What stands here for the words of another place.

    Args:
        evidence: Pairs of words, the most trustworthy first: later ones do not overrule it.
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
        """Return a text of there as it would stand here."""
        return "".join(map(self._word, _pieces(text)))

    def _word(self, word: str) -> str:
        if word in self._words:
            return self._words[word]
        if not self._parts or not _is_word(word) or word in _GRAMMAR:
            return word
        return self._rewritten(word)

    def _rewritten(self, word: str) -> str:
        """Return a name with those of its parts replaced that stand for others here."""
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
        """Return how many parts from ``start`` are replaced together; 0: none."""
        for length in range(min(self._longest, len(parts) - start), 0, -1):
            if parts[start : start + length] in self._parts:
                return length
        return 0


@lru_cache(maxsize=8192)
def _differing_parts(there: str, here: str) -> list[tuple[Parts, Parts]]:
    """Return which parts of one name stand for which of the other, in small letters.

    Parts that both have at their beginning or end do not count.

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
    """Join parts the way the parts and gaps that they replace are written.

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
