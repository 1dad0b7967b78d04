"""The engine process itself: its lock, its log, its priority.  Knows nothing of messages."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import monotonic, sleep

from engine import paths
from engine.errors import ServerError
from engine.log_lines import LogLines
from engine.own_files import make_own
from engine.server.hub import Engine, Hub

__all__ = ["NICE", "open_log", "serve"]

log = logging.getLogger(__name__)

NICE = 5
"""Added to the nice value of the process: an editor is more urgent than a suggestion."""

LOCK_SECONDS = 5.0
"""How long a process that is ending may still hold the lock."""

LOG_BYTES = 1_000_000
"""Size at which a new log file begins; two old ones are kept."""


def serve(socket: Path, engine: Engine) -> None:
    """Serve sessions at a socket until nobody needs them.

    Raises:
        ServerError: Another process serves the socket, or it cannot be made.
    """
    os.nice(NICE)
    with _only_one(socket):
        # Who holds the lock owns the name: a dead process left any socket found here.
        socket.unlink(missing_ok=True)
        log.info("serving at %s, process %d", socket, os.getpid())
        try:
            asyncio.run(_serve(socket, engine))
        except OSError as error:
            raise ServerError(f"cannot serve at {socket}: {error}") from error
        log.info("ended")


async def _serve(socket: Path, engine: Engine) -> None:
    hub = Hub(socket, engine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hub.end)
    await hub.run()


@contextmanager
def _only_one(socket: Path) -> Iterator[None]:
    """Hold the lock of a socket: one process serves it at a time."""
    with socket.with_suffix(".lock").open("w") as lock:
        deadline = monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > deadline:
                    raise ServerError(f"another engine process serves {socket}") from None
                sleep(0.05)
        yield
        with suppress(OSError):
            socket.unlink(missing_ok=True)


def open_log() -> None:
    """Send the log to the log file, or to standard error if that cannot be written."""
    logging.raiseExceptions = False  # a full disk costs log lines, not a traceback for each
    path = paths.log_file()
    handler: logging.Handler
    try:
        make_own(path.parent)
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8")
    except OSError as error:
        handler = logging.StreamHandler(sys.stderr)
        print(f"no log file {path}: {error}", file=sys.stderr)
    handler.setFormatter(LogLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
