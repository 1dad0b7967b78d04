"""Tells whether a file on disk is private under any of its names.

A link has two names, and a file with hard links several.  What a name says, `is_secret` tells.
"""

import os
import stat
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from engine.repository.git import GIT, nearest_top
from engine.repository.privacy import PATTERNS, is_secret

__all__ = ["secret_file"]

MAX_SEARCHED = 200_000
"""Entries that are looked at for other names of a file; where there are more, it is private."""
KNOWN_SECONDS = 10.0
"""So long the private files of a repository are remembered."""

_UNKNOWN = "a hard link to an unknown file"


def secret_file(path: str | Path, extra: Sequence[str] = ()) -> str | None:
    """Return the pattern that makes a file on disk private under any of its names, else None.

    Its names are the given one, the same name in the folder where it really lies, the name of the
    file that it links to, and of a file with hard links those in its repository and in the private
    folders of the home.  Links in a circle are judged by their own names.

    Args:
        path: The file, absolute or relative to the working folder; it need not exist.
        extra: As for `is_secret`.
    """
    whole = os.path.abspath(path)
    folder, name = os.path.split(whole)
    real = os.path.realpath(path)
    names = (whole, os.path.join(os.path.realpath(folder), name), real)
    found = (is_secret(each, extra) for each in names)
    pattern = next((pattern for pattern in found if pattern is not None), None)
    return pattern or _secret_twin(Path(real), tuple(extra))


def _secret_twin(path: Path, extra: tuple[str, ...]) -> str | None:
    """Return the pattern of another, private name of the same file; None if none is known."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_nlink == 1:
        return None
    top = nearest_top(path.parent) or path.parent
    twins = _secret_inodes(top, extra, int(time.monotonic() / KNOWN_SECONDS))
    return _UNKNOWN if twins is None else twins.get((status.st_dev, status.st_ino))


@lru_cache(maxsize=4)
def _secret_inodes(
    top: Path, extra: tuple[str, ...], moment: int
) -> dict[tuple[int, int], str] | None:
    """Return the private files with hard links that are known, with their patterns.

    Args:
        top: The repository's folder.
        extra: As for `is_secret`.
        moment: Another one asks anew.

    Returns:
        The pattern for each (device, inode); None if there is too much to search.
    """
    found: dict[tuple[int, int], str] = {}
    searched = 0
    for entry in (*_private_of_home(), *_below(str(top))):
        searched += 1
        if searched > MAX_SEARCHED:
            return None
        pattern = is_secret(entry.path, extra)
        if pattern is not None:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if status.st_nlink > 1:
                found[status.st_dev, status.st_ino] = pattern
    return found


def _private_of_home() -> Iterator["os.DirEntry[str]"]:
    """Yield the files at the top of the home folder and in its private folders."""
    home = os.path.expanduser("~")
    yield from _files_and_folders(home)[0]
    for pattern in PATTERNS:
        if pattern.endswith("/"):
            yield from _below(os.path.join(home, pattern))


def _below(top: str) -> Iterator["os.DirEntry[str]"]:
    """Yield all files below a folder, also those that git ignores; not what git itself keeps."""
    waiting = [top]
    while waiting:
        files, folders = _files_and_folders(waiting.pop())
        yield from files
        waiting += [folder.path for folder in folders if folder.name != GIT]


def _files_and_folders(
    folder: str,
) -> tuple[list["os.DirEntry[str]"], list["os.DirEntry[str]"]]:
    """Return the entries of a folder; nothing if it cannot be read."""
    files: list[os.DirEntry[str]] = []
    folders: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry)
    except OSError:
        return [], []
    return files, folders
