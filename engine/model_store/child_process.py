"""Runs a program that downloads, watches a folder grow meanwhile, and ends it when told to."""

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

__all__ = ["ChildEnd", "folder_bytes", "largest_bytes", "run_child"]

POLL_SECONDS = 0.1
_END_SECONDS = 5.0
_LONGEST_OUTPUT = 1 << 20


class ChildEnd(msgspec.Struct, frozen=True):
    """How a program ended."""

    code: int
    out: str
    err: str

    def require_room(self) -> None:
        """Do nothing unless it failed because the disk is full.

        Raises:
            OSError: It did, with the number that a write of our own would have had.
        """
        for number in (errno.ENOSPC, errno.EDQUOT):
            if self.code and os.strerror(number) in self.err:
                raise OSError(number, os.strerror(number))


def run_child(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_poll: Callable[[], None],
) -> ChildEnd:
    """Run a program to its end; without standard input, so that it asks nothing.

    Args:
        command: The program and its arguments.
        environment: Variables beside those of this process.
        on_poll: Called ten times a second; when it raises, the program and its children are ended.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(POLL_SECONDS)
                    break
                on_poll()
        except BaseException:
            _end(process)
            raise
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read(_LONGEST_OUTPUT).decode("utf-8", "replace"))
        return ChildEnd(code, *texts)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder, which may change meanwhile."""
    return sum(_sizes(folder))


def largest_bytes(folder: Path) -> int:
    """Return the bytes of the largest file below a folder, which may change meanwhile."""
    return max(_sizes(folder), default=0)


def _sizes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                yield os.lstat(os.path.join(root, name)).st_size
