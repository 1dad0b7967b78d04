"""The folder of fetched models: a file for each, beside it a note of where it came from.

``NAME.gguf`` and ``NAME.json`` lie in `engine.paths.models_dir`; what is still on its way lies in
``.work/NAME`` there, so that putting a finished model in place is one rename.  Fetches nothing.
"""

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.errors import StoreError
from engine.model_store.offers import CatalogueModel, offer_named
from engine.notes import read_note
from engine.own_files import make_own
from engine.paths import models_dir

__all__ = [
    "FetchedModel",
    "OriginNote",
    "installed",
    "is_model_name",
    "locked",
    "model_file",
    "note_file",
    "put_in_place",
    "work_folder",
]

SUFFIX = ".gguf"
READ_BYTES = 1 << 22
_WORK = ".work"
_LOCK_POLL_SECONDS = 0.2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")


class OriginNote(msgspec.Struct, frozen=True):
    """What is known of a fetched file that is not in it."""

    sha256: str
    """Digest of the file when it was fetched."""
    size_bytes: int
    source: str
    """``"packages"``, ``"hub"``, ``"url"`` or ``"folder"``."""
    origin: str
    """The repository and file, the address or the folder it came from."""


class FetchedModel(msgspec.Struct, frozen=True):
    """A model in the folder of fetched ones."""

    name: str
    path: Path
    size_bytes: int
    note: OriginNote | None
    """None: somebody put the file there by hand."""

    @property
    def offer(self) -> CatalogueModel | None:
        """Its entry in the catalogue; None for models from elsewhere."""
        return offer_named(self.name)

    @property
    def expected_sha256(self) -> str | None:
        """Its pinned digest, or the one it had when it was fetched; None if neither is known."""
        if self.offer is not None:
            return self.offer.sha256
        return self.note.sha256 if self.note else None


def is_model_name(name: str) -> bool:
    """Tell whether a model in the folder may have this name, which is also its file's."""
    return _NAME.fullmatch(name) is not None


def model_file(name: str) -> Path:
    """Return where the file of a fetched model lies, or would lie."""
    return models_dir() / f"{name}{SUFFIX}"


def note_file(name: str) -> Path:
    """Return where the note about a fetched model lies, or would lie."""
    return models_dir() / f"{name}.json"


def work_folder(name: str) -> Path:
    """Return the folder of what has come so far of a model."""
    return models_dir() / _WORK / name


def installed() -> tuple[FetchedModel, ...]:
    """Return all fetched models by name; a folder that is not there holds none."""
    try:
        files = sorted(models_dir().glob(f"*{SUFFIX}"))
        names = [file.name.removesuffix(SUFFIX) for file in files if file.is_file()]
        return tuple(_fetched(name) for name in names if is_model_name(name))
    except OSError:  # no folder of ours, or one that nobody may read
        return ()


def _fetched(name: str) -> FetchedModel:
    path = model_file(name)
    return FetchedModel(name, path, path.stat().st_size, _read_note(name))


def _read_note(name: str) -> OriginNote | None:
    """Return the note; one that cannot be read is as good as none, for `verify` will say so."""
    return read_note(note_file(name), OriginNote, None)


def put_in_place(whole: Path, name: str, note: OriginNote) -> FetchedModel:
    """Move a finished and checked file to its place.

    The note comes first: one without a file means nothing, a file without one could not be
    verified.
    """
    draft = work_folder(name) / "note"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(note)))
    _flush(whole)
    draft.replace(note_file(name))
    whole.replace(model_file(name))
    return _fetched(name)


def _flush(file: Path) -> None:
    """Have a file's bytes on the disk before its name says that they are there."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(name: str, on_wait: Callable[[], None] | None) -> Iterator[None]:
    """Hold the lock on a model: one process at a time fetches or removes it.

    Args:
        name: The model.
        on_wait: Called again and again while another process holds the lock, and may raise to
            give up; None gives up at once.

    Raises:
        StoreError: The folder cannot be written, or another process holds the lock and there is
            no ``on_wait``.
    """
    folder = models_dir() / _WORK
    try:
        make_own(folder)
        lock = os.open(folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror}); set SPARK_MODELS_DIR to a folder "
            "that can"
        ) from error
    try:
        while not _take(lock, folder):
            if on_wait is None:
                raise StoreError(
                    f"{name} is being fetched or adapted by another process; wait for it, or end it"
                )
            on_wait()
            time.sleep(_LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise StoreError(
                f"{folder} lies on a file system without locks; set SPARK_MODELS_DIR to another"
            ) from error
        raise
    return True
