"""The client of the engine process: connects to it, launches it when needed, and reconnects.

Asks for the same sessions again after each reconnection.  For one asyncio event loop.  Depends on
messages and paths only: without numpy and numba a face starts fast.
"""

import asyncio
import logging
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec

from engine import paths
from engine.client_events import (
    ClientEvent,
    EngineDown,
    EngineSilent,
    EngineStarting,
    ModelKilled,
)
from engine.engine_process import (
    SERVER_COMMAND,
    Launch,
    connect,
    errors_file,
    exit_reason,
    last_line,
    launch_lock,
    start,
    sudden_death,
)
from engine.errors import EngineError, ServerError
from engine.process_ending import end_process, peer_process
from engine.protocol.framing import read_server_message
from engine.protocol.messages import (
    Ask,
    ClientMessage,
    CloseSession,
    Complete,
    EngineReady,
    OpenSession,
    Ping,
    Pong,
    Rewrite,
    ServerMessage,
    SessionFailed,
    Welcome,
    encode,
)
from engine.protocol.what_if import WhatIfSetup
from engine.remote_host import RemoteAccess, is_remote, remote_access
from engine.silence import LOST_SECONDS, SILENT_SECONDS, SilenceWatch
from engine.version import PROTOCOL_VERSION
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["SMALL_MODEL", "EngineClient"]

log = logging.getLogger(__name__)

SMALL_MODEL = "spark-nano"
"""The bundled model that serves where a larger one has cost the process its life."""

LAUNCH_SECONDS = 20.0
"""Time for a launched process to accept a connection; it does so before it loads a model."""

CLOSE_SECONDS = 1.0
"""How long a process may still take to read what it was sent last."""

BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the next attempts; one more failure in a row, and the client gives up."""

STABLE_SECONDS = 5.0
"""An engine that was ready for this long is a new start: earlier failures no longer count."""

UNREAD_BYTES = 32 * 1024 * 1024
"""With more bytes unread by the server, nothing is sent to it."""


class _GiveUp(Exception):
    """Another attempt would end the same way."""


class EngineClient:
    """One face's connection to the engine process and its sessions there.

    All methods belong to the event loop in which `run` runs.

    Args:
        model: Model of session 1: a name or a path; None is the default.
        machine: Its machine.
        clock_ghz: Its clock, which turns cycles into seconds; None is the machine's own.
        on_event: Called in the event loop with every message and every change of connection.
        command: Starts the engine process; options are added to it.
        ahead: The process that `launch_ahead` has started for this client, if any.
        replica: Which of the user's engine processes, as of `paths.socket_path`.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        on_event: Callable[[ClientEvent], None],
        command: Sequence[str] = SERVER_COMMAND,
        ahead: Launch | None = None,
        replica: int = 0,
    ) -> None:
        self._machine = machine
        self._clock_ghz = clock_ghz
        self._sessions = {1: _asked(1, model, machine, clock_ghz)}
        self._ready: dict[int, EngineReady] = {}  # sessions that answer
        self._last_session = 1
        self._on_event = on_event
        self._command = tuple(command)
        self._ahead = ahead
        self._replica = replica
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = asyncio.Event()
        self._attempt: asyncio.Task[None] | None = None
        self._ready_at: float | None = None
        self._silence: SilenceWatch | None = None
        self._ending: asyncio.Task[None] | None = None
        self._lost = ""  # why a silent engine is waited for no more
        self._beyond_us = False  # it cannot be ended, so there can be no other
        self._reason = "no engine is running"

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._writer is not None and not self._writer.is_closing()

    @property
    def silent(self) -> bool:
        """Whether the engine process says nothing at the moment."""
        return self._silence is not None and self._silence.silent

    def send(self, message: ClientMessage) -> bool:
        """Send ``message``; return False, and send nothing, without a connection.

        An engine that is silent gets no request either; all else it will read once it can.
        """
        if self._writer is None or self._writer.is_closing():
            return False
        if isinstance(message, Complete | Rewrite | Ask) and self.silent:
            return False
        if self._writer.transport.get_write_buffer_size() > UNREAD_BYTES:
            return False
        self._writer.write(encode(message))
        return True

    def open(
        self,
        model: str | None,
        setup: WhatIfSetup | None = None,
    ) -> int:
        """Ask for another session, now or once there is an engine, and return its number.

        It is ready with `EngineReady`; after `SessionFailed` it is none any more.

        Args:
            model: A name or a path; None is the default.
            setup: Its machine; None: that of session 1.
        """
        self._last_session += 1
        number = self._last_session
        if setup is None:
            asked = _asked(number, model, self._machine, self._clock_ghz)
        else:
            asked = _asked(number, model, setup.machine, setup.clock_ghz, setup.changes)
        self._sessions[number] = asked
        self.send(asked)
        return number

    def close_session(self, number: int) -> None:
        """Give a session back."""
        self._ready.pop(number, None)
        if self._sessions.pop(number, None) is not None:
            self.send(CloseSession(number))

    async def run(self) -> None:
        """Connect or launch, pass on each message, and start over until `close`.

        Returns after `close`, or when the engine cannot be started; then the last event is an
        `EngineDown` with ``retrying`` False.
        """
        failures = 0
        while not self._closing.is_set():
            self._ready_at = None
            try:
                if not await self._attempted():
                    return
            except _GiveUp as error:
                self._on_event(EngineDown(str(error), retrying=False))
                return
            except EngineError as error:
                self._reason = str(error)
            if self._closing.is_set():
                return
            failures = 0 if self._was_stable() else failures + 1
            retrying = failures <= len(BACK_OFF_SECONDS)
            self._on_event(EngineDown(self._reason, retrying))
            if not retrying:
                return
            await self._pause(BACK_OFF_SECONDS[max(0, failures - 1)])

    async def close(self) -> None:
        """End `run` and drop the connection; the engine process ends by itself when unused."""
        self._closing.set()
        if self._attempt is not None:
            self._attempt.cancel()
        await self._drop()

    # ── one connection ──────────────────────────────────────────────────────────────────────

    async def _attempted(self) -> bool:
        """Live through one connection; return False if `close` ended it."""
        self._attempt = asyncio.create_task(self._connection())
        try:
            await self._attempt
        except asyncio.CancelledError:
            if self._closing.is_set():
                return False
            raise
        return True

    async def _connection(self) -> None:
        """Live through one connection, from finding an engine to its end.

        Raises:
            ServerError: It could not be made, or broke off.
            _GiveUp: The engine said that it cannot serve us.
        """
        socket = paths.socket_path(self._replica)
        reader, self._writer = await self._connect_or_launch(socket)
        self._lost, self._beyond_us = "", False
        self._silence = SilenceWatch(
            lambda: self.send(Ping()), self._fell_silent, self._answers_again, self._end_silent
        )
        watch = asyncio.create_task(self._silence.run())
        try:
            await self._welcome(reader)
            for asked in self._sessions.values():
                self.send(asked)
            while (message := await self._next(reader)) is not None:
                self._note(message)
                if not isinstance(message, Pong):
                    self._on_event(message)
        finally:
            watch.cancel()
            self._silence = None
            await self._drop()
        if self._beyond_us:
            raise _GiveUp(self._lost)
        self._reason = await self._how_it_ended()
        if not self._closing.is_set() and not self._lost:
            self._lighten(socket)
        self._ready.clear()

    async def _next(self, reader: asyncio.StreamReader) -> ServerMessage | None:
        """Return the next message; None at the end."""
        message = await read_server_message(reader)
        if message is not None and self._silence is not None:
            self._silence.heard()
        return message

    async def _welcome(self, reader: asyncio.StreamReader) -> None:
        """Read the first message and pass it on if it speaks our protocol."""
        message = await self._next(reader)
        if message is None:
            raise ServerError(self._lost or "the engine process was just ending")
        if not isinstance(message, Welcome):
            raise ServerError("the engine process did not begin with a welcome")
        if message.protocol != PROTOCOL_VERSION:
            raise _GiveUp(
                f"the running engine (process {message.pid}, version {message.version}) speaks "
                f"protocol {message.protocol}, this program {PROTOCOL_VERSION}; close the other "
                "program or update this one"
            )
        self._welcomed = message
        self._on_event(message)

    def _note(self, message: ServerMessage) -> None:
        if isinstance(message, EngineReady):
            self._ready_at = monotonic()
            self._ready[message.session] = message
        elif isinstance(message, SessionFailed):
            self._ready.pop(message.session, None)
            self._sessions.pop(message.session, None)

    def _lighten(self, socket: Path) -> None:
        """After a death for lack of memory, ask for less, so that it does not happen again.

        The sessions that were being opened are to blame, else all.  A client that is left with
        none gets the small model in their place.
        """
        found = sudden_death(socket, self._engine_pid())
        process = self._child()
        killed = found is not None if process is None else process.returncode == -signal.SIGKILL
        if not killed:
            return
        heavy = [
            number
            for number, asked in self._sessions.items()
            if SMALL_MODEL not in (asked.model, self._name_of(number))
        ]
        opening = found.opening if found is not None else frozenset()
        blamed = [n for n in heavy if (self._sessions[n].model or "") in opening]
        if opening and not blamed:
            return  # another client's model was
        for number in blamed or heavy:
            self._give_up_model(number)

    def _give_up_model(self, number: int) -> None:
        """Replace a session's model by the small one, or the session by another that there is."""
        asked = self._sessions.pop(number)
        model = self._name_of(number) or asked.model or "the default model"
        what = f"{model}: {self._reason}, most likely for lack of memory"
        if self._sessions:
            self._on_event(ModelKilled(number, model, None, what))
            self._on_event(SessionFailed(number, what))
            return
        self._sessions[number] = msgspec.structs.replace(asked, model=SMALL_MODEL)
        reason = f"{what}; {SMALL_MODEL} serves instead"
        self._on_event(ModelKilled(number, model, SMALL_MODEL, reason))

    def _engine_pid(self) -> int:
        return 0 if self._welcomed is None else self._welcomed.pid

    def _name_of(self, number: int) -> str | None:
        """Return what the engine calls the model of a session; None before that is ready."""
        ready = self._ready.get(number)
        return None if ready is None else ready.model.name

    def _was_stable(self) -> bool:
        return self._ready_at is not None and monotonic() - self._ready_at > STABLE_SECONDS

    async def _drop(self) -> None:
        writer, self._writer = self._writer, None
        ending, self._ending = self._ending, None
        if ending is not None:
            ending.cancel()
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await writer.wait_closed()
            writer.transport.abort()  # what a stopped process has not read by now, it never will

    async def _pause(self, seconds: float) -> None:
        """Wait, until `close` at the longest."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def _child(self) -> "subprocess.Popen[bytes] | None":
        """Return the engine process if it is one that we started; else nobody tells us its end."""
        process = self._process
        return process if process is not None and process.pid == self._engine_pid() else None

    async def _how_it_ended(self) -> str:
        """Return how the engine process ended, as far as anyone can tell."""
        if self._lost:
            return self._lost
        process = self._child()
        if process is None:
            return "the engine process ended"
        for _ in range(10):  # the stream ends a moment before the process does
            if process.poll() is not None:
                break
            await asyncio.sleep(0.02)
        return exit_reason(process.returncode)

    # ── a process that is silent ────────────────────────────────────────────────────────────

    def _fell_silent(self) -> None:
        fresh = f"after {LOST_SECONDS:.0f} s a fresh one starts"
        self._on_event(EngineSilent(f"no answer for {SILENT_SECONDS:.0f} s; {fresh}"))

    def _answers_again(self) -> None:
        if not self._ready and self._welcomed is not None:
            self._on_event(self._welcomed)
        for ready in self._ready.values():
            self._on_event(ready)

    def _end_silent(self) -> None:
        self._ending = asyncio.create_task(self._end_process())

    async def _end_process(self) -> None:
        """End a process that has been silent for too long, and the connection to it."""
        writer = self._writer
        if writer is None:
            return
        pid = peer_process(writer)
        if pid is None:
            self._beyond_us = True
            self._lost = "the engine process does not answer, and cannot be ended from here"
        else:
            self._lost = (
                f"the engine process {pid} was silent for {LOST_SECONDS:.0f} s and is ended"
            )
            await end_process(pid, paths.socket_path(self._replica))
        writer.transport.abort()

    # ── finding or launching the process ────────────────────────────────────────────────────

    async def _connect_or_launch(
        self, socket: Path
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection, to a new process if none is running."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            with ahead.lock:
                self._on_event(EngineStarting(self._reason))
                return await self._arrival(socket, ahead.process)
        streams = await connect(socket)
        if streams is not None:
            return streams
        # Of programs that start at once, one launches the process and the others wait for it.
        async with launch_lock(socket):
            streams = await connect(socket)
            if streams is not None:
                return streams
            self._on_event(EngineStarting(self._reason))
            return await self._arrival(socket, start(self._command, socket))

    async def _arrival(
        self, socket: Path, process: "subprocess.Popen[bytes]"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a process of ours as soon as it listens."""
        self._process = process
        deadline = monotonic() + LAUNCH_SECONDS
        while monotonic() < deadline:
            streams = await connect(socket)
            if streams is not None:
                return streams
            if process.poll() is not None:
                said = last_line(errors_file(socket))
                raise ServerError(said or f"{exit_reason(process.returncode)} while starting")
            await asyncio.sleep(0.02)
        process.kill()
        raise ServerError(f"the engine process did not open {socket} within {LAUNCH_SECONDS:.0f} s")


def _asked(
    number: int,
    model: str | None,
    machine: str,
    clock_ghz: float | None,
    changes: WaferChanges = UNCHANGED,
) -> OpenSession:
    """Return the request for a session, with what a remote model takes."""
    access = RemoteAccess()
    if model is not None and is_remote(model):
        with suppress(EngineError):  # no address: the engine says so
            access = remote_access(model)
    return OpenSession(
        number, paths.model_argument(model), machine, clock_ghz, access, changes=changes
    )
