"""Hub: welcomes the clients at one socket, and decides when nobody needs the process any more.

All of it runs in the event loop of the main thread and never computes for long: a client is
welcomed and a cancel is heard even while the worker compiles or generates.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import msgspec

from engine.errors import ServerError
from engine.protocol.framing import read_body
from engine.protocol.messages import Failed, OpenSession, Welcome, decode_client
from engine.server.budget import Budget
from engine.server.connection import Connection
from engine.server.sessions import Opener, Sessions
from engine.server.stuck_work import stuck_job
from engine.server.worker_threads import WorkerThreads
from engine.version import PROTOCOL_VERSION, __version__

__all__ = ["Engine", "Hub"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """What the process serves, and for how long."""

    opener: Opener
    prepare: Callable[[], None] = lambda: None
    """Imports what every session needs; called once in the worker's thread."""
    ahead: OpenSession | None = None
    """A session to open before a client asks for it."""
    budget: Budget = field(default_factory=Budget)
    idle_seconds: float = 10.0
    """How long the process waits for another client after the last one has left."""
    session_idle_seconds: float = 60.0
    """How long a session that nobody uses stays open."""


class Hub:
    """Serves the clients at one socket until nobody needs it any more.

    Args:
        socket: Where to listen; must not exist.
        engine: What to serve.
    """

    def __init__(self, socket: Path, engine: Engine) -> None:
        self._socket = socket
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._clients: set[Connection] = set()
        self._left = monotonic()
        self._ended = asyncio.Event()
        self._worker = WorkerThreads(engine.prepare, self._from_worker(self.end))
        self._sessions = Sessions(
            self._worker,
            engine.opener,
            self._from_worker,
            budget=engine.budget,
            note=socket.with_suffix(".open"),
        )

    async def run(self) -> None:
        """Serve the clients until the end."""
        # A client that connects at once is welcomed before the worker's heavy imports.
        server = await asyncio.start_unix_server(self._on_client, self._socket)
        self._socket.chmod(0o600)
        self._worker.start()
        if self._engine.ahead is not None:
            self._sessions.open_ahead(self._engine.ahead)
        watchdogs = [
            asyncio.create_task(self._end_when_idle()),
            asyncio.create_task(self._end_when_stuck()),
        ]
        await self._ended.wait()
        for watchdog in watchdogs:
            watchdog.cancel()
        server.close()
        self._sessions.forget_note()  # before a client could take this for a sudden death
        self._socket.unlink(missing_ok=True)
        for client in list(self._clients):
            await client.close()

    def end(self) -> None:
        """End now, whatever is going on."""
        self._ended.set()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Connection(
            writer, self._sessions, self._worker, self._from_worker, self._worker.stop
        )
        self._clients.add(client)
        log.info("client came, %d now", len(self._clients))
        client.send(Welcome(PROTOCOL_VERSION, os.getpid(), __version__))
        try:
            while (body := await read_body(reader)) is not None:
                client.receive(decode_client(body))
        except (ServerError, msgspec.MsgspecError) as error:
            log.warning("a client sent something that is no message: %s", error)
        finally:
            self._clients.discard(client)
            self._left = monotonic()
            log.info("client left, %d now", len(self._clients))
            await client.close()

    async def _end_when_idle(self) -> None:
        try:
            await self._idle()
        except Exception:
            log.exception("nobody could tell any more whether this process is needed")
        self.end()

    async def _end_when_stuck(self) -> None:
        job = await stuck_job(self._worker.serving)
        log.error("request %d goes on long after its end", job.request_id)
        job.reply(Failed(job.request_id, "the engine hung on this request; a fresh one starts"))
        self.end()

    async def _idle(self) -> None:
        """Return when nobody needs the process any more."""
        seconds = min(self._engine.idle_seconds, self._engine.session_idle_seconds)
        while self._clients or monotonic() - self._left < self._engine.idle_seconds:
            await asyncio.sleep(min(0.25, seconds / 4))
            self._sessions.close_unused(self._engine.session_idle_seconds)
            if not self._socket.exists():
                log.warning("the socket is gone: no client could find this process any more")
                return
        log.info("nobody is connected any more")

    def _from_worker(self, handle: Callable[..., None]) -> Callable[..., None]:
        """Return a function for any thread that has the event loop call ``handle``."""

        def hand_over(*arguments: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process is ending
                self._loop.call_soon_threadsafe(handle, *arguments)

        return hand_over
