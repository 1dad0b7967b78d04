"""Folders and files that nobody but this user can have written: makes such folders, tells whether.

What is read from a cache may be run (compiled kernels, pickled prices), so it must be our own.
"""

import os
import stat
import tempfile
from pathlib import Path

__all__ = ["is_own", "make_own", "refusal", "unwritable"]

_PRIVATE = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PROBE = bytes(4096)
"""On a full disk an empty file can be made, and nothing be written to it."""


def make_own(folder: Path) -> None:
    """Make a folder and those above it that are missing; only this user can enter them.

    Raises:
        OSError: It cannot be made, or is no folder.
    """
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(mode=_PRIVATE, exist_ok=True)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)


def refusal(folder: Path) -> str | None:
    """Make a folder private to this user; return why it cannot be used, None if it can.

    A link is refused, as is a folder of another user and one below a folder where anybody may put
    another in its place.
    """
    try:
        make_own(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return "it is not a folder"
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        if (open_to_all := _replaceable(folder)) is not None:
            return f"anybody may write to {open_to_all}"
        if stat.S_IMODE(found.st_mode) != _PRIVATE:
            folder.chmod(_PRIVATE)
    except OSError as error:
        return error.strerror or str(error)
    return unwritable(folder)


def unwritable(folder: Path) -> str | None:
    """Make a folder, whoever owns it; return why nothing can be kept in it, None if it can."""
    try:
        make_own(folder)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(_PROBE)
    except OSError as error:  # also a full disk, and one mounted for reading
        return error.strerror or str(error)
    return None


def _replaceable(folder: Path) -> Path | None:
    """Return the nearest folder above one in which anybody may rename what is not theirs."""
    for above in folder.resolve().parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return above
    return None


def is_own(file: Path) -> bool:
    """Return whether a file is a plain one of this user that nobody else can have written.

    A file that is not there is nobody's.
    """
    try:
        found = file.lstat()
    except OSError:
        return False
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    return ours and not found.st_mode & _OTHERS_WRITE
