"""Replaces what was found in many files, and takes it back, as long as the app runs.

What was replaced in open files can also be undone there; files that are closed are written as a
save would, and taking back writes them once more.  Of a file whose line endings differ, lines that
a replacement joined and that come back end as most do.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.flows.files.change_files import LeftAloneError, change_file
from tui.format import count_text
from tui.search.found_rows import FoundRows
from tui.search.in_files import FoundFile, FoundMatch
from tui.search.in_text import SearchedText
from tui.search.replacement import Replacement
from tui.search.text_change import TextChange, TextPiece
from tui.widgets.deck import Deck

__all__ = ["Replacements"]

_NAMED_FILES = 3
"""Files left alone that are named; the others are counted."""


@dataclass(slots=True)
class _Done:
    """What became of changes in many files."""

    title: str
    """What was replaced by what."""
    matches: int = 0
    files: int = 0
    unsaved: int = 0
    """Files that are open, with text that is not on the disk."""
    undo: list[TextChange] = field(default_factory=list)
    """What takes it back."""
    refused: list[TextChange] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Why files were left alone."""

    def words(self, what: str) -> str:
        """Return it in one line, for a person."""
        files = f"{count_text(self.files)} file{'' if self.files == 1 else 's'}"
        parts = [f"{count_text(self.matches)} {what} in {files}"]
        if self.unsaved:
            parts.append(f"{count_text(self.unsaved)} open here and not saved yet")
        if self.left:
            named = "; ".join(self.left[:_NAMED_FILES])
            more = len(self.left) - _NAMED_FILES
            rest = f" and {count_text(more)} more" if more > 0 else ""
            parts.append(f"left alone: {named}{rest}")
        return "; ".join(parts)


class Replacements:
    """The replacements in many files of one app, and what takes them back.

    Args:
        deck: The open files.
    """

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._lock = asyncio.Lock()
        self._undo: list[tuple[str, list[TextChange]]] = []
        """What takes each replacement back, the newest last, after those that were refused."""

    async def replace(self, found: FoundRows, replacement: Replacement) -> tuple[str, bool]:
        """Replace all ticked matches; return one line for a person, and whether any is left."""
        async with self._lock:
            done = _Done(str(replacement))
            changes = []
            for file, matches in found.ticked():
                if file.whole:
                    changes.append(_change(file, matches, replacement))
                else:
                    done.left.append(f"{file.name} has too many matches")
            await self._apply(changes, done)
            if done.undo:
                self._undo.append((done.title, done.undo))
            hint = "; Ctrl+Z takes it back" if done.undo else ""
            return done.words("replaced") + hint, bool(done.left)

    async def take_back(self) -> tuple[str, bool]:
        """Take the newest replacement back; return the same.

        Where files are left alone, theirs waits until there is no other replacement.
        """
        async with self._lock:
            if not self._undo:
                return "there is no replacement to take back", True
            title, changes = self._undo.pop()
            done = _Done(title)
            await self._apply(changes, done)
            if done.refused:
                self._undo.insert(0, (title, done.refused))
            return f"{title}: {done.words('taken back')}", bool(done.left)

    async def _apply(self, changes: Sequence[TextChange], done: _Done) -> None:
        """Change files, one after another, and note what became of each."""
        for change in changes:
            try:
                undo, unsaved = await change_file(change, self._deck)
            except LeftAloneError as error:
                done.left.append(str(error))
                done.refused.append(change)
                continue
            done.files += 1
            done.matches += change.matches
            done.unsaved += unsaved
            if undo is not None:
                done.undo.append(undo)


def _change(file: FoundFile, matches: Sequence[FoundMatch], replacement: Replacement) -> TextChange:
    """Return what replaces some matches of a file."""
    places = [match.place for match in matches]

    def piece(lines: Sequence[str]) -> TextPiece:
        new = SearchedText(lines).replaced(places, replacement)
        return TextPiece(places[0].start, places[-1].end, new)

    return TextChange(file.name, file.path, file.fingerprint, len(matches), piece)
