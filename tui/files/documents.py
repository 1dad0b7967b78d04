r"""A text file on disk: opened, watched for changes by others, saved atomically.

The text handed out has ``\n`` line endings only; those of the file, its byte order mark and its
missing final newline come back on save, so that saving an unedited file changes no byte.  Knows
neither the editor nor Textual.  Its methods block, and may run in any thread, one at a time.

    DocumentError
    ├── OpenError         the file cannot be shown as text
    └── SaveError         the file could not be written; what was there before still is
        └── ChangedOnDisk somebody else wrote or deleted the file since it was read
"""

import errno
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from engine.plain_files import open_plain
from tui.files.replacing import DamagedError, replace_content, why_protected

__all__ = ["MAX_BYTES", "ChangedOnDisk", "Document", "DocumentError", "OpenError", "SaveError"]

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are refused: the editor holds a text as Python strings, several times its size."""

_BOM = b"\xef\xbb\xbf"
_ENDING = re.compile(r"\r\n|\n|\r")

_NO_ADVICE: Mapping[int, str] = {}
_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and save again",
    errno.EDQUOT: "your disk quota is used up: free some space and save again",
    errno.EFBIG: "the file would be larger than the limit for files (ulimit -f)",
    errno.EROFS: "the file system is mounted read-only: save a copy elsewhere",
    errno.EACCES: "check who may write to its directory (ls -ld)",
    errno.EPERM: "neither the file nor its directory may be changed (ls -ld, lsattr)",
    errno.ENOENT: "its directory is gone: make it again, then save",
    errno.ENOTDIR: "its directory is gone: make it again, then save",
    errno.ENAMETOOLONG: "its name is too long for the file system",
    errno.EIO: "the disk reports an error: save a copy elsewhere",
}
"""What to do about a save that the system refused."""


class DocumentError(Exception):
    """Something went wrong with a file; the message is one line for a person."""


class OpenError(DocumentError):
    """A file cannot be shown as text."""


class SaveError(DocumentError):
    """A file could not be written; what was there before still is."""


class ChangedOnDisk(SaveError):
    """The file was changed, made or deleted by somebody else since it was read or saved.

    Args:
        path: The file.
        what: ``"changed"``, ``"created"``, ``"deleted"`` or ``"made unreadable"``.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} was {what} on disk since it was opened here")
        self.path = path
        self.what = what


class Document:
    r"""One file as it was last read or saved.

    Attributes:
        path: As the person named it; may be a symbolic link.
        text: Its text, with ``\n`` line endings.
        newline: The line ending of new lines: that of most lines.
        read_only: Why the text cannot be saved, for a person; None if it can.

    Args:
        path: Where a new file will be.  For one that exists, use `open`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.text = ""
        self.newline = "\n"
        self.read_only: str | None = None
        self._bom = False
        self._endings: tuple[str, ...] | None = None  # None: every line ends with `newline`
        self._stamp: _Stamp | None = None  # None: there is no file yet
        self._digest = b""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Document":
        """Return the document for the file at ``path``; a missing file gives an empty new one.

        A file that is not valid UTF-8 is read-only, with � in place of wrong bytes: saving it
        would change bytes that nobody edited.

        Raises:
            OpenError: A directory, a device, a binary file, a file larger than `MAX_BYTES`, one
                that may not be read, or a new one in a directory that does not exist.
        """
        document = cls(path)
        document.reload()
        return document

    def copy_to(self, path: str | os.PathLike[str]) -> "Document":
        """Return a document for ``path`` with the text, line endings and mark of this one.

        Only looks at what is at ``path``; `save` with ``overwrite`` replaces it.

        Raises:
            OpenError: As for `open`.
        """
        copy = Document.open(path)
        copy.text, copy.newline = self.text, self.newline
        copy._bom, copy._endings = self._bom, self._endings
        return copy

    def moved_to(self, path: str | os.PathLike[str]) -> None:
        """Follow the file to the path that it was moved to."""
        self.path = Path(path)

    @property
    def is_new(self) -> bool:
        """Whether there was no file when it was last looked at."""
        return self._stamp is None

    @property
    def mixed_newlines(self) -> bool:
        """Whether lines end in different ways; each old line keeps its own ending."""
        return self._endings is not None

    def reload(self) -> None:
        """Read the file again, whatever was known of it.

        Raises:
            OpenError: As for `open`; the document is as it was.
        """
        read = _read_text_file(self.path)
        fresh = Document(self.path)
        if read is not None:
            fresh._take(*read)
        vars(self).update(vars(fresh))

    def change_on_disk(self) -> str | None:
        """Return what others did to the file, in the words of `ChangedOnDisk`, or None.

        Compares the contents if time, size or inode differ: a file that was only touched, or
        written with the same bytes, is unchanged.
        """
        try:
            now = _stamp_of(self.path.stat())
            if now == self._stamp:
                return None
            if self._stamp is None:
                return "created"
            if now.size > MAX_BYTES:
                return "changed"
            content, status = _read(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return None if self._stamp is None else "deleted"
        except OSError:
            return "made unreadable"
        if _digest(content) != self._digest:
            return "changed"
        self._stamp = _stamp_of(status)
        return None

    def save(
        self,
        text: str,
        *,
        overwrite: bool = False,
        make_safe: Callable[[], None] | None = None,
    ) -> None:
        r"""Write ``text`` in place of the file, completely or not at all.

        Nothing but the content changes (see `tui.files.replacing`).  A symbolic link still leads
        to the same place.

        Args:
            text: With ``\n`` line endings.
            overwrite: Write even if somebody else changed the file.
            make_safe: Keeps the text elsewhere, for a crash in the middle; None: nobody needs it.

        Raises:
            ChangedOnDisk: Somebody else did, and ``overwrite`` is False.
            SaveError: The file is read-only, or the system refused; the message says what to do.
        """
        if self.read_only:
            raise SaveError(f"{self.path} is not saved: {self.read_only}")
        if not overwrite and (change := self.change_on_disk()):
            raise ChangedOnDisk(self.path, change)
        try:
            endings = self._endings_for(text)
            content = _encode(text, endings or self.newline, bom=self._bom)
            status = replace_content(self.path, content, make_safe)
        except DamagedError as error:
            raise SaveError(f"{self.path} is not saved and damaged: {error}") from error
        except OSError as error:
            reason = _reason(error, _ADVICE)
            raise SaveError(
                f"{self.path} is not saved, what was on disk is as it was: {reason}"
            ) from error
        except UnicodeEncodeError as error:
            raise SaveError(
                f"{self.path} is not saved: character {error.start} of the text is half a "
                "surrogate pair, which UTF-8 cannot hold; delete it"
            ) from error
        self.text, self._endings = text, endings
        self._stamp, self._digest = _stamp_of(status), _digest(content)

    def _take(self, content: bytes, status: os.stat_result) -> None:
        """Become the document of a file's content."""
        self._stamp, self._digest = _stamp_of(status), _digest(content)
        self._bom = content.startswith(_BOM)
        body = content[len(_BOM) :] if self._bom else content
        try:
            raw = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raw = body.decode("utf-8", "replace")
            line = body.count(b"\n", 0, error.start) + 1
            self.read_only = (
                f"not valid UTF-8 (byte 0x{body[error.start]:02x} in line {line}), so it is shown "
                "read-only; convert it first (iconv -t utf-8)"
            )
        if self.read_only is None:
            self.read_only = why_protected(self.path, status)
        endings = tuple(_ENDING.findall(raw))
        self.text = _ENDING.sub("\n", raw)
        self.newline = _most_common(endings)
        self._endings = endings if len(set(endings)) > 1 else None

    def _endings_for(self, text: str) -> tuple[str, ...] | None:
        """Return the ending of each line of ``text``: an old line keeps its own."""
        if self._endings is None:
            return None
        old, new = self.text.split("\n"), text.split("\n")
        endings = [self.newline] * (len(new) - 1)
        for old_row, new_row in _kept_rows(old, new):
            if old_row < len(self._endings) and new_row < len(endings):
                endings[new_row] = self._endings[old_row]
        for row in range(1, len(endings)):
            # An edit brought them together; as they are, they would read as one line ending.
            if endings[row - 1 : row + 1] == ["\r", "\n"] and not new[row]:
                endings[row] = "\r"
        return tuple(endings)


class _Stamp(NamedTuple):
    """Tells two states of a file apart without reading it."""

    mtime_ns: int
    size: int
    inode: int
    device: int


def _read_text_file(path: Path) -> tuple[bytes, os.stat_result] | None:
    """Return the content of a file that can be edited, or None if there is no file yet.

    Raises:
        OpenError: As for `Document.open`.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if not Path(os.path.realpath(path)).parent.is_dir():
            raise OpenError(
                f"{path}: there is no directory {path.parent}; make it first (mkdir -p)"
            ) from None
        return None
    except (OSError, ValueError) as error:
        raise OpenError(f"{path} cannot be opened: {_reason(error)}") from error
    if stat.S_ISDIR(status.st_mode):
        raise OpenError(f"{path} is a directory; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise OpenError(f"{path} is not a regular file (a device, pipe or socket)")
    if status.st_size > MAX_BYTES:
        raise OpenError(
            f"{path} has {status.st_size / 1e6:,.0f} MB; files up to "
            f"{MAX_BYTES / 1e6:,.0f} MB can be edited"
        )
    try:
        content, status = _read(path)
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {_reason(error)}") from error
    if b"\0" in content:
        kind = "UTF-16 text" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "a binary file"
        raise OpenError(
            f"{path} is {kind} (NUL byte at offset {content.index(0)}); only UTF-8 text can be "
            "edited"
        )
    return content, status


def _most_common(endings: tuple[str, ...]) -> str:
    r"""Return the ending that most lines have; ``\n`` on a draw, or if there is none."""
    counts = Counter(endings)
    return max(counts, key=lambda ending: (counts[ending], ending == "\n"), default="\n")


def _encode(text: str, endings: tuple[str, ...] | str, *, bom: bool) -> bytes:
    """Return the bytes of ``text``, its n-th line ending as ``endings`` says, or all alike."""
    if isinstance(endings, str):
        joined = text.replace("\n", endings)
    else:
        pairs = zip_longest(text.split("\n"), endings, fillvalue="")
        joined = "".join(part for pair in pairs for part in pair)
    return (_BOM if bom else b"") + joined.encode("utf-8")


def _kept_rows(old: list[str], new: list[str]) -> Iterator[tuple[int, int]]:
    """Yield (old row, new row) of every line that is in both texts, edited or not."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        yield head, head
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
        yield len(old) - tail, len(new) - tail
    matcher = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        # Lines replaced one for one are edited lines; of others there is no way to tell.
        if kind == "equal" or (kind == "replace" and old_end - old_start == new_end - new_start):
            for step in range(old_end - old_start):
                yield head + old_start + step, head + new_start + step


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _stamp_of(status: os.stat_result) -> _Stamp:
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """Return a file's bytes and the status of exactly that file, from before they were read.

    Were it from afterwards, what somebody wrote in between would never be noticed.

    Raises:
        OSError: It cannot be read, is no plain file, or has more than `MAX_BYTES`.
    """
    with open_plain(path) as file:
        status = os.fstat(file.fileno())
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content, status


def _reason(error: Exception, advice: Mapping[int, str] = _NO_ADVICE) -> str:
    """Return in one line what happened and, where ``advice`` knows, what to do."""
    if isinstance(error, OSError) and error.errno is not None:
        known = advice.get(error.errno)
        plain = (error.strerror or os.strerror(error.errno)).lower()
        return f"{plain}; {known}" if known else plain
    return str(error)
