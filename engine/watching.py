"""Watches the models that other clients of the engine process use.  Starts no process, opens none.

Light, as `engine.client` is: no numpy, no numba.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from engine import paths
from engine.engine_process import connect
from engine.errors import ServerError
from engine.protocol.framing import read_body
from engine.protocol.messages import (
    EngineReady,
    OpenSession,
    SessionFailed,
    Telemetry,
    Watch,
    decode_server,
    encode,
)

__all__ = ["watch_engine"]

_SESSION = 1


async def watch_engine(interval_ms: int) -> AsyncIterator[EngineReady | Telemetry]:
    """Yield what the newest open model is, then its counters whenever something happened.

    Ends with the engine process; while this runs, that stays.  The model may be closed for all
    that: then nothing more is told.

    Args:
        interval_ms: Least time between two messages.

    Raises:
        ServerError: No engine process runs, or no model is open there.
    """
    found = await connect(paths.socket_path())
    if found is None:
        raise ServerError("nothing to watch: no engine is running; start spark-tui first")
    reader, writer = found
    try:
        for message in (OpenSession(_SESSION, join=True), Watch(_SESSION, interval_ms)):
            writer.write(encode(message))
        while (body := await read_body(reader)) is not None:
            told = decode_server(body)
            if isinstance(told, SessionFailed):
                raise ServerError(f"nothing to watch: {told.message}")
            if isinstance(told, EngineReady | Telemetry):
                yield told
    finally:
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
