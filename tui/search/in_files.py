"""Finds a pattern in the files of a repository that may be read, in several threads.

Neither ignored nor private files are opened, nor links, binary or very large files.  Results come
file by file in the order of the list, as soon as they are known.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from threading import Event
from time import monotonic

from engine.plain_files import read_plain
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import list_files
from engine.repository.secret_files import secret_file
from tui.code.languages import CODE_SUFFIXES
from tui.search.in_text import SearchedText, TextMatch
from tui.search.query import Pattern

__all__ = ["FileSearch", "FoundFile", "FoundMatch", "fingerprint", "searchable_text", "text_of"]

MAX_FILE_BYTES = 8_000_000
"""Larger files are not searched: programs wrote them."""
MAX_MATCHES = 10_000
"""Most matches that a search returns; a person reads no more."""
MAX_FILE_MATCHES = 2_000
SEARCH_SECONDS = 30.0
_THREADS = 4
_AHEAD = 64
"""Files that are read before their turn."""
_CONTEXT = 300
"""Characters of a line that are kept on either side of a match."""


@dataclass(frozen=True, slots=True)
class FoundMatch:
    """A match in a file, with the rest of its lines."""

    place: TextMatch
    left: str
    text: str
    right: str
    groups: Mapping[str, str]
    """Of a regular expression."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The matches in one file."""

    name: str
    """Relative to the repository, with ``/``."""
    path: Path
    matches: Sequence[FoundMatch]
    fingerprint: bytes
    """Tells the text that was searched from any other."""
    whole: bool
    """Whether all its matches are there."""


class FileSearch:
    """One search through a repository; iterate over it in a thread.

    Args:
        rules: The repository.
        pattern: What is looked for.
        private_patterns: More patterns of private files, from a person's settings.
        near: Name of a file; those around it are searched first.
        open_texts: Texts by path that count in place of what is on disk.
    """

    def __init__(
        self,
        rules: IgnoreRules,
        pattern: Pattern,
        private_patterns: Sequence[str] = (),
        *,
        near: str = "",
        open_texts: Mapping[Path, Sequence[str]] | None = None,
    ) -> None:
        self._rules = rules
        self._pattern = pattern
        self._private = tuple(private_patterns)
        self._near = near
        self._open = open_texts or {}
        self._stop = Event()
        self.searched = 0
        """Files that were looked at so far."""
        self.unread = 0
        """Files that were left out: private, too large, unreadable or no text."""
        self.ended_early = ""
        """Why not all was searched, for a person; empty if it was."""

    def stop(self) -> None:
        """End the search as soon as the files under way are done."""
        self._stop.set()

    def __iter__(self) -> Iterator[FoundFile]:
        """Yield the files with matches."""
        listing = list_files(self._rules, near=self._near, first=CODE_SUFFIXES)
        if listing.left_out or not listing.whole:
            self.ended_early = "there are too many files: the farthest were not searched"
        total, deadline = 0, monotonic() + SEARCH_SECONDS
        for found in self._in_order(listing.names):
            if found is not None:
                total += len(found.matches)
                yield found
            if total >= MAX_MATCHES:
                self.ended_early = f"stopped at {total:,} matches: narrow the search"
            elif monotonic() > deadline:
                self.ended_early = f"stopped after {SEARCH_SECONDS:.0f} s: narrow the search"
            else:
                continue
            return

    def _in_order(self, names: Sequence[str]) -> Iterator[FoundFile | None]:
        """Search files ahead of their turns, and yield what was found in each, in turn."""
        rest = iter(names)
        with ThreadPoolExecutor(_THREADS, "search") as pool:
            waiting: list[Future[FoundFile | None]] = [
                pool.submit(self._search, name) for name in islice(rest, _AHEAD)
            ]
            try:
                while waiting and not self._stop.is_set():
                    yield waiting.pop(0).result()
                    waiting.extend(pool.submit(self._search, name) for name in islice(rest, 1))
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)

    def _search(self, name: str) -> FoundFile | None:
        """Return the matches in a file; None if there is none."""
        if self._stop.is_set():
            return None
        self.searched += 1
        path = self._rules.root / name
        lines = self._lines(path)
        if lines is None:
            self.unread += 1
            return None
        text = SearchedText(lines)
        found = text.matches(self._pattern, limit=MAX_FILE_MATCHES)
        if not found.found:
            return None
        matches = [_found_match(text, place, self._pattern) for place in found.found]
        return FoundFile(name, path, matches, fingerprint(lines), found.whole)

    def _lines(self, path: Path) -> Sequence[str] | None:
        """Return the lines of a file, as an editor would show them; None if it may not be read."""
        if path in self._open and secret_file(path, self._private) is None:
            return self._open[path]
        text = searchable_text(path, self._private)
        return None if text is None else text.split("\n")


def searchable_text(path: Path, private_patterns: Sequence[str]) -> str | None:
    """Return the text of a file; None for a private or large file, a link, and what is no text."""
    try:
        if path.is_symlink() or secret_file(path, private_patterns) is not None:
            return None
        data = read_plain(path, MAX_FILE_BYTES)
    except OSError:  # gone, without permission, larger, or no plain file
        return None
    return None if b"\0" in data else text_of(data)


def text_of(data: bytes) -> str:
    """Return a file's bytes as the text that an editor shows."""
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def fingerprint(lines: Sequence[str]) -> bytes:
    """Return what tells one text from another."""
    text = "\n".join(lines).encode("utf-8", "replace")
    return blake2b(text, digest_size=16).digest()


def _found_match(text: SearchedText, place: TextMatch, pattern: Pattern) -> FoundMatch:
    """Return a match with what stands around it in its lines."""
    (top, left), (bottom, right) = place.start, place.end
    rows = text.lines[top : bottom + 1]
    before, after = rows[0][:left], rows[-1][right:]
    inside = "\n".join(rows)
    end = len(inside) - len(after)
    groups = pattern.groups_at(text.data, place.first_byte) if pattern.query.regex else None
    return FoundMatch(place, before[-_CONTEXT:], inside[left:end], after[:_CONTEXT], groups or {})
