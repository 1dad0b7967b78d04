"""Watches the engine process that other clients use, and its models.  Starts none, opens none.

Light, as `engine.client` is: no numpy, no numba.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from engine import paths
from engine.engine_process import connect
from engine.errors import ServerError
from engine.process_ending import peer_process
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    EngineReady,
    OpenSession,
    Ping,
    SessionFailed,
    Telemetry,
    Watch,
    Welcome,
    decode_server,
    encode,
)
from engine.silence import SILENT_SECONDS, SilenceWatch

__all__ = ["EngineLook", "look_at_engine", "watch_engine"]

_SESSION = 1

LOOK_SECONDS = 3.0
"""A process that is only busy welcomes a client much sooner."""


@dataclass(frozen=True, slots=True)
class EngineLook:
    """What a look at the running engine process found."""

    pid: int | None
    """None where the system does not tell."""
    problem: str | None
    """Why nobody can use it; None if it answers."""


async def watch_engine(interval_ms: int) -> AsyncIterator[EngineReady | Telemetry]:
    """Yield what the newest open model is, then its counters whenever something happened.

    Ends with the engine process; while this runs, that stays.

    Args:
        interval_ms: Least time between two messages.

    Raises:
        ServerError: No engine process runs, it does not answer, no model is open there, or it was
            closed.
    """
    found = await connect(paths.socket_path())
    if found is None:
        raise ServerError("nothing to watch: no engine is running; start spark-tui first")
    reader, writer = found
    peer = peer_process(writer)
    silence = SilenceWatch(lambda: writer.write(encode(Ping())), writer.transport.abort)
    asking = asyncio.create_task(silence.run())
    try:
        for message in (OpenSession(_SESSION, join=True), Watch(_SESSION, interval_ms)):
            writer.write(encode(message))
        while (body := await read_body(reader)) is not None:
            silence.heard()
            told = decode_server(body)
            if isinstance(told, SessionFailed):
                raise ServerError(f"nothing to watch: {told.message}")
            if isinstance(told, EngineReady | Telemetry):
                yield told
        if silence.silent:
            raise ServerError(_no_answer(peer, SILENT_SECONDS))
    finally:
        asking.cancel()
        writer.transport.abort()


async def look_at_engine() -> EngineLook | None:
    """Return whether the user's engine process answers; None if none is running.

    Takes a moment, or `LOOK_SECONDS` where it does not answer.
    """
    found = await connect(paths.socket_path())
    if found is None:
        return None
    reader, writer = found
    pid = peer_process(writer)
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            body = await read_body(reader)
            welcome = None if body is None else decode_server(body)
    except TimeoutError:
        return EngineLook(pid, _no_answer(pid, LOOK_SECONDS))
    except (ServerError, msgspec.MsgspecError) as error:
        return EngineLook(pid, f"the engine process says what is no message: {error}")
    finally:
        writer.transport.abort()
    return EngineLook(welcome.pid, None) if isinstance(welcome, Welcome) else None


def _no_answer(pid: int | None, seconds: float) -> str:
    which = "" if pid is None else f" {pid}"
    how = "" if pid is None else f"; kill -CONT {pid} lets it go on if it is stopped"
    return f"the engine process{which} has not answered for {seconds:.0f} s{how}"
