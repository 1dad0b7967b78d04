"""Stores unsaved texts so that they survive a crash: one file per window and edited file.

Private to the user.  Reads, and writes atomically.  A window never touches what another one keeps
as long as that one lives.  `tui.flows.files.recovery_flow` decides which texts to keep, and when.
"""

import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import msgspec

from engine.own_files import make_own
from tui.files.processes import ProcessIdentity, identity_of, lives

__all__ = ["RecoveredText", "RecoveryStore"]

_SUFFIX = ".msgpack"
_DRAFT = ".new-"
_DRAFT_SECONDS = 3600.0
"""After so long a draft is no longer being written: its process was killed."""


class _Record(msgspec.Struct, frozen=True):
    """The content of a recovery file; bytes, since neither names nor texts need be Unicode."""

    path: bytes
    text: bytes
    saved_at: float
    """Seconds since the epoch."""
    pid: int
    """The process that wrote it; while it lives, the text is left to it."""
    started: str = ""
    """When that process began: another may have its number by now."""


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
    """The unsaved texts of one window, and those that other windows left behind.

    Any thread may call; one write or removal happens at a time.

    Args:
        folder: Created, readable by the user alone, with the first text.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: dict[Path, Path] = {}  # edited file: the record that holds its text
        self._own: ProcessIdentity | None = None  # not asked for before the first paint
        self._lock = Lock()

    def write(self, path: Path, text: str) -> None:
        """Keep ``text`` as the unsaved content of ``path`` in this window.

        Raises:
            OSError: The folder cannot be written; the text kept before is still there.
        """
        content = text.encode("utf-8", "surrogatepass")
        with self._lock:
            own = self._own = self._own or identity_of()
            record = _Record(os.fsencode(path), content, time.time(), own.pid, own.started)
            place = self._records.get(path) or self._new_place(path)
            make_own(self._folder)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=_DRAFT)  # mode 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.msgpack.encode(record))
                    file.flush()
                    os.fsync(handle)
                os.replace(temporary, place)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            self._records[path] = place

    def holds(self, path: Path) -> bool:
        """Return whether this window keeps a text of ``path``, and it is there."""
        place = self._records.get(path)
        return place is not None and os.path.exists(place)

    def find(self, path: Path) -> RecoveredText | None:
        """Return the newest text of ``path`` that a window left behind; None if there is none.

        Such windows are those whose process is gone, and earlier ones of this process.
        """
        texts = self._left(f"{_digest(path)}*{_SUFFIX}")
        return max(texts, key=lambda found: found.saved_at, default=None)

    def left_behind(self) -> list[Path]:
        """Return the files of which windows left texts behind, in the order of their names.

        Removes drafts that a process left when it was killed: nobody could discard them.
        """
        for draft in self._folder.glob(f"{_DRAFT}*"):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                    draft.unlink()
        return sorted({found.path for found in self._left(f"*{_SUFFIX}")})

    def forget(self, found: RecoveredText) -> None:
        """Remove one text that was left behind.

        Raises:
            OSError: The folder cannot be written.
        """
        found.record.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Forget what this window keeps of ``path``; texts of other windows stay.

        Raises:
            OSError: The folder cannot be written.  The text then counts as left behind.
        """
        with self._lock:
            place = self._records.pop(path, None)
            if place is not None:
                place.unlink(missing_ok=True)

    def _new_place(self, path: Path) -> Path:
        """Return a name for a record that no other window can have; it does not tell the path."""
        return self._folder / f"{_digest(path)}-{secrets.token_hex(8)}{_SUFFIX}"

    def _left(self, pattern: str) -> Iterator[RecoveredText]:
        """Yield the texts in records of such names that belong to no living window."""
        with self._lock:
            own = set(self._records.values())
        for file in self._folder.glob(pattern):
            if file not in own and (found := _read(file)) is not None:
                yield found


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _read(file: Path) -> RecoveredText | None:
    """Return the text in a record; None if it cannot be read or its process still lives."""
    try:
        record = msgspec.msgpack.decode(file.read_bytes(), type=_Record)
        text = record.text.decode("utf-8", "surrogatepass")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if record.pid != os.getpid() and lives(ProcessIdentity(record.pid, record.started)):
        return None
    return RecoveredText(Path(os.fsdecode(record.path)), text, record.saved_at, file)
