"""Stretches of files to be typed key by key, and what came of typing them.

Draws the stretches and does the sums.  Who types, when suggestions come and which are shown is
the app's policy: it is given as a `Typist`.
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
"""Lines of a stretch that are not blank."""

MIN_LINES = 4
"""Of a stretch at the end of a file."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole lines of a file, to be typed where they stand."""

    file: SourceFile
    start: int
    """Character behind the indentation of its first line."""
    end: int
    inside: bool
    """Whether the rest of the file stands below already; else the stretch is the file's end."""

    @property
    def above(self) -> str:
        """The text in front."""
        return self.file.text[: self.start]

    @property
    def target(self) -> str:
        """The text to type."""
        return self.file.text[self.start : self.end]

    @property
    def below(self) -> str:
        """The text behind."""
        return self.file.text[self.end :] if self.inside else ""


@dataclass(slots=True)
class Typed:
    """What typing one stretch took."""

    keys: int = 0
    """Keys pressed, accept keys included; indentation, which the editor writes, not."""
    characters: int = 0
    """Characters of the text, its lines' indentation not counted."""
    shown: int = 0
    """Suggestions that were seen."""
    accepted: int = 0
    """Suggestions of which all, a line or a word was accepted."""
    wrong: int = 0
    """Suggestions that left with no character kept."""
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Of each line that is not blank: what was suggested first, and what followed there."""
    endings: Counter[str] = field(default_factory=Counter)
    """How the suggestions ended (`engine.quality.endings`)."""


Typist = Callable[[Stretch, Answerer], Typed]
"""Types a stretch with suggestions by an answerer."""


# ── drawing ─────────────────────────────────────────────────────────────────────────────────


def draw_stretches(corpus: Corpus, lines: int, seed: int) -> list[Stretch]:
    """Return stretches of at least ``lines`` lines in all, if there are so many.

    Each repository and each of its files in turn; every second stretch stands inside its file,
    the others at its end.  Two stretches of one file share no line.
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
    """Yield the places of a repository, one of each file in turn."""
    files = [file for file in corpus.files if file.root == root]
    random = Random(f"{seed}/replay/{root.name}")
    random.shuffle(files)
    yield from round_robin(_of_file(file, random.random()) for file in files)


def _of_file(file: SourceFile, seed: float) -> Iterator[_Place]:
    """Yield places of lines that a person could have typed, in random order."""
    code = parse_python(file.text)
    if code is None:
        return
    lines = file.text.split("\n")
    filled = [row for row, line in enumerate(lines) if line.strip()]
    windows = [
        filled[at : at + STRETCH_LINES] for at, row in enumerate(filled) if row in code.bounds
    ]
    Random(seed).shuffle(windows)
    # Short ones last: they are the ends of files.
    windows.sort(key=len, reverse=True)
    used: set[int] = set()
    for rows in windows:
        typical = all(len(lines[row]) <= MAX_CHARACTERS for row in rows)
        if len(rows) >= MIN_LINES and typical and used.isdisjoint(rows):
            used.update(rows)
            yield file, code.indent_end(rows[0]), code.line(rows[-1])[1]


# ── the sums ────────────────────────────────────────────────────────────────────────────────


def summary(typed: Sequence[Typed], seed: int) -> dict[str, Any]:
    """Return the figures of a suite of stretches; fields as in the command's JSON."""
    lines = [line for each in typed for line in each.lines]
    # A suggestion of several lines is right or wrong as one: stretches are resampled, not lines.
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
