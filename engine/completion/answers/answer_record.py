"""What is remembered of the last answers: their tokens, and the steps these were chosen in.

For who looks into an answer later.  Bounded: an older answer is forgotten.  Prices nothing.
"""

from collections import deque
from dataclasses import dataclass
from itertools import count
from threading import Lock

from engine.completion.writing.draft import Draft
from engine.generation.generator import Generation, PickedAt, RunnerStep
from engine.tokenizer import Tokenizer

__all__ = ["KEPT_ANSWERS", "AnswerRecord", "AnswerRecords", "AnsweredToken"]

KEPT_ANSWERS = 16
"""Answers that are remembered: more than suggestions that a person looks at after each other."""


@dataclass(frozen=True, slots=True)
class AnsweredToken:
    """One token of an answer."""

    text: str
    entered: int
    """The token that its row was computed from: the one before it."""
    start: int
    """Characters of the answer's text before it, and after it; equal where nothing was kept."""
    end: int
    picked: PickedAt
    logprob: float
    others: tuple[tuple[str, float], ...]
    """The likeliest other tokens with their log-probabilities, best first."""


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One answer."""

    number: int
    text: str
    tokens: tuple[AnsweredToken, ...]
    steps: tuple[RunnerStep, ...]
    """All steps of it: some may have chosen only tokens that were taken back."""


class AnswerRecords:
    """The last answers of a session.  One thread adds, any thread asks.

    Args:
        tokenizer: The model's.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._numbers = count(1)
        self._lock = Lock()
        self._kept: deque[AnswerRecord] = deque(maxlen=KEPT_ANSWERS)

    def add(
        self, prompt_end: int, draft: Draft, generation: Generation, text: str, skipped: int
    ) -> int:
        """Remember an answer and return its number.

        Args:
            prompt_end: The prompt's last token.
            draft: What was written.
            generation: How.
            text: What is left of it.
            skipped: Characters of the draft's text before ``text``.
        """
        tokens = tuple(self._tokens(prompt_end, draft, generation, text, skipped))
        record = AnswerRecord(next(self._numbers), text, tokens, tuple(generation.steps))
        with self._lock:
            self._kept.append(record)
        return record.number

    def find(self, number: int) -> AnswerRecord | None:
        """Return the answer of a number, 0 is the newest; None where there is none."""
        with self._lock:
            if number == 0:
                return self._kept[-1] if self._kept else None
            return next((each for each in self._kept if each.number == number), None)

    def _tokens(
        self, prompt_end: int, draft: Draft, generation: Generation, text: str, skipped: int
    ) -> "list[AnsweredToken]":
        kept = draft.text.startswith(text, skipped)  # else its lines were moved
        places = [min(max(end - skipped, 0), len(text)) if kept else 0 for end in draft.reach]
        return [
            AnsweredToken(
                self._said(choice.token),
                before,
                start,
                end,
                generation.picks[choice.pick],
                choice.logprob,
                tuple((self._said(token), logprob) for token, logprob in choice.beside),
            )
            for choice, before, start, end in zip(
                draft.choices, [prompt_end, *draft.tokens], [0, *places], places, strict=False
            )
        ]

    def _said(self, token: int) -> str:
        return self._tokenizer.token_bytes(token).decode(errors="replace")
