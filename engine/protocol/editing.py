"""One edit: lines of a text, what to do with them, and what became of them.

Light, as `engine.protocol.completion` is.  Lines count from 1; both ends belong to the range.
"""

import msgspec

from engine.protocol.completion import HostStats, WaferStats

__all__ = ["Edit", "EditRequest", "EditTurn"]


class EditTurn(msgspec.Struct, frozen=True):
    """An earlier instruction about the same lines, and what was written then."""

    instruction: str
    answer: str
    """The lines as they were written, perhaps not to their end."""


class EditRequest(msgspec.Struct, frozen=True):
    """Lines of a text, and how they shall change."""

    path: str
    """The file's path relative to the repository: the model reads it, and it tells the language
    and whether the file is private."""
    text: str
    """The whole text, with ``\\n`` line ends."""
    first: int
    last: int
    """The range of lines; nothing outside it changes."""
    instruction: str
    """What a person wants, in their words."""
    earlier: tuple[EditTurn, ...] = ()
    """What was asked and written before, the oldest first: the instruction steers it."""
    private_patterns: tuple[str, ...] = ()
    """Further patterns of files that are never read, from the person's settings."""
    repository: str | None = None
    """Folder of the repository: with it, patterns such as ``~/notes`` are held against the whole
    path.  Nothing is read there."""

    def applied(self, lines: str) -> str:
        """Return the whole text with ``lines`` in place of the range; all else is as it was."""
        every = self.text.split("\n")
        return "\n".join([*every[: self.first - 1], lines, *every[self.last :]])


class Edit(msgspec.Struct, frozen=True):
    """What became of the lines, and what it took."""

    text: str
    """The lines of the range as they should be, without the last line's end."""
    refused: str | None
    """Why it should not be applied, for a person; None: nothing speaks against it."""
    parses: bool | None
    """Whether the file parses with it; None where nobody can tell: not Python, or the file did
    not parse before."""
    model: str
    prompt_tokens: int
    completion_tokens: int
    host: HostStats
    wafer: WaferStats | None
    """As in `Completion`."""
