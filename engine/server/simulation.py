"""Has a token simulated by a process of its own, and passes on how far it is.

Cancelled, it ends that process.  Computes nothing.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.protocol.xray import SimulationLine, TokenWave

__all__ = ["simulate"]

_LONGEST_LINE = 64 * 1024 * 1024
_COMMAND = (sys.executable, "-m", "engine.token_simulation")


async def simulate(
    arguments: tuple[str, str, int, int], tell: Callable[[SimulationLine], None]
) -> TokenWave:
    """Return the wave of a token's row, as it was simulated.

    Args:
        arguments: Model, machine, position, token.
        tell: Called with each line on the way.

    Raises:
        EngineError: It cannot be simulated.
    """
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        *map(str, arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=Path(__file__).resolve().parents[2],  # so that it imports the same sources
        limit=_LONGEST_LINE,
    )
    assert process.stdout is not None
    try:
        async for text in process.stdout:
            line = msgspec.json.decode(text, type=SimulationLine)
            if line.error:
                raise EngineError(line.error)
            if line.wave is not None:
                return line.wave
            tell(line)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    raise EngineError("the simulation ended without a result; the memory may not suffice")
