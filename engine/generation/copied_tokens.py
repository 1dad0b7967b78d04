"""Guesses what follows some tokens from where the same tokens stood before.  Pure; knows no text.

Source:
    Saxena, "Prompt lookup decoding" (2023): the longest match of the last tokens is continued.
"""

from collections.abc import Sequence

import numpy as np

from engine.generation.speculation import Guess

__all__ = ["LEAST", "CopiedTokens", "copy_guess"]

LEAST = 1
"""Fewest tokens that must stand before a place for what follows there to be a guess.

Behind one token it was right in 35 of 100 cases, behind two in 39 (`scripts/bench_typing.py`)."""

LONGEST = 16
"""Tokens of a match beyond which a longer one tells no more."""

PLACES = 32
"""Latest places of the last token that are looked at."""


class CopiedTokens:
    """Guesses by the tokens of a prompt and of the text that is written behind it.

    Args:
        prompt: Tokens that may be copied.
        before: Tokens directly before the text; they end a part of the prompt.
    """

    def __init__(self, prompt: Sequence[int], before: Sequence[int]) -> None:
        self._known = np.array([*prompt, -1, *before[-LONGEST:]], np.int32)
        self._written = 0

    def guess(self, written: Sequence[int], most: int) -> Guess | None:
        """Return what followed the longest earlier match of the last tokens; None: nothing did.

        Args:
            written: All tokens of the text so far.
            most: Tokens to guess at most.
        """
        self._follow(written)
        found = _latest_match(self._known)
        if found is None:
            return None
        length, end = found
        followers = self._known[end : end + most].tolist()
        if -1 in followers:  # where the prompt ends
            followers = followers[: followers.index(-1)]
        return copy_guess("copy", length, followers)

    def _follow(self, written: Sequence[int]) -> None:
        """Let the known tokens end with ``written``."""
        text = self._known[len(self._known) - self._written :].tolist()
        if list(written[: len(text)]) != text:
            self._known, text = self._known[: len(self._known) - len(text)], []
        more = np.array(written[len(text) :], np.int32)
        self._known = np.concatenate([self._known, more])
        self._written = len(written)


def copy_guess(name: str, length: int, tokens: Sequence[int]) -> Guess | None:
    """Return a guess by ``tokens`` that stood behind a match of so many; None for no tokens."""
    if not tokens:
        return None
    shown = min(length, LONGEST)
    return Guess(
        tokens, (name, 1 + shown.bit_length() if shown > 3 else shown), 1 - 1 / (1 + shown)
    )


def _latest_match(known: np.ndarray) -> tuple[int, int] | None:
    """Return (length, end) of the longest match of the end of ``known``; of equals, the latest."""
    best, end = LEAST - 1, 0
    last = len(known) - 1
    if last < LEAST:
        return None
    places = np.flatnonzero(known[:last] == known[last])[-PLACES:]
    for place in places[::-1].tolist():
        length = 1
        while (
            length < min(LONGEST, place + 1) and known[place - length] == known[last - length] >= 0
        ):
            length += 1
        if length > best:
            best, end = length, place + 1
    return (best, end) if end else None
