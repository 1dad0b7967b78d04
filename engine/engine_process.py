"""Finds the engine process or starts it, and says how one ended; speaks no message.

For one asyncio event loop, or before there is one; as light as the client.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine import paths
from engine.errors import ServerError
from engine.remote_host import is_remote

__all__ = [
    "SERVER_COMMAND",
    "Launch",
    "SuddenDeath",
    "connect",
    "errors_file",
    "exit_reason",
    "last_line",
    "launch_ahead",
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
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
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
    with _open_lock(socket) as lock:
        while not _locked(lock):
            await asyncio.sleep(0.02)
        yield


def _open_lock(socket: Path) -> IO[str]:
    try:
        return socket.with_suffix(".launch").open("w")
    except OSError as error:
        raise ServerError(f"cannot write to {socket.parent}: {error}") from error


def _locked(file: IO[str]) -> bool:
    """Lock a file until it is closed, unless somebody else has; return whether it is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Launch:
    """An engine process that was started ahead, for the client that takes it over."""

    process: subprocess.Popen[bytes]
    lock: IO[str]
    """Keeps others from launching one as well, until it is closed."""


def launch_ahead(model: str | None, machine: str) -> Launch | None:
    """Start the engine process and let it open a session; the client takes over later.

    For the first moments of a program: the engine then imports beside it.  Does nothing where one
    is running or being launched, and where there is only one processor, on which the program
    itself would have to wait.  Whatever goes wrong the client will meet again, and report.

    Args:
        model: As the client will ask for it: a name or a path; None is the default.
        machine: Its machine.

    Returns:
        For `EngineClient`; None: it looks for a process and launches one as needed.
    """
    if (os.cpu_count() or 1) < 2:
        return None
    try:
        socket = paths.socket_path()
        lock = _open_lock(socket)
    except ServerError:
        return None
    try:
        if _locked(lock) and not _is_served(socket):
            if is_remote(model):  # the client brings along what it takes
                return Launch(start(SERVER_COMMAND, socket), lock)
            wanted = ["--open", paths.model_argument(model) or "", "--machine", machine]
            return Launch(start([*SERVER_COMMAND, *wanted], socket), lock)
    except (OSError, ServerError):
        pass
    lock.close()
    return None


def _is_served(socket: Path) -> bool:
    """Return whether a process serves the socket, or still ends."""
    with socket.with_suffix(".lock").open("a") as lock:
        return not _locked(lock)


def errors_file(socket: Path) -> Path:
    """Return the file that has what the process for ``socket`` writes to standard error."""
    return socket.with_suffix(".err")


def start(command: Sequence[str], socket: Path) -> subprocess.Popen[bytes]:
    """Start the engine process for ``socket``, detached from the terminal."""
    # Started in our own root, so that a folder named engine in the repository is not imported.
    root = Path(__file__).resolve().parent.parent
    try:
        with errors_file(socket).open("wb") as said:
            return subprocess.Popen(
                [*command, "--socket", str(socket)],
                cwd=root,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
    except OSError as error:
        raise ServerError(f"cannot start the engine process: {error}") from error


def _environment() -> dict[str, str]:
    # NumPy's own threads compute nothing here, but each spins for 50 ms when NumPy is imported.
    return {"OPENBLAS_NUM_THREADS": "1", **paths.child_environment(), "PYTHONUNBUFFERED": "1"}


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
