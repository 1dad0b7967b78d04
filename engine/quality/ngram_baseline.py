"""The n-gram baseline: repeats the word that most often followed the longest known context.

It counts over the question's own text and over all other files of the corpus.  It never reads
the question's file on disk, because that holds the answer.

Letter: N words of text.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.stop import StopRules
from engine.completion.rules.trim import trim
from engine.quality.answers import CursorAnswer, Question
from engine.quality.code_words import split_open_word, split_words
from engine.quality.corpus import Corpus

__all__ = ["NGramBaseline", "WordIndex"]

ORDER = 8
"""Most words of a context."""

MAX_CORPUS_CHARACTERS = 8_000_000
MAX_WORDS = 160
"""Most words of an answer.  A word is shorter than a model's token."""

_LOOK_CHARACTERS = 2000
_BREAK = 0
"""Stands between two files; no context crosses it."""


class Vocabulary:
    """Numbers the words in the order in which they first occur."""

    def __init__(self) -> None:
        self.words = [""]
        self._numbers = {"": _BREAK}

    def number(self, word: str) -> int:
        """Return the number of a word; an unknown word gets the next one."""
        known = self._numbers.setdefault(word, len(self.words))
        if known == len(self.words):
            self.words.append(word)
        return known

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of the words of a text."""
        return [self.number(word) for word in split_words(text)]


class WordIndex:
    """The positions of some texts, sorted by the words before them, the nearest word first.

    The positions after one context then lie side by side, and bisection finds them
    (Manber and Myers, "Suffix arrays", 1993, read from right to left).

    Args:
        parts: Numbers of the words of each text; no context crosses from one into the next.
    """

    def __init__(self, parts: Iterable[list[int]]) -> None:
        sequence, owners = [_BREAK], [-1]
        for owner, part in enumerate(parts):
            sequence += [*part, _BREAK]
            owners += [owner] * (len(part) + 1)
        self._words = np.asarray(sequence, np.int32)  # (N,)
        self._owners = np.asarray(owners, np.int32)  # (N,)
        before = [self._before(distance) for distance in range(1, ORDER + 1)]
        self._order = np.lexsort(before[::-1])  # (N,)
        self._sorted = [column[self._order] for column in before]

    def _before(self, distance: int) -> NDArray[np.int32]:
        """Return the word ``distance`` before each position, int32, shape (N,)."""
        column = np.full_like(self._words, _BREAK)
        column[distance:] = self._words[:-distance]
        return column

    def spans(self, context: list[int]) -> list[tuple[int, int]]:
        """Return, for the last 0, 1, 2 … words of ``context``, the span of positions after them.

        The list ends with the longest context that occurs.  `following` reads a span.
        """
        low, high = 0, len(self._order)
        found = [(low, high)]
        # In the column's own type, or every search would first convert the column.
        nearest_first = np.asarray(context[: -ORDER - 1 : -1], np.int32)
        for column, word in zip(self._sorted, nearest_first, strict=False):
            span = column[low:high]
            first, last = np.searchsorted(span, word), np.searchsorted(span, word, "right")
            low, high = low + int(first), low + int(last)
            if low == high:
                break
            found.append((low, high))
        return found

    def following(self, span: tuple[int, int], without: int | None = None) -> NDArray[np.int32]:
        """Return the words at the positions of a span, those of the part ``without`` left out."""
        places = self._order[slice(*span)]
        if without is not None:
            places = places[self._owners[places] != without]
        behind: NDArray[np.int32] = self._words[places]
        kept: NDArray[np.int32] = behind[behind != _BREAK]
        return kept


class NGramBaseline:
    """Answers with the most frequent continuation, word by word.

    Args:
        corpus: The directory.  A question's own file is left out: only the question's text counts.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._vocabulary = Vocabulary()
        self._owners: dict[tuple[Path, str], int] = {}
        parts: list[list[int]] = []
        room = MAX_CORPUS_CHARACTERS
        for file in corpus.files:
            room -= len(file.text)
            if room < 0:
                break
            self._owners[file.root, file.path] = len(parts)
            parts.append(self._vocabulary.numbers(file.text))
        self._index = WordIndex(parts)
        self._local = lru_cache(maxsize=2)(self._local_index)

    def answer(self, question: Question) -> CursorAnswer:
        """Return the greedy continuation, trimmed as in the app."""
        place = Surroundings.of(question.prefix, question.suffix)
        text = self._continue(question, StopRules(place, question.multi_line))
        return CursorAnswer(trim(text, place, multi_line=question.multi_line))

    def _continue(self, question: Question, rules: StopRules) -> str:
        local = self._local(_above(question.prefix), question.suffix)
        owner = self._owners.get((question.root, question.path))
        whole, start = split_open_word(split_words(question.prefix[-_LOOK_CHARACTERS:]))
        context = self._vocabulary.numbers("".join(whole))
        text = ""
        for _ in range(MAX_WORDS):
            word = self._next(local, context, owner, start, blank=not text.strip())
            if word is None:
                break
            context.append(word)
            text += self._vocabulary.words[word][len(start) :]
            start = ""
            if rules.decide(text).ended:
                break
        return text

    def _next(
        self, local: WordIndex, context: list[int], owner: int | None, start: str, *, blank: bool
    ) -> int | None:
        """Return the word that most often followed the longest context, or None.

        Args:
            local: The question's own text.
            context: Numbers of the words before.
            owner: The part of the question's file, which is left out.
            start: Beginning that the word must have.
            blank: Whether the answer is empty so far, so that a line break would add nothing.
        """

        def fits(number: int) -> bool:
            word = self._vocabulary.words[number]
            return word.startswith(start) if start else not (blank and word[0] == "\n")

        here, elsewhere = local.spans(context), self._index.spans(context)
        for order in range(max(len(here), len(elsewhere)) - 1, -1, -1):
            behind = [local.following(here[order])] if order < len(here) else []
            if order < len(elsewhere):
                behind.append(self._index.following(elsewhere[order], owner))
            numbers, counts = np.unique(np.concatenate(behind), return_counts=True)
            for index in np.argsort(-counts, kind="stable"):
                if fits(int(numbers[index])):
                    return int(numbers[index])
        return None

    def _local_index(self, above: str, below: str) -> WordIndex:
        return WordIndex([self._vocabulary.numbers(above), self._vocabulary.numbers(below)])


def _above(prefix: str) -> str:
    """Return the text up to the code on the cursor's line.

    If that line has no code yet, it is left out: how it continues is the question.
    """
    above, newline, line = prefix.rpartition("\n")
    code = line.lstrip(" \t")
    return above + newline + line[: len(line) - len(code)] if code else above
