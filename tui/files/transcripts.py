"""Keeps the conversation about a repository in the state folder: what was asked and answered.

What the model was shown is not kept, only which lines.  Several windows add to one file, under a
lock and in one step, so that a process that is killed leaves the file as it was or whole.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.own_files import make_own
from engine.plain_files import read_plain
from engine.protocol.asking import ReadPart

__all__ = ["MOST_BYTES", "MOST_TURNS", "KeptTurn", "Transcript"]

MOST_TURNS = 60
MOST_BYTES = 512 * 1024
"""Of a longer conversation the oldest turns are forgotten."""
_LARGEST_FILE = 8 * MOST_BYTES
"""A larger file is none of ours."""
_VERSION = 1


class KeptTurn(msgspec.Struct, frozen=True):
    """A question and its answer."""

    key: str
    """Tells it from all others; the same key replaces it."""
    asked_at: float
    """Seconds since 1970."""
    question: str
    answer: str = ""
    """Markdown, as the model wrote it."""
    parts: tuple[ReadPart, ...] = ()
    """Lines that the model was shown."""
    note: str = ""
    """Why there is no whole answer, for a person; empty if there is one."""
    cost: str = ""
    """What the answer took, as it was shown."""


class _File(msgspec.Struct, frozen=True):
    version: int
    repository: str
    turns: tuple[KeptTurn, ...]


class Transcript:
    """The conversation about one repository, on disk.

    Args:
        folder: Of all conversations; made with the first, for the user alone.
        repository: The repository's folder.
    """

    def __init__(self, folder: Path, repository: Path) -> None:
        self._folder = folder
        self._repository = os.fsencode(repository).decode("utf-8", "replace")
        self._file = folder / f"{hashlib.sha256(os.fsencode(repository)).hexdigest()[:32]}.json"

    def read(self) -> tuple[KeptTurn, ...]:
        """Return the turns, the oldest first; none if there is no file, or none of ours."""
        try:
            found = msgspec.json.decode(read_plain(self._file, _LARGEST_FILE), type=_File)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ()
        return found.turns if found.version == _VERSION else ()

    def keep(self, turn: KeptTurn) -> None:
        """Add a turn, or put it in the place of the one with its key.

        Raises:
            OSError: The folder cannot be written; the file is as it was.
        """
        with self._locked():
            before = self.read()
            known = any(each.key == turn.key for each in before)
            replaced = tuple(turn if each.key == turn.key else each for each in before)
            self._write(_bounded(replaced if known else (*before, turn)))

    def clear(self) -> None:
        """Forget the conversation.

        Raises:
            OSError: The file cannot be removed.
        """
        with self._locked():
            self._file.unlink(missing_ok=True)

    def _write(self, turns: tuple[KeptTurn, ...]) -> None:
        content = msgspec.json.encode(_File(_VERSION, self._repository, turns))
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, self._file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other windows out; they take milliseconds."""
        make_own(self._folder)
        with open(self._folder / ".lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _bounded(turns: tuple[KeptTurn, ...]) -> tuple[KeptTurn, ...]:
    """Return the latest turns that a file holds; of one turn too large, the beginnings."""
    turns = tuple(map(_encodable, turns[-MOST_TURNS:]))
    sizes = [len(msgspec.json.encode(turn)) for turn in turns]
    while len(turns) > 1 and sum(sizes) > MOST_BYTES:
        turns, sizes = turns[1:], sizes[1:]
    return turns


def _encodable(turn: KeptTurn) -> KeptTurn:
    """Return a turn that UTF-8 can encode, its texts cut to a share of the file."""
    most = MOST_BYTES // 16
    return msgspec.structs.replace(
        turn,
        question=_plain(turn.question)[:most],
        answer=_plain(turn.answer)[:most],
        parts=tuple(msgspec.structs.replace(p, path=_plain(p.path)) for p in turn.parts),
        note=_plain(turn.note),
        cost=_plain(turn.cost),
    )


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
