"""Guesses the tokens of a text that is written anew, with changes, from the text as it was.

A pointer moves along the old text with the new one.  Where they part, it waits for the place at
which they meet again: the longest match of the new text's end near where it stands.  In a hundred
lines that look alike the right one is next to the pointer, where the latest or longest match
anywhere is often another one.  Pure; knows no text.

Source:
    Saxena, "Prompt lookup decoding" (2023), and "speculative edits" as Cursor describes them
    (2024): the original itself is the draft.  Differs: the pointer keeps its place.
"""

from bisect import bisect_left
from collections.abc import Sequence

from engine.generation.speculation import Guess

__all__ = ["AlignedCopy"]

_REACH = 2048
"""Tokens around the pointer among which the texts may meet again."""
_NEAR = 4
"""Tokens ahead of the pointer up to which a single equal token is a meeting."""
_STEP, _ENOUGH = 8, 12
"""For so many tokens farther away one more must be equal, and no more than that many."""
_LONGEST = 32
"""Tokens of a match beyond which a longer one tells no more."""
_SURE = 16
"""Equal tokens after which no other guess is better."""


class AlignedCopy:
    """Guesses from an original.

    Args:
        original: The tokens of the old text.
        trust: How many tokens count as equal before the first: what is known of the two texts.
        name: Of the kinds of its guesses.
    """

    def __init__(
        self, original: Sequence[int], *, trust: int = _SURE, name: str = "aligned"
    ) -> None:
        self._original = tuple(original)
        self._name = name
        self._places: dict[int, list[int]] = {}  # of each token, ascending
        for place, token in enumerate(self._original):
            self._places.setdefault(token, []).append(place)
        self._at = 0  # the token of the original that may come next
        self._run = trust  # tokens that were equal since the texts parted, or since the start
        self._followed = 0

    def guesses(self, written: Sequence[int], most: int) -> list[Guess]:
        """Return what may follow: the original from the pointer on, and after one token less.

        Args:
            written: All tokens of the new text so far, those of the call before among them.
            most: Tokens to guess at most.
        """
        for end in range(self._followed + 1, len(written) + 1):
            self._follow(written[:end] if end < len(written) else written)
        self._followed = len(written)
        found = [self._guess(self._name, self._at, most)]
        if not self._run:  # as if the last token had taken the place of one
            found.append(self._guess(f"{self._name}, replaced", self._at + 1, most))
        return [guess for guess in found if guess is not None]

    @property
    def sure(self) -> bool:
        """Whether the texts have been equal for so long that no other guess is better."""
        return self._run >= _SURE and self._at < len(self._original)

    def _guess(self, name: str, start: int, most: int) -> Guess | None:
        tokens = self._original[start : start + most]
        if not tokens:
            return None
        run = min(self._run, _SURE)
        return Guess(tokens, (name, run.bit_length()), 1 - 1 / (2 + run))

    def _follow(self, written: Sequence[int]) -> None:
        """Move the pointer past the last token of ``written``."""
        original, token = self._original, written[-1]
        if self._at < len(original) and original[self._at] == token:
            self._at += 1
            self._run += 1
            return
        length, place = self._meeting(written)
        self._run = length
        if length:
            self._at = place

    def _meeting(self, written: Sequence[int]) -> tuple[int, int]:
        """Return the length of the best match of the end of ``written``, and the place behind it.

        The longest counts, of equal ones the nearest to the pointer; (0, 0) for none.
        """
        best = (0, 0, 0)
        places = self._places.get(written[-1], [])
        first = bisect_left(places, self._at - _REACH)
        for place in places[first : bisect_left(places, self._at + _REACH)]:
            length = self._match(written, place + 1)
            distance = place + 1 - self._at
            if length >= _needed(distance):
                best = max(best, (length, -abs(distance), place + 1))
        return best[0], best[2]

    def _match(self, written: Sequence[int], place: int) -> int:
        """Return how many tokens before ``place`` are those at the end of ``written``."""
        most = min(_LONGEST, place, len(written))
        length = 0
        while length < most and self._original[place - 1 - length] == written[-1 - length]:
            length += 1
        return length


def _needed(distance: int) -> int:
    """Return how many tokens must be equal for a meeting so far from the pointer."""
    if 0 < distance <= _NEAR:
        return 1
    return min(2 + abs(distance) // _STEP, _ENOUGH)
