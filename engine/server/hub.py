"""Hub: welcomes clients, passes their requests to the worker and sends back its answers.

All of it runs in the event loop of the main thread and never computes for long: a client is
welcomed and a cancel is heard even while the worker compiles or generates.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from engine.errors import ServerError
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    Cancel,
    ClientMessage,
    Complete,
    EngineReady,
    Failed,
    Progress,
    ServerMessage,
    Shutdown,
    Unwatch,
    Watch,
    Welcome,
    decode_client,
    encode,
)
from engine.server.worker import Job, OpenSession, Worker
from engine.version import PROTOCOL_VERSION, __version__

if TYPE_CHECKING:
    from engine.session import Session

__all__ = ["Hub"]

log = logging.getLogger(__name__)

SLOW_CLIENT_BYTES = 8 * 1024 * 1024
"""A client with more unread bytes gets no telemetry until it has caught up."""

DEAD_CLIENT_BYTES = 64 * 1024 * 1024
"""A client with more unread bytes is dropped."""

FAREWELL_SECONDS = 0.5
"""Time for clients to read why the engine ends."""


class Hub:
    """Serves the clients at one socket until nobody needs it any more.

    Args:
        socket: Where to listen; must not exist.
        open_session: Opens the session; called in the worker's thread.
        idle_seconds: How long to wait for another client after the last one has left.
        started: `time.monotonic` at the start of the process, for ``start_ms``.
    """

    def __init__(
        self, socket: Path, open_session: OpenSession, *, idle_seconds: float, started: float
    ) -> None:
        self._socket = socket
        self._idle_seconds = idle_seconds
        self._started = started
        self._loop = asyncio.get_running_loop()
        self._clients: set[_Connection] = set()
        self._left = monotonic()
        self._ended = asyncio.Event()
        self._ready = asyncio.Event()
        self._news: ServerMessage | None = None  # sent to a new client after Welcome
        self._failed = False
        self._farewell: asyncio.Task[None] | None = None
        self.session: Session | None = None
        self._worker = Worker(
            open_session,
            on_progress=self.from_worker(self._on_progress),
            on_ready=self.from_worker(self._on_ready),
            on_failed=self.from_worker(self._on_failed),
            on_stopped=self.from_worker(self._on_stopped),
        )

    async def run(self) -> int:
        """Serve the clients; return the exit status of the process."""
        # A client that connects at once is welcomed before the worker's heavy imports.
        server = await asyncio.start_unix_server(self._on_client, self._socket)
        self._socket.chmod(0o600)
        self._worker.start()
        watchdog = asyncio.create_task(self._end_when_idle())
        await self._ended.wait()
        watchdog.cancel()
        server.close()
        self._socket.unlink(missing_ok=True)
        for client in list(self._clients):
            await client.close()
        return 1 if self._failed else 0

    def end(self) -> None:
        """End now, whatever is going on."""
        self._ended.set()

    # ── clients ─────────────────────────────────────────────────────────────────────────────

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Connection(self, writer)
        self._clients.add(client)
        log.info("client came, %d now", len(self._clients))
        client.send(Welcome(PROTOCOL_VERSION, os.getpid(), __version__))
        if self._news is not None:
            client.send(self._news)
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

    def submit(self, job: Job) -> None:
        """Pass a job to the worker; refuse it while the session is not open."""
        if self.session is None:
            job.reply(Failed(job.request_id, "the engine is still starting; ask again later"))
        else:
            self._worker.submit(job)

    def shut_down(self) -> None:
        """End once all requests so far are answered."""
        if self.session is None:
            self.end()
        self._worker.stop()

    async def until_ready(self) -> "Session":
        """Wait for the session and return it."""
        await self._ready.wait()
        assert self.session is not None  # set before the event
        return self.session

    async def _end_when_idle(self) -> None:
        while self._clients or monotonic() - self._left < self._idle_seconds:
            await asyncio.sleep(min(0.25, self._idle_seconds / 4))
            if not self._socket.exists():
                log.warning("the socket is gone: no client could find this process any more")
                break
        else:
            log.info("nobody is connected any more")
        self.end()

    # ── the worker ──────────────────────────────────────────────────────────────────────────

    def from_worker(self, handle: Callable[..., None]) -> Callable[..., None]:
        """Return a function for any thread that has the event loop call ``handle``."""

        def hand_over(*arguments: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process is ending
                self._loop.call_soon_threadsafe(handle, *arguments)

        return hand_over

    def _on_progress(self, progress: Progress) -> None:
        self._news = progress
        self._broadcast(progress)

    def _on_ready(self, session: "Session") -> None:
        self.session = session
        self._news = EngineReady(
            model=session.model,
            machine=session.machine,
            threads=session.threads,
            processor_path=session.processor_path,
            start_ms=(monotonic() - self._started) * 1e3,
        )
        log.info("ready after %.0f ms", self._news.start_ms)
        self._broadcast(self._news)
        self._ready.set()

    def _on_failed(self, message: str) -> None:
        self._failed = True
        self._news = Failed(0, message)
        self._broadcast(self._news)
        self._farewell = asyncio.create_task(self._end_when_told())

    async def _end_when_told(self) -> None:
        """End once at least one client has had time to read why."""
        while not self._clients:
            await asyncio.sleep(0.02)
        await asyncio.sleep(FAREWELL_SECONDS)
        self.end()

    def _on_stopped(self) -> None:
        self.end()

    def _broadcast(self, message: ServerMessage) -> None:
        for client in list(self._clients):
            client.send(message)


class _Connection:
    """One connection: at most one request and one stream of telemetry."""

    def __init__(self, hub: Hub, writer: asyncio.StreamWriter) -> None:
        self._hub = hub
        self._writer = writer
        self._job: Job | None = None
        self._watching: asyncio.Task[None] | None = None

    def send(self, message: ServerMessage) -> None:
        """Send ``message`` unless the client has gone; never waits."""
        if self._writer.is_closing():
            return
        if self._unread_bytes() > DEAD_CLIENT_BYTES:
            log.warning("dropped a client that does not read")
            self._writer.transport.abort()
            return
        self._writer.write(encode(message))

    def receive(self, message: ClientMessage) -> None:
        """Do what the client asks."""
        match message:
            case Complete():
                self._cancel()  # a client has use only for its newest request
                self._job = Job(message, self._hub.from_worker(self.send))
                self._hub.submit(self._job)
            case Cancel(request_id):
                if self._job is not None and self._job.request_id == request_id:
                    self._cancel()
            case Watch(interval_ms):
                self._unwatch()
                seconds = min(max(interval_ms, 20), 60_000) / 1e3
                self._watching = asyncio.create_task(self._watch(seconds))
            case Unwatch():
                self._unwatch()
            case Shutdown():
                self._hub.shut_down()

    async def close(self) -> None:
        """Cancel the client's request and end the connection."""
        self._cancel()
        self._unwatch()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancelled.set()

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, seconds: float) -> None:
        """Send telemetry at once, then every interval in which something happened."""
        session = await self._hub.until_ready()
        older = session.snapshot()
        self.send(session.telemetry(0, older, older))
        sequence = 0
        while True:
            await asyncio.sleep(seconds)
            newer = session.snapshot()
            unchanged = (newer.work, newer.busy) == (older.work, older.busy)
            if unchanged or self._unread_bytes() > SLOW_CLIENT_BYTES:
                continue  # the next message will cover this interval as well
            sequence += 1
            self.send(session.telemetry(sequence, older, newer))
            older = newer

    def _unread_bytes(self) -> int:
        return self._writer.transport.get_write_buffer_size()
