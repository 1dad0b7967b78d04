"""Draws stretches of files to be typed key by key, and sums up what typing them took.

The typing itself is passed in as a `Typist`: when suggestions come and which are shown is the
app's policy.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.quality.answers import Answerer
from engine.quality.corpus import Corpus, SourceFile
from engine.quality.python_source import MAX_CHARACTERS, parse_python
from engine.quality.round_robin import round_robin
from engine.quality.scores import edit_similarity, mean, ratio_interval

__all__ = ["Stretch", "Typed", "Typist", "draw_stretches", "summary"]

STRETCH_LINES = 10
"""Lines of a stretch, blank ones not counted."""

MIN_LINES = 4
"""Least lines of a stretch, which is short at the end of a file."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole lines of a file, to be typed in their place."""

    file: SourceFile
    start: int
    """Offset after the indentation of the first line."""
    end: int
    inside: bool
    """Whether the rest of the file is there already; if not, the stretch ends the file."""

    @property
    def above(self) -> str:
        """The text before the stretch."""
        return self.file.text[: self.start]

    @property
    def target(self) -> str:
        """The text to type."""
        return self.file.text[self.start : self.end]

    @property
    def below(self) -> str:
        """The text after the stretch."""
        return self.file.text[self.end :] if self.inside else ""


@dataclass(slots=True)
class Typed:
    """The outcome of typing one stretch."""

    keys: int = 0
    """Keys pressed, with accept keys but without indentation, which the editor writes."""
    characters: int = 0
    """Characters of the text, without indentation."""
    shown: int = 0
    """Suggestions that were shown."""
    accepted: int = 0
    """Suggestions that were accepted, as a whole or by a line or a word."""
    wrong: int = 0
    """Suggestions that disappeared without one character kept."""
    lines: list[tuple[str, str]] = field(default_factory=list)
    """For each line that is not blank: the first suggestion, and the text that belongs there."""
    endings: Counter[str] = field(default_factory=Counter)
    """Verdicts on the ends of the suggestions (`engine.quality.endings`)."""


Typist = Callable[[Stretch, Answerer], Typed]
"""Types a stretch with the suggestions of an answerer."""


# ── drawing ─────────────────────────────────────────────────────────────────────────────────


def draw_stretches(corpus: Corpus, lines: int, seed: int) -> list[Stretch]:
    """Return stretches of at least ``lines`` lines in all, if the corpus has that many.

    They are drawn from each repository and each file in turn.  Every second one is typed inside
    its file, the others at the end of theirs.  Two stretches of one file share no line.
    """
    drawn: list[Stretch] = []
    for file, start, end in round_robin(
        _of_repository(corpus, root, seed) for root in corpus.repositories
    ):
        drawn.append(Stretch(file, start, end, inside=len(drawn) % 2 == 0))
        lines -= sum(bool(line.strip()) for line in file.text[start:end].split("\n"))
        if lines <= 0:
            break
    return sorted(drawn, key=lambda stretch: (stretch.file.name, stretch.start))


_Place = tuple[SourceFile, int, int]


def _of_repository(corpus: Corpus, root: Path, seed: int) -> Iterator[_Place]:
    """Yield the places in a repository, one from each file in turn."""
    files = [file for file in corpus.files if file.root == root]
    random = Random(f"{seed}/replay/{root.name}")
    random.shuffle(files)
    yield from round_robin(_of_file(file, random.random()) for file in files)


def _of_file(file: SourceFile, seed: float) -> Iterator[_Place]:
    """Yield, in random order, places with lines that a person could have typed."""
    code = parse_python(file.text)
    if code is None:
        return
    lines = file.text.split("\n")
    filled = [row for row, line in enumerate(lines) if line.strip()]
    windows = [
        filled[at : at + STRETCH_LINES] for at, row in enumerate(filled) if row in code.bounds
    ]
    Random(seed).shuffle(windows)
    # Short ones, the ends of files, come last.
    windows.sort(key=len, reverse=True)
    used: set[int] = set()
    for rows in windows:
        typical = all(len(lines[row]) <= MAX_CHARACTERS for row in rows)
        if len(rows) >= MIN_LINES and typical and used.isdisjoint(rows):
            used.update(rows)
            yield file, code.indent_end(rows[0]), code.line(rows[-1])[1]


# ── the sums ────────────────────────────────────────────────────────────────────────────────


def summary(typed: Sequence[Typed], seed: int) -> dict[str, Any]:
    """Return the figures of all typed stretches, with the fields of the command's JSON."""
    lines = [line for each in typed for line in each.lines]
    # A suggestion of several lines is right or wrong as one, so stretches are resampled.
    exact = [float(sum(answer == truth for answer, truth in each.lines)) for each in typed]
    counts = [float(len(each.lines)) for each in typed]
    keys = sum(each.keys for each in typed)
    characters = sum(each.characters for each in typed)
    saved = [float(each.characters - each.keys) for each in typed]
    sizes = [float(each.characters) for each in typed]
    endings = sum((each.endings for each in typed), Counter[str]())
    return {
        "n": len(lines),
        "exact_match": sum(exact) / len(lines) if lines else None,
        "exact_match_ci": ratio_interval(exact, counts, seed),
        "edit_similarity": mean([edit_similarity(answer, truth) for answer, truth in lines]),
        "keystrokes_saved": 1 - keys / characters if characters else None,
        "keystrokes_saved_ci": ratio_interval(saved, sizes, seed),
        "keys": keys,
        "characters": characters,
        "shown": sum(each.shown for each in typed),
        "accepted": sum(each.accepted for each in typed),
        "wrong_shown_per_100_keys": 100 * sum(each.wrong for each in typed) / keys
        if keys
        else None,
        "endings": dict(sorted(endings.items())),
    }
