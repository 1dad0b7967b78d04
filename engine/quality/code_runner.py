"""Runs a program that a model wrote, in a child process with limits, and tells how it ended.

Only measurements with ``--run-code`` come here.  The limits themselves are set by the child
(`engine.quality.confined_child`).
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["MEMORY_MB", "PASSED", "SECONDS", "run_program"]

PASSED = "passed"
"""What `run_program` returns for a program that ran to its end."""

SECONDS = 10
"""Processor time of a program; it also ends after twice as long by the clock."""

MEMORY_MB = 1024

_CHILD = Path(__file__).with_name("confined_child.py")


def run_program(source: str) -> str:
    """Run a Python program to its end.

    Returns:
        `PASSED`, the name of the exception that it raised, ``"time"`` if it took longer than
        allowed, or ``"killed"`` if it ended otherwise, as for too much memory.
    """
    secret = secrets.token_hex(16)
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryDirectory(prefix="spark-run-") as folder:
            in_time = _run(source, Path(folder), writer, secret)
        word = _last_word(reader)
    finally:
        os.close(reader)
        os.close(writer)
    if word == f"{secret} ok":
        return PASSED
    return word or ("killed" if in_time else "time")


def _last_word(reader: int) -> str:
    """Return what the child wrote before its end, which waits for nobody who may hold the pipe."""
    os.set_blocking(reader, False)
    with suppress(BlockingIOError):
        return os.read(reader, 4096).decode("utf-8", "replace")
    return ""


def _run(source: str, folder: Path, writer: int, secret: str) -> bool:
    """Let a child run a program in a folder; return whether it ended in time."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", _CHILD, str(writer), secret, str(MEMORY_MB), str(SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={},
        pass_fds=(writer,),
        start_new_session=True,
    )
    try:
        child.communicate(source.encode("utf-8", "replace"), timeout=2 * SECONDS)
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return child.returncode != -signal.SIGXCPU
