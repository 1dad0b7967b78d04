"""Finds the engine process or starts it, and says how one ended; speaks no message.

For one asyncio event loop, and as light as the client.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ServerError

__all__ = [
    "SERVER_COMMAND",
    "SuddenDeath",
    "connect",
    "exit_reason",
    "last_line",
    "launch_lock",
    "start",
    "sudden_death",
]

SERVER_COMMAND = (sys.executable, "-m", "engine.server")


@dataclass(frozen=True, slots=True)
class SuddenDeath:
    """A process that could not tidy up, as after SIGKILL."""

    opening: frozenset[str]
    """The models that it was opening, as they were asked for; the default is empty."""


def sudden_death(socket: Path, pid: int) -> SuddenDeath | None:
    """Return what the process ``pid`` left behind; None if it ended in good order.

    A process notes what it opens beside its socket and removes the note at its end.
    """
    with suppress(OSError, ValueError, TypeError, AttributeError):
        note = json.loads(socket.with_suffix(".open").read_text("utf-8"))
        if note.get("process") == pid:
            return SuddenDeath(frozenset(map(str, note.get("opening", ()))))
    return None


async def connect(
    socket: Path,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Return a connection; None if nobody listens."""
    try:
        return await asyncio.open_unix_connection(socket)
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
        return None
    except OSError as error:
        raise ServerError(f"cannot connect to the engine at {socket}: {error}") from error


@asynccontextmanager
async def launch_lock(socket: Path) -> AsyncIterator[None]:
    """Hold the lock under which engine processes for ``socket`` are launched."""
    try:
        lock = socket.with_suffix(".launch").open("w")
    except OSError as error:
        raise ServerError(f"cannot write to {socket.parent}: {error}") from error
    with lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.02)
        yield


def start(command: list[str], errors: Path) -> subprocess.Popen[bytes]:
    """Start the engine process, detached from the terminal."""
    # Started in our own root, so that a folder named engine in the repository is not imported.
    root = Path(__file__).resolve().parent.parent
    try:
        with errors.open("wb") as said:
            return subprocess.Popen(
                command,
                cwd=root,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
    except OSError as error:
        raise ServerError(f"cannot start the engine process: {error}") from error


def last_line(errors: Path) -> str:
    """Return the last line that a process wrote to standard error."""
    with suppress(OSError):
        lines = errors.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""


def exit_reason(status: int | None) -> str:
    """Return in words how a process ended; a status of None is unknown."""
    if status is not None and status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"the engine process was killed ({name})"
    if status:
        return f"the engine process ended with status {status}"
    return "the engine process ended"
