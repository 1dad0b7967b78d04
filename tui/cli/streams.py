"""The standard streams as the program can use them, whatever state the caller left them in.

A closed or broken stderr loses words that nobody could have read, and nothing else; an encoding
without a sign shows ``?`` for it.  What stdout cannot take is an error: `tui.cli.failures`.
"""

import io
import os
import sys
from typing import TextIO

__all__ = ["settle"]


def settle() -> None:
    """Make the streams of this process safe to write to; called once, before anything else."""
    _occupy_closed()
    stdout: TextIO | None = sys.stdout  # None where the caller closed it
    if isinstance(stdout, io.TextIOWrapper) and stdout.errors == "strict":
        stdout.reconfigure(errors="replace")
    # The app draws there: one cell for a sign that the terminal lacks, not the six of \u2502.
    if isinstance(sys.__stderr__, io.TextIOWrapper):
        sys.__stderr__.reconfigure(errors="replace")
    sys.stderr = _lenient(sys.stderr)


def _occupy_closed() -> None:
    """Let no file that is opened later get the number of a standard stream that was closed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _lenient(stderr: TextIO | None) -> TextIO:
    """Return standard error as a stream whose writing never fails."""
    encoding = getattr(stderr, "encoding", None) or "utf-8"
    raw: io.FileIO = _Lenient(2, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True
    )


class _Lenient(io.FileIO):
    """A file that swallows what cannot be written to it."""

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        """Write all of some bytes, or lose them."""
        try:
            return super().write(data)
        except OSError:  # nobody reads it, or its disk is full
            return len(data)
