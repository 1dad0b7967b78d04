"""Stores unsaved texts so that they survive a crash: one file per edited file, private to the user.

Reads, and writes atomically.  `tui.flows.recovery_flow` decides which texts to keep, and when.
"""

import hashlib
import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

__all__ = ["RecoveredText", "RecoveryStore"]


class _Record(msgspec.Struct, frozen=True):
    """The content of a recovery file; bytes, since neither names nor texts need be Unicode."""

    path: bytes
    text: bytes
    saved_at: float
    """Seconds since the epoch."""
    pid: int
    """The process that wrote it; while it lives, the text is left to it."""


@dataclass(frozen=True, slots=True)
class RecoveredText:
    """Unsaved text that was left behind."""

    path: Path
    text: str
    saved_at: float
    """Seconds since the epoch."""
    record: Path
    """The recovery file that holds it."""


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
        content = text.encode("utf-8", "surrogatepass")
        record = _Record(os.fsencode(path), content, time.time(), os.getpid())
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.msgpack.encode(record))
                file.flush()
                os.fsync(handle)
            os.replace(temporary, self.record_of(path))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def find(self, path: Path) -> RecoveredText | None:
        """Return the newest unsaved text of ``path`` that was left behind; None if there is none.

        Such texts are the last one of a process that is gone, and those that were set aside.
        """
        current = self.record_of(path)
        aside = self._folder.glob(f"{current.stem}-*")
        texts = [_read(current, others=False), *(_read(file, others=True) for file in aside)]
        known = [found for found in texts if found is not None]
        return max(known, key=lambda found: found.saved_at, default=None)

    def set_aside(self, found: RecoveredText) -> None:
        """Keep a text for later, where neither `write` nor `remove` touches it.

        Raises:
            OSError: The folder cannot be written.
        """
        current = self.record_of(found.path)
        if found.record == current:
            os.replace(current, current.with_stem(f"{current.stem}-{secrets.token_hex(6)}"))

    def forget(self, found: RecoveredText) -> None:
        """Remove one text that was left behind.

        Raises:
            OSError: The folder cannot be written.
        """
        found.record.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Forget the text written for ``path``, if there is one; texts set aside stay."""
        self.record_of(path).unlink(missing_ok=True)

    def record_of(self, path: Path) -> Path:
        """Return the recovery file of ``path``; its name does not reveal the path."""
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return self._folder / f"{digest}.msgpack"


def _read(file: Path, *, others: bool) -> RecoveredText | None:
    """Return the text in a recovery file; None if there is nothing to restore.

    Args:
        file: The recovery file.
        others: Whether to return the text of another process that still lives.
    """
    try:
        record = msgspec.msgpack.decode(file.read_bytes(), type=_Record)
        text = record.text.decode("utf-8", "surrogatepass")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not others and record.pid != os.getpid() and _alive(record.pid):
        return None
    return RecoveredText(Path(os.fsdecode(record.path)), text, record.saved_at, file)


def _alive(pid: int) -> bool:
    """Return whether a process of that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
