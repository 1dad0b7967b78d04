"""Finds the files of a repository that may be read, and reads them.

It leaves out files that git ignores, files that are private under any of their names, links and
large files.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.plain_files import read_plain
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import list_files
from engine.repository.secret_files import secret_file

__all__ = ["FoundFiles", "ReadableFile", "find_files", "look_at", "read_text"]

MAX_FILES = 2_000
MAX_FILE_BYTES = 200_000
"""A larger file is data, or a program wrote it."""
MAX_TOTAL_BYTES = 8_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadableFile:
    """A file that may be read, as it was when the folder was listed."""

    name: str
    """Path relative to the repository, with ``/``."""
    path: Path
    size_bytes: int
    changed_ns: int
    """Time of the last change, from the file system."""


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The readable files of a repository."""

    files: list[ReadableFile]
    """The nearest first."""
    left_out: int
    """Files with the right endings that are one too many; some may not be readable."""
    whole: bool
    """Whether every folder was looked at."""


def find_files(
    root: Path, suffixes: Sequence[str], private_patterns: Sequence[str], near: str = ""
) -> FoundFiles:
    """Return the readable files of a repository, those nearest to ``near`` first.

    `MAX_FILES` and `MAX_TOTAL_BYTES` limit the list; the farthest are left out.

    Args:
        root: The repository's folder.
        suffixes: Endings of the file names to list.
        private_patterns: More patterns of private files, from a person's settings.
        near: Name of a file; if empty, the files keep the order of their folders.
    """
    listing = list_files(IgnoreRules(root), near=near, suffixes=suffixes)
    found = FoundFiles([], listing.left_out, listing.whole)
    total = 0
    for i, name in enumerate(listing.names):
        file = look_at(root, root / name, private_patterns)
        if file is None:
            continue
        total += file.size_bytes
        if len(found.files) == MAX_FILES or total > MAX_TOTAL_BYTES:
            return replace(found, left_out=found.left_out + len(listing.names) - i)
        found.files.append(file)
    return found


def read_text(file: ReadableFile) -> str | None:
    """Return the text of a file; None if it is gone, unreadable, too large or not UTF-8 text."""
    try:
        data = read_plain(file.path, MAX_FILE_BYTES)
    except OSError as error:
        _log.info("a file of the repository cannot be read: %s", error.strerror)
        return None
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def look_at(root: Path, path: Path, private_patterns: Sequence[str]) -> ReadableFile | None:
    """Return the file at a path if it may be read, else None.  Does not open it."""
    if path.is_symlink() or secret_file(path, private_patterns) is not None:
        return None
    try:
        state = os.stat(path)
    except OSError:  # gone since the folder was listed
        return None
    if not 0 < state.st_size <= MAX_FILE_BYTES or not os.path.isfile(path):
        return None
    return ReadableFile(path.relative_to(root).as_posix(), path, state.st_size, state.st_mtime_ns)
