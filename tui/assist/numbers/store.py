"""Keeps the counts in one file of the state folder, which several windows add to.

A window gives what it counted since it last did; under a lock that is added to what is there, and
the file is replaced in one step.  Counts may be lost with a file that is spoilt, never invented.
"""

import datetime as dt
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.notes import read_note, write_note
from engine.own_files import make_own
from tui.assist.numbers.counts import DailyCounts

__all__ = ["NumbersStore"]


class NumbersStore:
    """The counts on disk.

    Args:
        file: Made with the first counts, readable by the user alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> DailyCounts:
        """Return what is kept; nothing if there is no file, or none that can be read."""
        found = read_note(self._file, DailyCounts, None)
        return found if found is not None and found.version == 1 else DailyCounts()

    def add(self, counts: DailyCounts, today: dt.date) -> None:
        """Add counts to those that are kept; forget the days that are too long ago.

        Raises:
            OSError: The folder cannot be written; nothing was added.
        """
        with self._locked():
            kept = read_note(self._file, DailyCounts, DailyCounts())
            if kept.version != 1:
                return  # a later release's: what we do not understand stays as it is
            kept.add(counts)
            kept.prune(today)
            write_note(self._file, kept)

    def clear(self) -> None:
        """Forget everything.

        Raises:
            OSError: The file cannot be removed.
        """
        with self._locked():
            self._file.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other windows out; they take milliseconds."""
        make_own(self._file.parent)
        with open(self._file.with_suffix(".lock"), "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
