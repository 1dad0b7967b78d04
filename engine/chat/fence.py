"""Blocks of code in a conversation: the fence around each.  Pure text."""

from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["Fence"]

_LANGUAGES = {
    "cs": "csharp",
    "js": "javascript",
    "kt": "kotlin",
    "md": "markdown",
    "py": "python",
    "pyi": "python",
    "rb": "ruby",
    "rs": "rust",
    "sh": "bash",
    "ts": "typescript",
    "yml": "yaml",
}
"""Names behind a fence that are not the files' suffix."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What stands around a block of code in a conversation."""

    mark: str
    language: str
    """Stands behind the opening mark; may be empty."""

    @classmethod
    def around(cls, text: str, path: str) -> "Fence":
        """Return a fence that does not stand in ``text``, a part of the file ``path``."""
        mark = "```"
        while mark in text:
            mark += "`"
        suffix = PurePosixPath(path).suffix[1:].lower()
        return cls(mark, _LANGUAGES.get(suffix, suffix))

    @property
    def opening(self) -> str:
        """The words that a block begins with."""
        return f"{self.mark}{self.language}\n"

    def block(self, text: str) -> str:
        """Return ``text`` inside the fence."""
        return f"{self.opening}{text}\n{self.mark}"

    def inside(self, answer: str) -> tuple[str, bool]:
        """Return (what stands in a block that was opened already, whether it was closed)."""
        inside, mark, _ = f"\n{answer}".partition(f"\n{self.mark}")
        return inside[1:], bool(mark)
