"""A client that watches whatever model is open, in whatever engine process there is, and waits.

Starts no process, opens no model.  Light, as `engine.client` is: no numpy, no numba.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from engine import paths
from engine.client_events import EngineDown
from engine.engine_process import connect
from engine.errors import ServerError
from engine.protocol.framing import read_server_message
from engine.protocol.messages import (
    ClientMessage,
    CloseSession,
    EngineReady,
    OpenSession,
    Ping,
    Pong,
    ServerMessage,
    SessionFailed,
    Welcome,
    encode,
)
from engine.protocol.what_if import WhatIfSetup
from engine.silence import SilenceWatch
from engine.version import PROTOCOL_VERSION

__all__ = ["WatchingClient"]

LOOK_SECONDS = 1.0
"""Between two looks for an engine, and for a newer model in it."""
NO_ENGINE = "no engine is running; waiting for spark-tui, serve or lsp to start one"
NO_MODEL = "an engine is running, but no model is open; waiting for one"


class WatchingClient:
    """Follows whatever model is open in whatever engine process there is, and waits for both.

    It stands where an `engine.client.EngineClient` stands, and passes on the same events: an
    `EngineReady` for each other model, with another number of the session; an `EngineDown` that
    says what is waited for.  All methods belong to the event loop in which `run` runs.

    Args:
        on_event: Called in the event loop with every message and every change.
    """

    def __init__(self, on_event: Callable[[ServerMessage | EngineDown], None]) -> None:
        self._on_event = on_event
        self._writer: asyncio.StreamWriter | None = None
        self._closing = asyncio.Event()
        self._asked = 0  # the newest number of a session
        self._watched: EngineReady | None = None
        self._said = ""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine."""
        return self._writer is not None and not self._writer.is_closing()

    def send(self, message: ClientMessage) -> bool:
        """Send a message; False, and nothing is sent, without a connection."""
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.write(encode(message))
        return True

    def open(self, model: str | None, setup: WhatIfSetup | None = None) -> int:
        """Open nothing: who watches holds no model."""
        return 0

    def close_session(self, number: int) -> None:
        """Close nothing."""

    async def close(self) -> None:
        """End `run`."""
        self._closing.set()
        if self._writer is not None:
            self._writer.close()

    async def run(self) -> None:
        """Connect to an engine process, again and again, until `close`."""
        while not self._closing.is_set():
            try:
                found = await connect(paths.socket_path())
                if found is not None:
                    await self._follow(*found)
                self._wait_for(NO_ENGINE)
            except ServerError as error:
                self._wait_for(f"{error}; waiting for another engine")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_SECONDS)

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one engine process says, to its end."""
        self._writer = writer
        silence = SilenceWatch(lambda: self.send(Ping()), writer.transport.abort)
        tasks = [asyncio.create_task(work) for work in (self._look(), silence.run())]
        try:
            while (told := await read_server_message(reader)) is not None:
                silence.heard()
                self._take(told)
        finally:
            for task in tasks:
                task.cancel()
            writer.transport.abort()
            self._writer = self._watched = None
        if silence.silent:
            raise ServerError("the engine process does not answer")

    async def _look(self) -> None:
        """Ask for the newest open model, again and again: another may be opened."""
        while True:
            self._asked += 1
            self.send(OpenSession(self._asked, join=True))
            await asyncio.sleep(LOOK_SECONDS)

    def _take(self, told: ServerMessage) -> None:
        match told:
            case Welcome(protocol=protocol) if protocol != PROTOCOL_VERSION:
                raise ServerError(
                    f"the running engine speaks protocol {protocol}, this program "
                    f"{PROTOCOL_VERSION}; update the older of the two"
                )
            case EngineReady():
                self._joined(told)
            case SessionFailed(session=session):
                if self._watched is not None and session == self._watched.session:
                    self._watched = None
                if self._watched is None:
                    self._wait_for(NO_MODEL)
            case Pong():
                pass
            case _:
                self._on_event(told)

    def _joined(self, ready: EngineReady) -> None:
        """Follow another model; leave one that is watched already where it is."""
        watched = self._watched
        if watched is not None and _same(watched, ready):
            self.send(CloseSession(ready.session))
            return
        self._watched, self._said = ready, ""
        self._on_event(ready)
        if watched is not None:
            self.send(CloseSession(watched.session))

    def _wait_for(self, reason: str) -> None:
        """Say what is waited for, once."""
        if not self._closing.is_set() and reason != self._said:
            self._said = reason
            self._on_event(EngineDown(reason, retrying=True))


def _same(one: EngineReady, other: EngineReady) -> bool:
    return one.model == other.model and one.machine == other.machine
