"""The client of the engine process: connects to it, launches it when needed, and reconnects.

For one asyncio event loop.  Depends on messages and paths only: without numpy and numba a face
starts fast.
"""

import asyncio
import fcntl
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import msgspec

from engine import paths
from engine.errors import EngineError, ServerError
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    ClientMessage,
    EngineReady,
    Failed,
    ServerMessage,
    Welcome,
    decode_server,
    encode,
)
from engine.version import PROTOCOL_VERSION

__all__ = ["EngineClient", "EngineDown", "EngineStarting"]

log = logging.getLogger(__name__)

SERVER_COMMAND = (sys.executable, "-m", "engine.server")

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


class _GiveUp(Exception):
    """Another attempt would end the same way."""


class EngineClient:
    """One face's connection to the engine process of a model on a machine.

    All methods belong to the event loop in which `run` runs.

    Args:
        model: Name of a bundled model or path of a model folder; None is the default.
        machine: Name of a machine.
        clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
        on_event: Called in the event loop with every message and every change of connection.
        command: Starts the engine process; options are added to it.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        on_event: Callable[[ServerMessage | EngineStarting | EngineDown], None],
        command: Sequence[str] = SERVER_COMMAND,
    ) -> None:
        self._model = model
        self._machine = machine
        self._clock_ghz = clock_ghz
        self._on_event = on_event
        self._command = tuple(command)
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = asyncio.Event()
        self._attempt: asyncio.Task[None] | None = None
        self._ready_at: float | None = None
        self._refusal: str | None = None
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

    async def run(self) -> None:
        """Connect or launch, pass on each message, and start over until `close`.

        Returns after `close`, or when the engine cannot be started; then the last event is an
        `EngineDown` with ``retrying`` False.
        """
        failures = 0
        while not self._closing.is_set():
            self._ready_at = self._refusal = None
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
        socket = paths.socket_path(
            paths.model_argument(self._model), self._machine, self._clock_ghz
        )
        reader, self._writer = await self._connect_or_launch(socket)
        try:
            await self._welcome(reader)
            while (message := await _read(reader)) is not None:
                self._note(message)
                self._on_event(message)
        finally:
            await self._drop()
        if self._refusal is not None:
            raise _GiveUp(self._refusal)
        self._reason = await self._how_it_ended()

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
        self._on_event(message)

    def _note(self, message: ServerMessage) -> None:
        if isinstance(message, EngineReady):
            self._ready_at = monotonic()
        elif isinstance(message, Failed) and message.request_id == 0:
            self._refusal = message.message

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

    async def _how_it_ended(self) -> str:
        """Return how the engine process ended, as far as anyone can tell."""
        process = self._process
        if process is None:
            return "the engine process ended"
        for _ in range(10):  # the stream ends a moment before the process does
            if process.poll() is not None:
                break
            await asyncio.sleep(0.02)
        return _exit_reason(process.returncode)

    # ── finding or launching the process ────────────────────────────────────────────────────

    async def _connect_or_launch(
        self, socket: Path
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection, to a new process if none is running."""
        streams = await _connect(socket)
        if streams is not None:
            return streams
        # Of programs that start at once, one launches the process and the others wait for it.
        async with _launch_lock(socket):
            streams = await _connect(socket)
            if streams is not None:
                return streams
            self._on_event(EngineStarting(self._reason))
            return await self._launch(socket)

    async def _launch(self, socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start a process and connect to it."""
        errors = socket.with_suffix(".err")
        self._process = process = _start(self._command_line(socket), errors)
        deadline = monotonic() + LAUNCH_SECONDS
        while monotonic() < deadline:
            streams = await _connect(socket)
            if streams is not None:
                return streams
            if process.poll() is not None:
                said = _last_line(errors)
                raise ServerError(said or f"{_exit_reason(process.returncode)} while starting")
            await asyncio.sleep(0.02)
        process.kill()
        raise ServerError(f"the engine process did not open {socket} within {LAUNCH_SECONDS:.0f} s")

    def _command_line(self, socket: Path) -> list[str]:
        model = paths.model_argument(self._model)
        command = [*self._command, "--socket", str(socket), "--machine", self._machine]
        if model is not None:
            command += ["--model", model]
        if self._clock_ghz is not None:
            command += ["--clock", repr(self._clock_ghz)]
        return command


async def _connect(
    socket: Path,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Return a connection; None if nobody listens."""
    try:
        return await asyncio.open_unix_connection(socket)
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
        return None
    except OSError as error:
        raise ServerError(f"cannot connect to the engine at {socket}: {error}") from error


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


@asynccontextmanager
async def _launch_lock(socket: Path) -> AsyncIterator[None]:
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


def _start(command: list[str], errors: Path) -> subprocess.Popen[bytes]:
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


def _last_line(errors: Path) -> str:
    """Return the last line that a process wrote to standard error."""
    with suppress(OSError):
        lines = errors.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""


def _exit_reason(status: int | None) -> str:
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
