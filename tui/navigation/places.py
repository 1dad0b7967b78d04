"""Places in files where a name is defined or used, found by jedi for Python and else by syntax."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from engine.repository.ignore import IgnoreRules
from engine.repository.listing import list_files
from engine.repository.secret_files import secret_file
from tui.code.languages import CODE_SUFFIXES, language_of
from tui.navigation.symbols import SYMBOL_LANGUAGES, Symbol, symbols_of
from tui.search.in_files import FoundFile, FoundMatch, searchable_text
from tui.search.in_text import TextMatch

__all__ = [
    "CodePlace",
    "RepositorySymbols",
    "by_file",
    "definitions_among",
    "places_in",
    "readable_places",
    "word_at",
]

_WORD = re.compile(r"[^\W\d]\w*")
_SYMBOLS_SECONDS = 15.0
_MAX_SYMBOLS = 50_000
_MAX_FILE_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A name in a file; row and column from 0."""

    path: Path
    row: int
    column: int
    name: str
    line: str
    """The whole line."""

    @property
    def end(self) -> tuple[int, int]:
        """The place after the name."""
        return self.row, self.column + len(self.name)


def word_at(line: str, column: int) -> str:
    """Return the name that a column of a line is in, or stands after; empty if none."""
    words = (match for match in _WORD.finditer(line) if match.start() <= column <= match.end())
    return next((match.group() for match in words), "")


def places_in(answer: Any) -> list[CodePlace]:
    """Return the places of an answer of `tui.navigation.python_child`, each once."""
    places = [
        CodePlace(Path(each["path"]), each["row"], each["column"], each["name"], each["line"])
        for each in answer
    ]
    return list(dict.fromkeys(places))


def readable_places(
    places: Sequence[CodePlace], rules: IgnoreRules, private_patterns: Sequence[str]
) -> list[CodePlace]:
    """Return the places without those in files of the repository that are ignored or private."""
    inside = {place.path for place in places if place.path.is_relative_to(rules.root)}
    hidden = rules.ignored_among(inside)
    hidden |= {path for path in inside if secret_file(path, private_patterns) is not None}
    return [place for place in places if place.path not in hidden]


def definitions_among(text: str, path: Path, name: str) -> list[CodePlace]:
    """Return where a text defines a name, by its syntax."""
    language, lines = language_of(path), text.split("\n")
    if language is None or name not in text or len(text) > _MAX_FILE_CHARACTERS:
        return []
    return [
        CodePlace(path, each.row, each.column, each.name, lines[each.row])
        for each in symbols_of(text, language)
        if each.name == name
    ]


def by_file(places: Sequence[CodePlace], root: Path) -> Iterator[FoundFile]:
    """Yield the places grouped by file, as the rows of a list need them."""
    grouped: dict[Path, list[CodePlace]] = {}
    for place in places:
        grouped.setdefault(place.path, []).append(place)
    for path, group in grouped.items():
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        yield FoundFile(name, path, [_as_match(place) for place in group], b"", whole=True)


def _as_match(place: CodePlace) -> FoundMatch:
    left, right = place.line[: place.column], place.line[place.end[1] :]
    where = TextMatch((place.row, place.column), place.end, 0)
    return FoundMatch(where, left, place.name, right, {})


class RepositorySymbols:
    """The symbols of a repository's files; a file is parsed again only after it changed.

    Args:
        rules: The repository.
    """

    def __init__(self, rules: IgnoreRules) -> None:
        self._rules = rules
        self._known: dict[Path, tuple[tuple[int, int], list[Symbol], list[str]]] = {}

    def every(
        self, private_patterns: Sequence[str], near: str = ""
    ) -> Iterator[tuple[CodePlace, Symbol]]:
        """Yield all symbols, those of near files first; ends after a while in a large repository.

        Blocks; a thread is the place for it.
        """
        deadline, count = monotonic() + _SYMBOLS_SECONDS, 0
        for name in list_files(self._rules, near=near, suffixes=CODE_SUFFIXES).names:
            if monotonic() > deadline or count > _MAX_SYMBOLS:
                return
            path = self._rules.root / name
            symbols, lines = self._of(path, private_patterns)
            count += len(symbols)
            for symbol, line in zip(symbols, lines, strict=True):
                yield CodePlace(path, symbol.row, symbol.column, symbol.name, line), symbol

    def named(self, name: str, private_patterns: Sequence[str], near: str) -> list[CodePlace]:
        """Return where the repository defines a name."""
        return [place for place, _ in self.every(private_patterns, near) if place.name == name]

    def _of(self, path: Path, private: Sequence[str]) -> tuple[list[Symbol], list[str]]:
        language = language_of(path)
        if language not in SYMBOL_LANGUAGES or language is None:
            return [], []
        try:
            status = path.stat()
        except OSError:
            return [], []
        stamp = status.st_mtime_ns, status.st_size
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            text = searchable_text(path, private)
            fits = text is not None and len(text) <= _MAX_FILE_CHARACTERS
            symbols = symbols_of(text, language) if text is not None and fits else []
            rows = (text or "").split("\n")
            known = self._known[path] = stamp, symbols, [rows[each.row] for each in symbols]
        return known[1], known[2]
