"""The files that saves write beside those they replace: makes them, and removes what a kill left.

A save holds a lock on its file until it ends, so neither clocks nor process numbers decide which
files are left over: that also holds in folders that containers share.  Where the file system has no
locks, nothing is removed.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["new_file", "remove_left"]

_TRIES = 8
"""Names that are tried: `remove_left` of another process may take a new file for left over."""
_KEPT = re.compile(r"\.spark-saving-[0-9a-f]{12}\.tmp")


def new_file(folder: Path, mode: int, *, kept: bool) -> tuple[int, Path]:
    """Make a file for new content; return its descriptor, locked and open for writing, and path.

    Args:
        folder: Where the file goes that it will replace.
        mode: Less the umask.
        kept: Whether the content is safe elsewhere, or is worth nothing: `remove_left` removes the
            file if the process is killed.  One that may be the only copy has another name.

    Raises:
        OSError: The system refused.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    for _ in range(_TRIES):
        # The name is short and our own: one made of the file's could be longer than a name may be.
        path = folder / f".spark-{'saving-' if kept else ''}{secrets.token_hex(6)}.tmp"
        descriptor = os.open(path, flags, mode)
        if _is_ours(descriptor):
            return descriptor, path
        os.close(descriptor)
    raise OSError("another program removes each new file at once")


def _is_ours(descriptor: int) -> bool:
    """Lock a new file; return False if somebody removed it before that, or is about to."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here: nobody can remove it
        return True
    return os.fstat(descriptor).st_nlink > 0


def remove_left(folder: Path) -> None:
    """Remove the files that killed saves left in a folder and whose content is not needed.

    Leaves alone what belongs to somebody else, is not plain, has another name as well, or is being
    written.  What cannot be looked at or removed stays.
    """
    for path in _named_so(folder):
        with suppress(OSError), _locked(path) as descriptor:
            if _is_own_plain(os.fstat(descriptor)) and _still_named(path, descriptor):
                os.unlink(path)


def _named_so(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if _KEPT.fullmatch(entry.name)]
    except OSError:
        return []


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """Open a file and hold its lock.

    Raises:
        OSError: It cannot be opened, or somebody holds the lock.
    """
    # A lock across a network wants a file that is open for writing.  No pipe is waited for.
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_own_plain(status: os.stat_result) -> bool:
    own = status.st_uid == os.geteuid() and status.st_nlink == 1
    return own and stat.S_ISREG(status.st_mode)


def _still_named(path: str, descriptor: int) -> bool:
    return os.path.samestat(os.lstat(path), os.fstat(descriptor))
