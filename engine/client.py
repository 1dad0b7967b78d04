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
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    ClientMessage,
    CloseSession,
    EngineReady,
    OpenSession,
    ServerMessage,
    SessionFailed,
    Welcome,
    decode_server,
    encode,
)
from engine.remote_host import RemoteAccess, is_remote, remote_access
from engine.version import PROTOCOL_VERSION

__all__ = ["SMALL_MODEL", "EngineClient", "EngineDown", "EngineStarting", "ModelKilled"]

log = logging.getLogger(__name__)

SMALL_MODEL = "spark-nano"
"""The bundled model that serves where a larger one has cost the process its life."""

LAUNCH_SECONDS = 20.0
"""Time for a launched process to accept a connection; it does so before it loads a model."""

WELCOME_SECONDS = 20.0
"""Time for a process that accepted a connection to welcome the client."""

BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the next attempts; one more failure in a row, and the client gives up."""

STABLE_SECONDS = 5.0
"""An engine that was ready for this long is a new start: earlier failures no longer count."""

UNREAD_BYTES = 32 * 1024 * 1024
"""With more bytes unread by the server, nothing is sent to it."""


class EngineStarting(msgspec.Struct, frozen=True):
    """An engine process is being launched."""

    reason: str
    """``"no engine is running"``, or what happened to the last one."""


class EngineDown(msgspec.Struct, frozen=True):
    """There is no connection to an engine."""

    reason: str
    retrying: bool
    """False: the client has given up, and `EngineClient.run` returns."""


class ModelKilled(msgspec.Struct, frozen=True):
    """A model was killed with the process, most likely for lack of memory; it is given up."""

    session: int
    model: str
    """As the engine named it, or as it was asked for."""
    instead: str | None
    """The model that the session will be opened with; None: `SessionFailed` follows, and another
    session of this client goes on."""
    reason: str
    """One line: what happened and what follows."""


_Event = ServerMessage | EngineStarting | EngineDown | ModelKilled


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
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        on_event: Callable[[_Event], None],
        command: Sequence[str] = SERVER_COMMAND,
        ahead: Launch | None = None,
    ) -> None:
        self._machine = machine
        self._clock_ghz = clock_ghz
        self._sessions = {1: _asked(1, model, machine, clock_ghz)}
        self._names: dict[int, str] = {}  # of the models that are ready
        self._last_session = 1
        self._on_event = on_event
        self._command = tuple(command)
        self._ahead = ahead
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = asyncio.Event()
        self._attempt: asyncio.Task[None] | None = None
        self._ready_at: float | None = None
        self._engine_pid = 0
        self._reason = "no engine is running"

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._writer is not None and not self._writer.is_closing()

    def send(self, message: ClientMessage) -> bool:
        """Send ``message``; return False, and send nothing, without a connection."""
        if self._writer is None or self._writer.is_closing():
            return False
        if self._writer.transport.get_write_buffer_size() > UNREAD_BYTES:
            return False
        self._writer.write(encode(message))
        return True

    def open(self, model: str | None, machine: str = "wse3", clock_ghz: float | None = None) -> int:
        """Ask for another session, now or once there is an engine, and return its number.

        It is ready with `EngineReady`; after `SessionFailed` it is none any more.
        """
        self._last_session += 1
        number = self._last_session
        asked = _asked(number, model, machine, clock_ghz)
        self._sessions[number] = asked
        self.send(asked)
        return number

    def close_session(self, number: int) -> None:
        """Give a session back."""
        self._names.pop(number, None)
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
        socket = paths.socket_path()
        reader, self._writer = await self._connect_or_launch(socket)
        try:
            await self._welcome(reader)
            for asked in self._sessions.values():
                self.send(asked)
            while (message := await _read(reader)) is not None:
                self._note(message)
                self._on_event(message)
        finally:
            await self._drop()
        self._reason = await self._how_it_ended()
        if not self._closing.is_set():
            self._lighten(socket)
        self._names.clear()

    async def _welcome(self, reader: asyncio.StreamReader) -> None:
        """Read the first message and pass it on if it speaks our protocol."""
        try:
            message = await asyncio.wait_for(_read(reader), WELCOME_SECONDS)
        except TimeoutError:
            raise ServerError(
                f"the engine process did not answer within {WELCOME_SECONDS:.0f} s"
            ) from None
        if message is None:
            raise ServerError("the engine process was just ending")
        if not isinstance(message, Welcome):
            raise ServerError("the engine process did not begin with a welcome")
        if message.protocol != PROTOCOL_VERSION:
            raise _GiveUp(
                f"the running engine (process {message.pid}, version {message.version}) speaks "
                f"protocol {message.protocol}, this program {PROTOCOL_VERSION}; close the other "
                "program or update this one"
            )
        self._engine_pid = message.pid
        self._on_event(message)

    def _note(self, message: ServerMessage) -> None:
        if isinstance(message, EngineReady):
            self._ready_at = monotonic()
            self._names[message.session] = message.model.name
        elif isinstance(message, SessionFailed):
            self._names.pop(message.session, None)
            self._sessions.pop(message.session, None)

    def _lighten(self, socket: Path) -> None:
        """After a death for lack of memory, ask for less, so that it does not happen again.

        The sessions that were being opened are to blame, else all.  A client that is left with
        none gets the small model in their place.
        """
        found = sudden_death(socket, self._engine_pid)
        process = self._child()
        killed = found is not None if process is None else process.returncode == -signal.SIGKILL
        if not killed:
            return
        heavy = [
            number
            for number, asked in self._sessions.items()
            if SMALL_MODEL not in (asked.model, self._names.get(number))
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
        model = self._names.get(number) or asked.model or "the default model"
        what = f"{model}: {self._reason}, most likely for lack of memory"
        if self._sessions:
            self._on_event(ModelKilled(number, model, None, what))
            self._on_event(SessionFailed(number, what))
            return
        self._sessions[number] = msgspec.structs.replace(asked, model=SMALL_MODEL)
        reason = f"{what}; {SMALL_MODEL} serves instead"
        self._on_event(ModelKilled(number, model, SMALL_MODEL, reason))

    def _was_stable(self) -> bool:
        return self._ready_at is not None and monotonic() - self._ready_at > STABLE_SECONDS

    async def _drop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _pause(self, seconds: float) -> None:
        """Wait, until `close` at the longest."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def _child(self) -> "subprocess.Popen[bytes] | None":
        """Return the engine process if it is one that we started; else nobody tells us its end."""
        process = self._process
        return process if process is not None and process.pid == self._engine_pid else None

    async def _how_it_ended(self) -> str:
        """Return how the engine process ended, as far as anyone can tell."""
        process = self._child()
        if process is None:
            return "the engine process ended"
        for _ in range(10):  # the stream ends a moment before the process does
            if process.poll() is not None:
                break
            await asyncio.sleep(0.02)
        return exit_reason(process.returncode)

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


def _asked(number: int, model: str | None, machine: str, clock_ghz: float | None) -> OpenSession:
    """Return the request for a session, with what a remote model takes."""
    access = RemoteAccess()
    if model is not None and is_remote(model):
        with suppress(EngineError):  # no address: the engine says so
            access = remote_access(model)
    return OpenSession(number, paths.model_argument(model), machine, clock_ghz, access)


async def _read(reader: asyncio.StreamReader) -> ServerMessage | None:
    """Return the next message; None at the end.

    Raises:
        ServerError: The body is no message of this protocol.
    """
    body = await read_body(reader)
    try:
        return None if body is None else decode_server(body)
    except msgspec.MsgspecError as error:
        raise ServerError(
            f"the engine process sent something that is no message: {error}"
        ) from error
