"""A change of one file's text that can be taken back: what it was made for, and what it replaces.

Reads and writes no file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tui.search.in_files import fingerprint

__all__ = ["TextChange", "TextPiece"]


class TextPiece(NamedTuple):
    """A range of a text, and what takes its place; rows and columns from 0."""

    start: tuple[int, int]
    end: tuple[int, int]
    """The place after the last character that goes."""
    new: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """What is to become of one file's text."""

    name: str
    """For a person: relative to the repository, with ``/``."""
    path: Path
    fingerprint: bytes
    """Of the only text that it may be applied to."""
    matches: int
    """How many matches it replaces, or puts back."""
    piece: Callable[[Sequence[str]], TextPiece]
    """Returns the piece that changes in a text, given as lines."""
    goal: bytes | None = None
    """Fingerprint of the text that it leads to, where that is known before."""

    def taken_back(self, lines: Sequence[str], piece: TextPiece) -> "TextChange":
        """Return the change that leads back to a text.

        Args:
            lines: The text before.
            piece: What was replaced in it.
        """
        old = between(lines, piece.start, piece.end)
        after = TextPiece(piece.start, _end_of(piece), old)
        before, changed = fingerprint(lines), fingerprint(with_piece(lines, piece).split("\n"))
        return TextChange(self.name, self.path, changed, self.matches, lambda _: after, goal=before)


def between(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text from one place to another."""
    (top, left), (bottom, right) = start, end
    if top == bottom:
        return lines[top][left:right]
    return "\n".join([lines[top][left:], *lines[top + 1 : bottom], lines[bottom][:right]])


def with_piece(lines: Sequence[str], piece: TextPiece) -> str:
    """Return a text in which a piece took its place."""
    before = between(lines, (0, 0), piece.start)
    return before + piece.new + between(lines, piece.end, (len(lines) - 1, len(lines[-1])))


def _end_of(piece: TextPiece) -> tuple[int, int]:
    """Return the place after the piece, once it stands in the text."""
    row, column = piece.start
    *above, last = piece.new.split("\n")
    return row + len(above), len(last) + (0 if above else column)
