"""Guesses the next tokens of a completion while it is written, from text near by or written before.

Only speed depends on it: the model verifies every guess.  Chooses and computes nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.completion.writing.draft import Draft
from engine.generation.aligned_copy import AlignedCopy
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.kept_prompts import common_length
from engine.generation.speculation import MAX_GUESSED, Guess
from engine.tokenizer import Tokenizer

__all__ = ["GOES_ON", "OTHER_MODEL", "PARTED", "ExpectedText", "Guesser"]

GOES_ON, OTHER_MODEL, PARTED = 4, 1, 0
"""Tokens that count as equal before the first one of a text.

Of an answer that the person typed so far (96 in 100 of its next tokens were right), of a smaller
model's text (about two in three), and of a text behind the place where another one parted from it,
which has to be met again first."""


class ExpectedText:
    """Guesses by a text that was written at the same place before, or nearly the same.

    Args:
        tokens: The text, in the model's tokens.
        name: Of the kinds of its guesses.
        trust: How many tokens count as equal before the first: what is known of the two texts.
        start: Tokens of the draft in front of it.
    """

    def __init__(self, tokens: Sequence[int], name: str, trust: int, start: int = 0) -> None:
        self._tokens, self._name, self._trust = tokens, name, trust
        self._start = start
        self._written: Sequence[int] = []
        self._begin()

    def guesses(self, written: Sequence[int], most: int) -> list[Guess]:
        """Return guesses of at most ``most`` tokens that can come next.

        Where the texts have parted there is none until they meet again: of what comes next in the
        old one, 3 to 15 of 100 tokens were right.

        Args:
            written: All tokens of the draft.
            most: Tokens to guess at most.
        """
        written = written[self._start :]
        if written[: len(self._written)] != self._written:  # some were taken back
            self._begin()
        self._written = written
        guesses = self._copy.guesses(written, most) if self._tokens else []
        return [guess for guess in guesses if guess.kind[1]]

    def _begin(self) -> None:
        self._copy = AlignedCopy(self._tokens, trust=self._trust, name=self._name)
        self._written = []


class Guesser:
    """Guesses what follows the tokens of a draft.

    Args:
        tokenizer: The model's.
        draft: The text that is written.
        copied: The prompt, to copy from.
        ends: Tokens behind which nothing is needed: those that end a text, and where a completion
            ends with its line, a line.
        expected: Texts that may come; they are asked first.

    A line of the draft that was taken back is a guess, too: another one often ends alike.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        draft: Draft,
        copied: CopiedTokens,
        ends: NDArray[np.int64],
        expected: Sequence[ExpectedText] = (),
    ) -> None:
        self._tokenizer = tokenizer
        self._draft = draft
        self._copied = copied
        self._ends = frozenset(ends.tolist())
        self._expected = [*expected]
        self._written: list[int] = []

    def __call__(self, most: int) -> list[Guess]:
        """Return guesses of at most ``most`` tokens that can come next."""
        written = self._draft.tokens
        self._note_taken_back(written)
        expected = [guess for text in self._expected for guess in text.guesses(written, most)]
        most = min(most, MAX_GUESSED)
        copied = self._copied.guess(written, most)
        guesses = [*expected, *self._draft.guesses(most), *([copied] if copied else [])]
        return [guess for guess in map(self._possible, guesses) if guess.tokens]

    def _note_taken_back(self, written: list[int]) -> None:
        """Expect again what the draft said in a line that it took back."""
        kept = common_length(self._written, written)
        if kept < len(self._written):
            left = self._written[kept:]
            self._expected.append(ExpectedText(left, "taken back", PARTED, kept))
        self._written = written

    def _possible(self, guess: Guess) -> Guess:
        """Return a guess up to the end of the text, nothing of one that the healing forbids."""
        tokens: Sequence[int] = guess.tokens
        for at, token in enumerate(tokens):
            if token in self._ends:
                tokens = tokens[:at]
                break
        left = self._draft.left
        if left:
            said = self._tokenizer.decode_bytes(tokens)[: len(left)]
            if not left.startswith(said):
                tokens = ()
        return Guess(tokens, guess.kind, guess.likely)
