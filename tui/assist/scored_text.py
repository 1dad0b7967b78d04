"""A suggestion with what the model thought of it: how likely it is, and how far it is sure.  Pure.

A text that is partly typed or accepted keeps what was thought of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ScoredText", "sure_length"]

_SURE = 0.5
"""Probability that all of the sure part is right: likelier right than wrong."""


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A suggestion, or what is left of it."""

    text: str
    mean_logprob: float | None = None
    """Mean natural log-probability of the whole text's tokens; None where nobody knows."""
    sure: int | None = None
    """Characters at its beginning that the model is sure of; None where nobody knows."""

    def after(self, typed: int) -> "ScoredText":
        """Return what is left after so many characters."""
        sure = None if self.sure is None else max(0, self.sure - typed)
        return ScoredText(self.text[typed:], self.mean_logprob, sure)

    def first_line(self) -> "ScoredText":
        """Return the first line alone."""
        line = self.text.partition("\n")[0]
        sure = None if self.sure is None else min(self.sure, len(line))
        return ScoredText(line, self.mean_logprob, sure)


def sure_length(text: str, likelihoods: Sequence[tuple[int, float]]) -> int | None:
    """Return how many characters a model is sure of: all of them together at least even odds.

    The part ends where a token does, and never inside a word.

    Args:
        text: The suggestion.
        likelihoods: As in `Completion`.

    Returns:
        Characters from the beginning; None where nothing is known.

    Example:
        >>> sure_length("return x + y", [(6, 0.9), (8, 0.8), (10, 0.6), (12, 0.3)])
        8
    """
    if not likelihoods:
        return None
    sure, together = 0, 1.0
    for end, probability in likelihoods:
        together *= probability
        if not (sure <= end <= len(text) and together >= _SURE):
            return _without_split_word(text, sure)
        sure = end
    return _without_split_word(text, sure)


def _without_split_word(text: str, end: int) -> int:
    """Return the last end at or before ``end`` that splits no word."""
    while 0 < end < len(text) and _in_word(text[end - 1]) and _in_word(text[end]):
        end -= 1
    return end


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
