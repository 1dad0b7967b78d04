"""Puts new content in place of a file's old one, and changes nothing else of the file.

A new file is written beside the old one, given all that the old one has (owner, group, mode, access
lists, extended attributes), and takes its name.  Where that is impossible, or something would be
lost, the content is written into the old file itself.  Knows nothing of texts.  What a killed save
left beside a file goes with the next save in its folder (`tui.files.half_saved`).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from tui.files.half_saved import new_file, remove_left

__all__ = ["DamagedError", "replace_content", "why_protected"]

_NO_ATTRIBUTES = frozenset({errno.ENOTSUP, errno.ENOSYS})
_IN_PLACE_HELPS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV, errno.ENAMETOOLONG}
    | {errno.EINVAL, errno.EOVERFLOW}
    | _NO_ATTRIBUTES
)
"""Why no file can be made beside the old one, be like it or take its name, though the old one may
be written: the directory is not ours, or sticky; the file is a mount of its own; the longer name is
too long; the owner has no number here, as in a container."""


class DamagedError(OSError):
    """Neither the new nor the old content is in the file."""


class _WouldChangeError(PermissionError):
    """A new file cannot be all that the old one is."""

    def __init__(self) -> None:
        super().__init__(errno.EPERM, os.strerror(errno.EPERM))


def replace_content(
    path: Path, content: bytes, make_safe: Callable[[], None] | None = None
) -> os.stat_result:
    """Put ``content`` in place of the file that ``path`` leads to; return the file's status.

    At no moment can anyone read the new content who could not read the old.  Other hard links to
    the file keep the old content, unless it had to be written in place.

    Args:
        path: A file, a link to one, or where a new one will be.
        content: All of it.
        make_safe: Called first; keeps the content somewhere else.  If it cannot, the old file
            itself is not written, which a crash could leave half written, and a new one beside it
            outlives one.  None: the content need not be kept.

    Raises:
        OSError: The system refused, or the file is write-protected; it is as it was.
        DamagedError: It is not.
    """
    target = Path(os.path.realpath(path))
    old = target.stat() if target.exists() else None
    if old is not None and (protection := why_protected(target, old)):
        raise OSError(protection)
    unkept = _why_unkept(make_safe)
    try:
        status = _replace(target, content, old, kept=unkept is None)
    except OSError as error:
        if old is None or error.errno not in _IN_PLACE_HELPS:
            raise
    else:
        remove_left(target.parent)
        return status
    if unkept is not None:
        reason = getattr(unkept, "strerror", None) or str(unkept)
        raise OSError(
            "it can only be written in place, and its text cannot be kept safe before "
            f"({reason.lower()}): make room for that, or save a copy elsewhere"
        ) from unkept
    return _overwrite(target, content, old)


def _why_unkept(make_safe: Callable[[], None] | None) -> OSError | UnicodeError | None:
    """Keep content somewhere else; return why that is impossible, None if it is done."""
    try:
        if make_safe is not None:
            make_safe()
    except (OSError, UnicodeError) as error:
        return error
    return None


def why_protected(path: Path, status: os.stat_result) -> str | None:
    """Return why we should not write a file, for a person; None if we may.

    A mode of 0444 holds for root too.
    """
    if not status.st_mode & 0o222:
        return "the file is write-protected; make it writable first (chmod u+w)"
    if os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "the file system is mounted read-only: save a copy elsewhere"
    return "the file is write-protected for you (ls -l and lsattr tell why); save a copy elsewhere"


# ── a new file that takes the name ──────────────────────────────────────────────────────────


def _replace(
    target: Path, content: bytes, old: os.stat_result | None, *, kept: bool
) -> os.stat_result:
    """Write a file beside ``target`` and give it the name.

    Raises:
        OSError: The system refused; nothing has changed.
    """
    # Nobody else may read it until it is what the old one was.  What is new is left to the umask.
    mode = 0o666 if old is None else 0o600
    descriptor, temporary = new_file(target.parent, mode, kept=kept)
    try:
        try:
            _write_all(descriptor, content)
            if old is not None:
                _become(descriptor, target, old)
            os.fsync(descriptor)
            status = os.fstat(descriptor)
            os.replace(temporary, target)
        finally:
            os.close(descriptor)  # the lock, too: until here the file is in use
    except BaseException:
        # The failure to report is the one before; what is left here is a stray file at worst.
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(target.parent)
    return status


def _become(descriptor: int, target: Path, old: os.stat_result) -> None:
    """Give a new file that only we may read everything that the old one has.

    Rights come last, so that nobody gets any before their owner, group and access list are right.

    Raises:
        OSError: Something of it would be lost.
    """
    wanted, given = _attributes(target), _attributes(descriptor)
    for name in given.keys() - wanted.keys():  # the directory's default access list
        os.removexattr(descriptor, name)
    new = os.fstat(descriptor)
    if new.st_gid != old.st_gid:
        os.fchown(descriptor, -1, old.st_gid)
    if new.st_uid != old.st_uid:
        os.fchown(descriptor, old.st_uid, -1)
    for name, value in wanted.items():
        if given.get(name) != value:
            os.setxattr(descriptor, name, value)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    new = os.fstat(descriptor)
    same = (new.st_uid, new.st_gid, new.st_mode) == (old.st_uid, old.st_gid, old.st_mode)
    if not same or _attributes(descriptor) != wanted:
        raise _WouldChangeError


def _attributes(file: Path | int) -> dict[str, bytes]:
    """Return the access lists, labels and other attributes of a file; none where none can be."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        return {name: os.getxattr(file, name) for name in os.listxattr(file)}
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return {}
        raise


def _sync_directory(directory: Path) -> None:
    """Make the new name survive a power cut, if the file system can promise that.

    The content is already in place: a refusal here does not fail the save.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# ── the old file itself ─────────────────────────────────────────────────────────────────────


def _overwrite(target: Path, content: bytes, old: os.stat_result) -> os.stat_result:
    """Write ``content`` into the file itself; put back what was there if that fails.

    Raises:
        OSError: The system refused; the file is as it was.
        DamagedError: It is not.
    """
    descriptor = os.open(target, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != (old.st_dev, old.st_ino):
            raise OSError("another program put another file there just now; save again")
        before = _read_all(descriptor)
        try:
            _set_content(descriptor, content)
        except BaseException as error:
            _put_back(descriptor, before, error)
            raise
        if os.fstat(descriptor).st_mode != old.st_mode:  # writing takes away set-user-id
            with contextlib.suppress(PermissionError):
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _set_content(descriptor: int, content: bytes) -> None:
    """Make ``content`` all that an open file holds, and wait until it is on the disk."""
    if len(content) > os.fstat(descriptor).st_size and hasattr(os, "posix_fallocate"):
        # A full disk shows before the first byte is written.
        os.posix_fallocate(descriptor, 0, len(content))
    os.lseek(descriptor, 0, os.SEEK_SET)
    _write_all(descriptor, content)
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)


def _put_back(descriptor: int, before: bytes, failure: BaseException) -> None:
    """Write back what was there.

    Raises:
        DamagedError: That failed too, after ``failure``.
    """
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        _write_all(descriptor, before)
        os.ftruncate(descriptor, len(before))
        os.fsync(descriptor)
    except OSError as error:
        raise DamagedError(
            f"writing it in place broke off ({failure}), and the old content could not be put back "
            f"({error}); save a copy elsewhere"
        ) from error


def _read_all(descriptor: int) -> bytes:
    """Return what an open file holds."""
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write every byte: one call may write less, as at the end of a full disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
