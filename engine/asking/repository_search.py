"""Finds the passages of a repository that a question is about: definitions, and similar ones.

Reads only files that `engine.repository` allows, anew for each question: nothing is kept, so what
became private or ignored since is not read.  Runs no model.

Source:
    Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond" (2009).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

from engine.asking.passages import Passage, definition, passages
from engine.asking.question_words import QuestionWords
from engine.knowledge.adviser import ANY_SUFFIXES
from engine.repository.other_files import DEFINING_WORDS
from engine.repository.readable_files import find_files, read_text

__all__ = ["Found", "search"]

MOST_DEFINITIONS = 4
MOST_SIMILAR = 3
COMMON = 2
"""A plain word of a question that is defined more often than this is no name, and no more
definitions of a name are shown."""
LEAST_SHARE = 0.4
"""Share of the best passage's score that a further one must reach."""
PER_FILE = 2
"""Most similar passages of one file."""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""
PATH_WEIGHT = 2
"""A word in the file's path counts as so many in the text."""
TESTS_WEIGHT = 0.6
"""What a passage of a test counts beside one of the code: it repeats the words without saying."""

_TESTS = re.compile(r"(?:^|[/_.-])tests?(?:[/_.-]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """Passages for a question, the best first."""

    defining: list[Passage] = field(default_factory=list)
    similar: list[Passage] = field(default_factory=list)
    unread: int | None = 0
    """Files that were not searched because there are too many; None if nobody counted."""


@dataclass(frozen=True, slots=True)
class _Hit:
    """A passage with words of the question."""

    passage: Passage
    counts: Counter[str]
    size: int
    """Its length in characters."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """A definition of a name."""

    passage: Passage
    spoken: int
    """How many words of the question its file has: of two with the same name, that tells."""

    def rank(self) -> tuple[bool, int]:
        """Return what the better one has less of: tests last, then few words."""
        return _TESTS.search(self.passage.path) is not None, -self.spoken


def search(
    root: Path,
    question: QuestionWords,
    cancelled: Callable[[], bool],
    *,
    private_patterns: Sequence[str] = (),
    near: str = "",
    buffer: str | None = None,
) -> Found:
    """Return what a repository says about a question.

    Args:
        root: The repository's folder.
        question: Its names and words.
        cancelled: Asked between files; True ends the search with what there is.
        private_patterns: Further patterns of files that are not read.
        near: The open file; of many files those nearest to it are searched.
        buffer: That file's text on the screen, all of it; None: it is read like the others.
    """
    found = find_files(root, ANY_SUFFIXES, private_patterns, near)
    heads = _heads(question)
    defined: dict[str, list[_Definition]] = {}
    hits: list[_Hit] = []
    sizes: list[int] = []
    for file in found.files:
        if cancelled():
            break
        text = buffer if file.name == near and buffer is not None else read_text(file)
        if text is None:
            continue
        lines = text.split("\n")
        spoken = sum(word in text.lower() for word in question.words)
        for name, passage in _definitions(file.name, lines, text, heads):
            defined.setdefault(name, []).append(_Definition(passage, spoken))
        sizes.append(len(text))
        hits += _hits(file.name, lines, text, question.words)
    unread = found.left_out if found.whole else None
    defining = _chosen_definitions(question, defined)
    return Found(defining, _most_similar(hits, question.words, sum(sizes), defining), unread)


# ── definitions ─────────────────────────────────────────────────────────────────────────────


def _heads(question: QuestionWords) -> re.Pattern[str] | None:
    """Return what matches the head of a definition of a name, with the name as its group."""
    names = "|".join(map(re.escape, dict.fromkeys((*question.names, *question.plain))))
    if not names:
        return None
    before = rf"^[ \t]*(?:[\w()]+[ \t]+)*?(?:{DEFINING_WORDS})[ \t]+"
    receiver = r"(?:\([^)\n]*\)[ \t]*)?"  # as in Go
    constant = rf"^({names})[ \t]*(?::[^\n=]+)?="
    return re.compile(rf"{before}{receiver}({names})\b|{constant}", re.MULTILINE)


def _definitions(
    path: str, lines: Sequence[str], text: str, heads: re.Pattern[str] | None
) -> Iterator[tuple[str, Passage]]:
    """Yield the definitions in a file with their names."""
    for match in heads.finditer(text) if heads is not None else ():
        yield match[1] or match[2], definition(path, lines, text.count("\n", 0, match.end()) + 1)


def _chosen_definitions(
    question: QuestionWords, defined: dict[str, list[_Definition]]
) -> list[Passage]:
    """Return the definitions that are meant, those of certain names first, code before tests."""
    plain = [name for name in question.plain if _is_name(defined.get(name, ()))]
    chosen: list[Passage] = []
    for name in dict.fromkeys((*question.names, *plain)):
        places = defined.get(name, ())
        best = min((each.rank() for each in places), default=None)
        equal = [each.passage for each in places if each.rank() == best]
        chosen += [
            each for each in equal[:COMMON] if not any(each.overlaps(other) for other in chosen)
        ]
    return chosen[:MOST_DEFINITIONS]


def _is_name(places: Sequence[_Definition]) -> bool:
    """Return whether a plain word is a name of the code: it has one or two definitions in it."""
    return 0 < len(places) <= COMMON and any(not each.rank()[0] for each in places)


# ── similar passages ────────────────────────────────────────────────────────────────────────


def _hits(path: str, lines: Sequence[str], text: str, words: Sequence[str]) -> Iterator[_Hit]:
    """Yield the passages of a file that have a word of the question, or all if its path has."""
    low = text.lower()
    in_path = Counter({word: PATH_WEIGHT for word in words if word in path.lower()})
    if not any(word in low for word in words):
        return
    for passage in passages(path, lines):
        low = passage.text.lower()
        counts = Counter({word: count for word in words if (count := low.count(word))})
        if counts:
            yield _Hit(passage, counts + in_path, len(low))


def _most_similar(
    hits: Sequence[_Hit], words: Sequence[str], characters: int, taken: Sequence[Passage]
) -> list[Passage]:
    """Return the passages that score highest by BM25, few of one file."""
    if not hits:
        return []
    average = sum(hit.size for hit in hits) / len(hits)
    total = max(len(hits), round(characters / average))
    rarity = {word: _rarity(total, sum(word in hit.counts for hit in hits)) for word in words}
    scores = [(_score(hit, rarity, average), hit) for hit in hits]
    scores.sort(key=lambda each: -each[0])
    chosen: list[Passage] = []
    for score, hit in scores:
        if score < LEAST_SHARE * scores[0][0] or len(chosen) == MOST_SIMILAR:
            break
        passage = hit.passage
        of_file = sum(other.path == passage.path for other in chosen)
        if of_file < PER_FILE and not any(passage.overlaps(other) for other in taken):
            chosen.append(passage)
    return chosen


def _rarity(total: int, having: int) -> float:
    """Return a word's inverse document frequency among ``total`` passages."""
    return log(1 + (total - having + 0.5) / (having + 0.5))


def _score(hit: _Hit, rarity: dict[str, float], average: float) -> float:
    """Return BM25 of a passage."""
    long = K1 * (1 - B + B * hit.size / average)
    score = sum(rarity[word] * n * (K1 + 1) / (n + long) for word, n in hit.counts.items())
    return score * (TESTS_WEIGHT if _TESTS.search(hit.passage.path) else 1.0)
