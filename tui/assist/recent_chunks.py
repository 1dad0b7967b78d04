"""Parts of files that a person just saw, changed or saved, for requests about other files.

A queue takes what happens; while nobody types it goes into the ring, one part at a time.  So what
requests bring along changes only in a pause, when the engine has time to read it.  Pure.

Source:
    llama.vim's ring of 16 parts of 64 lines, queue of 16, one a second after 3 s of rest, more than
    nine tenths alike evicts.
    Differs: 32 lines, for a model here reads a few hundred tokens of them and not thousands; lines
    are compared and not words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.protocol.completion import TextChunk

__all__ = ["JUMP_LINES", "REST_SECONDS", "STEP_SECONDS", "RecentChunks"]

KEPT = QUEUED = 16
"""Parts in the ring, and parts that wait for a pause; the oldest go first."""

CHUNK_LINES = 32
"""Lines of a part, the cursor's in the middle."""

MAX_CHARACTERS = 2_000
"""Longest part: 16 of them are about as much as a request brings of the text itself."""

JUMP_LINES = 32
"""A cursor that moves farther has left a place."""

REST_SECONDS, STEP_SECONDS = 3.0, 1.0
"""Rest of the keys before the first part goes into the ring, and until the next one."""

ALIKE, ALIKE_IN_FILE = 0.9, 0.5
"""Share of common lines from which a part takes another one's place; of one file it is the same
place in a newer state from less on."""


@dataclass(frozen=True, slots=True)
class _Part:
    path: str
    text: str
    lines: frozenset[str] = field(repr=False)

    def replaces(self, other: "_Part") -> bool:
        """Return whether it says what ``other`` says, or is the same place, changed."""
        most = max(len(self.lines), len(other.lines), 1)
        least = ALIKE_IN_FILE if self.path == other.path else ALIKE
        return len(self.lines & other.lines) / most > least


class RecentChunks:
    """What a person saw last, bounded in number and size."""

    def __init__(self) -> None:
        self._ring: list[_Part] = []  # the newest last, as in the queue
        self._queue: list[_Part] = []

    def saw(self, path: str, lines: Sequence[str], row: int) -> None:
        """Take the lines around a row of a file; they count from a later pause on.

        Args:
            path: Relative to the repository, of a file that is not private.
            lines: The file's text.
            row: The cursor's, from 0.
        """
        first = max(0, min(row - CHUNK_LINES // 2, len(lines) - CHUNK_LINES))
        text = _without_half_line("\n".join(lines[first : first + CHUNK_LINES]))
        words = frozenset(line.strip() for line in text.split("\n")) - {""}
        if words:
            self._queue = _with(self._queue, _Part(path, text, words), QUEUED)

    def settle(self) -> bool:
        """Move the oldest part that waits into the ring; return whether more wait."""
        if self._queue:
            self._ring = _with(self._ring, self._queue.pop(0), KEPT)
        return bool(self._queue)

    def beside(self, path: str) -> tuple[TextChunk, ...]:
        """Return the parts of other files than ``path``, the newest first."""
        others = (part for part in reversed(self._ring) if part.path != path)
        return tuple(TextChunk(part.path, part.text) for part in others)

    def forget(self) -> None:
        """Know nothing any more."""
        self._ring, self._queue = [], []


def _with(parts: Sequence[_Part], new: _Part, most: int) -> list[_Part]:
    """Return ``parts`` with a newer one, less what it replaces and what is too much."""
    return [*(part for part in parts if not new.replaces(part)), new][-most:]


def _without_half_line(text: str) -> str:
    """Return a text cut to `MAX_CHARACTERS`, at a line end if it has one."""
    if len(text) <= MAX_CHARACTERS:
        return text
    cut = text[:MAX_CHARACTERS]
    return cut[: cut.rfind("\n")] if "\n" in cut else ""
