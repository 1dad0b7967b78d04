"""Unsaved text that survives a crash: one file per edited file, private to the user.

Writes atomically and reads; which files are worth keeping, and when, is decided elsewhere.
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path

import msgspec

__all__ = ["RecoveredText", "RecoveryStore"]


class RecoveredText(msgspec.Struct, frozen=True):
    """What a recovery file holds."""

    path: str
    text: str
    saved_at: float
    """Seconds since the epoch."""
    pid: int
    """The process that wrote it; while it lives, the text is its own business."""


class RecoveryStore:
    """The folder of unsaved texts.

    Args:
        folder: Created, readable by the user alone, with the first text.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, path: Path, text: str) -> None:
        """Keep ``text`` as the unsaved content of ``path``.

        Raises:
            OSError: The folder cannot be written.
        """
        record = RecoveredText(str(path), text, time.time(), os.getpid())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.msgpack.encode(record))
                file.flush()
                os.fsync(handle)
            os.replace(temporary, self._file_of(path))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def find(self, path: Path) -> RecoveredText | None:
        """Return the unsaved text of ``path`` that a process which is gone left behind."""
        try:
            data = self._file_of(path).read_bytes()
            record = msgspec.msgpack.decode(data, type=RecoveredText)
        except (OSError, msgspec.DecodeError):  # none, or not one we could restore
            return None
        foreign = record.pid != os.getpid() and _alive(record.pid)
        return None if foreign else record

    def remove(self, path: Path) -> None:
        """Forget the unsaved text of ``path``, if there is one."""
        self._file_of(path).unlink(missing_ok=True)

    def _file_of(self, path: Path) -> Path:
        """Return the recovery file of ``path``; its name tells nothing about the path."""
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return self._folder / f"{digest}.msgpack"


def _alive(pid: int) -> bool:
    """Tell whether a process of that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
