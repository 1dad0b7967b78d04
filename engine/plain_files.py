"""Plain files, read so that none makes us wait for ever or fills the memory.

A name that somebody wrote down may lead to a named pipe, a device or a sparse file of any size.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

__all__ = ["open_plain", "read_plain"]

_BLOCK = 1 << 20


def open_plain(path: Path) -> BufferedReader:
    """Open a plain file for reading.

    Raises:
        OSError: There is none, it is something else, or no file can have such a name.
    """
    try:
        opened = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  (the caller's)
    except ValueError as error:  # a NUL, half a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name", ascii(str(path))) from error
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return opened


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Return the bytes of a plain file.

    Raises:
        OSError: As `open_plain`, it cannot be read, or has more than ``most_bytes``.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size  # 0 also where the system makes the content up
        blocks = []
        while size <= most_bytes and (block := file.read(_BLOCK)):
            blocks.append(block)
            size = max(size, sum(map(len, blocks)))
    if size > most_bytes:
        raise OSError(errno.EFBIG, f"larger than {most_bytes} bytes", str(path))
    return b"".join(blocks)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open like `os.open`, but return at once where a named pipe has no writer."""
    return os.open(path, flags | os.O_NONBLOCK)
