"""Runs a program of this package in a process of its own, and yields the lines it writes.

Whoever stops listening ends that process.  Knows no message.
"""

import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["PYTHON_MODULE", "child_lines"]

_LONGEST_LINE = 64 * 1024 * 1024

PYTHON_MODULE = (sys.executable, "-m")
"""Begins the command of a module of this package."""


async def child_lines(command: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """Yield each line that a command writes to standard output; close it to end the process."""
    process = await create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=Path(__file__).resolve().parents[2],  # so that it imports the same sources
        limit=_LONGEST_LINE,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield line
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
