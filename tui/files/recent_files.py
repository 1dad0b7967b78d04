"""Remembers which files of a repository were open, the newest first; in the state folder.

A note that may be lost: where it cannot be written, the next start knows none.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from engine.notes import read_note, write_note

__all__ = ["RecentFiles"]

_KEPT = 50


class _Note(msgspec.Struct, frozen=True):
    """What the file holds."""

    repository: str
    files: tuple[str, ...] = ()
    """Relative to the repository, or absolute outside of it."""


class RecentFiles:
    """The files of one repository that were open.

    Args:
        folder: Where each repository has a note.
        repository: The repository's folder.
    """

    def __init__(self, folder: Path, repository: Path) -> None:
        self._repository = str(repository)
        name = hashlib.blake2b(os.fsencode(repository), digest_size=12).hexdigest()
        self._file = folder / f"{name}.json"

    def read(self) -> list[Path]:
        """Return the files that are still there, the newest first."""
        note = read_note(self._file, _Note, None)
        names = () if note is None or note.repository != self._repository else note.files
        paths = [Path(self._repository, name) for name in names]
        return [path for path in paths if os.path.isfile(path)]

    def add(self, path: Path) -> None:
        """Put a file in front of the others."""
        paths = [path, *(each for each in self.read() if each != path)][:_KEPT]
        names = tuple(self._name(each) for each in paths)
        write_note(self._file, _Note(self._repository, names))

    def _name(self, path: Path) -> str:
        inside = path.is_relative_to(self._repository)
        return str(path.relative_to(self._repository) if inside else path)
