"""One program at work: started, read, stopped with all that it started."""

import asyncio
import codecs
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["RunningProgram"]

_READ_BYTES = 65_536
_STOP_SECONDS = 2.0
"""Time that a program has to end before it is killed."""


class RunningProgram:
    """A program in a session of its own, without input; its two outputs are one.

    Args:
        command: The program and its arguments.
        folder: Where it works.
        hear: Is told what it says.
    """

    def __init__(self, command: Sequence[str], folder: Path, hear: Callable[[str], None]) -> None:
        self._command = command
        self._folder = folder
        self._hear = hear
        self._process: Process | None = None
        self.stopped = False
        """Whether it was told to end."""

    async def run(self) -> int:
        """Run it to its end; return its exit status, negative for a signal.

        Raises:
            OSError: It cannot be started.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=self._folder, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb"},
            start_new_session=True,
        )  # fmt: skip
        try:
            await self._read(self._process)
            return await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)  # what it started and left behind ends with it

    async def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.stopped = True
        self._signal(signal.SIGTERM)
        process = self._process
        if process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), _STOP_SECONDS)
        self._signal(signal.SIGKILL)

    async def _read(self, process: Process) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        if process.stdout is None:
            return
        while data := await process.stdout.read(_READ_BYTES):
            self._hear(decoder.decode(data))
        self._hear(decoder.decode(b"", final=True))

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
