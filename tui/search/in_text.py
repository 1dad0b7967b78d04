"""Finds a pattern in one text, and replaces it there; places are rows and columns of code points.

Blocks, for at most a second or two: callers give it a thread.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from time import monotonic
from typing import NamedTuple

from tui.search.query import Pattern
from tui.search.replacement import Replacement

__all__ = ["MAX_MATCHES", "SearchedText", "TextMatch", "TextMatches", "find_in_text"]

MAX_MATCHES = 10_000
"""Most matches of a text that are shown and counted."""
SEARCH_SECONDS = 1.0
"""Longest time that looking for matches takes; one more match may take some milliseconds."""


class TextMatch(NamedTuple):
    """Where a match is."""

    start: tuple[int, int]
    """Row and column, both from 0."""
    end: tuple[int, int]
    """The place after its last character."""
    first_byte: int
    """Where it begins in the text as UTF-8."""


@dataclass(frozen=True, slots=True)
class TextMatches:
    """The matches of a text, from its start on."""

    found: Sequence[TextMatch] = ()
    whole: bool = True
    """Whether all are there; otherwise a limit of number or time was met."""

    def at_or_after(self, place: tuple[int, int]) -> int:
        """Return the number of the first match from a place on, of the first of all if none is."""
        starts = [match.start for match in self.found]
        number = bisect_right(starts, place)
        if number and starts[number - 1] == place:
            number -= 1
        return number if number < len(starts) else 0

    def before(self, place: tuple[int, int]) -> int:
        """Return the number of the last match that begins before a place, or of the last of all."""
        starts = [match.start for match in self.found]
        number = sum(start < place for start in starts)
        return (number or len(starts)) - 1


class SearchedText:
    """A text as it is searched: in bytes, with the places of its lines.

    Args:
        lines: Its lines, without their ends.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        encoded = [line.encode("utf-8", "replace") for line in lines]
        self.data = b"\n".join(encoded)
        self._starts = [0, *accumulate(len(line) + 1 for line in encoded)]

    def matches(
        self, pattern: Pattern, *, limit: int = MAX_MATCHES, seconds: float = SEARCH_SECONDS
    ) -> TextMatches:
        """Return the matches of a pattern, as many as the limits let it find."""
        found: list[TextMatch] = []
        deadline = monotonic() + seconds
        for start, end in pattern.spans(self.data):
            if len(found) == limit or monotonic() > deadline:
                return TextMatches(found, whole=False)
            if pattern.fits(self.data, start, end):
                found.append(TextMatch(self._place(start), self._place(end), start))
        return TextMatches(found)

    def replaced(self, matches: Sequence[TextMatch], replacement: Replacement) -> str:
        """Return the text from the first to the last of some matches, with all of them replaced."""
        parts: list[str] = []
        end = matches[0].first_byte
        for match in matches:
            parts.append(self.data[end : match.first_byte].decode("utf-8"))
            parts.append(replacement.text_at(self.data, match.first_byte))
            end = self._byte(match.end)
        return "".join(parts)

    def before(self, match: TextMatch) -> str:
        """Return the text before a match."""
        return self.data[: match.first_byte].decode("utf-8")

    def after(self, match: TextMatch) -> str:
        """Return the text after a match."""
        return self.data[self._byte(match.end) :].decode("utf-8")

    def _place(self, byte: int) -> tuple[int, int]:
        row = bisect_right(self._starts, byte) - 1
        row = min(row, len(self.lines) - 1)
        line, offset = self.lines[row], byte - self._starts[row]
        if line.isascii():
            return row, offset
        return row, len(line.encode("utf-8", "replace")[:offset].decode("utf-8", "ignore"))

    def _byte(self, place: tuple[int, int]) -> int:
        row, column = place
        return self._starts[row] + len(self.lines[row][:column].encode("utf-8", "replace"))


def find_in_text(lines: Sequence[str], pattern: Pattern) -> TextMatches:
    """Return the matches of a pattern in a text."""
    return SearchedText(lines).matches(pattern)
