"""Guesses the next tokens of a completion while it is written, from the prompt and the repository.

Only speed depends on it: the model verifies every guess.  Chooses and computes nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.completion.draft import Draft
from engine.generation.aligned_copy import AlignedCopy
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.speculation import MAX_GUESSED, Guess
from engine.tokenizer import Tokenizer

__all__ = ["ExpectedText", "Guesser"]


class ExpectedText:
    """Guesses what a smaller model wrote at the same place, in this model's tokens.

    Args:
        tokenizer: The model's.
        draft: The text that is written; nothing is written yet.
        text: What may come.
    """

    TRUST = 1
    """The smaller model is right about two times in three, until it is seen to be better."""

    def __init__(self, tokenizer: Tokenizer, draft: Draft, text: str) -> None:
        self._draft = draft
        healed = draft.left.decode("utf-8", errors="ignore") + text
        self._tokens = tokenizer.encode_part(healed)
        self._written: list[int] = []
        self._begin()

    def guesses(self, most: int) -> list[Guess]:
        """Return guesses of at most ``most`` tokens that can come next."""
        written = self._draft.tokens
        if written[: len(self._written)] != self._written:  # some were taken back
            self._begin()
        self._written = written
        return self._copy.guesses(written, most) if self._tokens else []

    def _begin(self) -> None:
        self._copy = AlignedCopy(self._tokens, trust=self.TRUST, name="expected")
        self._written = []


class Guesser:
    """Guesses what follows the tokens of a draft.

    Args:
        tokenizer: The model's.
        draft: The text that is written.
        copied: The prompt, to copy from.
        ends: Tokens behind which nothing is needed: those that end a text, and where a completion
            ends with its line, a line.
        expected: What may come, from elsewhere; it is asked first.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        draft: Draft,
        copied: CopiedTokens,
        ends: NDArray[np.int64],
        expected: ExpectedText | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._draft = draft
        self._copied = copied
        self._ends = frozenset(ends.tolist())
        self._expected = expected

    def __call__(self, most: int) -> list[Guess]:
        """Return guesses of at most ``most`` tokens that can come next."""
        expected = [] if self._expected is None else self._expected.guesses(most)
        most = min(most, MAX_GUESSED)
        copied = self._copied.guess(self._draft.tokens, most)
        guesses = [*expected, *self._draft.guesses(most), *([copied] if copied else [])]
        return [guess for guess in map(self._possible, guesses) if guess.tokens]

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
