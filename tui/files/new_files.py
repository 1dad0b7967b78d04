"""Writes new files under names that are free: never over another, and whole or not at all."""

import os
import tempfile
from itertools import count
from pathlib import Path

from engine.own_files import make_own

__all__ = ["write_new"]


def write_new(folder: Path, stem: str, suffix: str, text: str) -> Path:
    """Write a new file and return its path.

    Args:
        folder: Where; it is made if need be, and then only this user can enter it.
        stem: The name; where it is taken, ``-2``, ``-3`` … follows.
        suffix: The end of the name, with its dot.
        text: The content.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    make_own(folder)
    handle, whole = tempfile.mkstemp(prefix=".spark-", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _linked(Path(whole), folder, stem, suffix)
    finally:
        os.unlink(whole)


def _linked(whole: Path, folder: Path, stem: str, suffix: str) -> Path:
    """Give a file the first free name; a link is refused where a name is taken, whoever has it."""
    for number in count(1):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            os.link(whole, path)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # numbers do not end
