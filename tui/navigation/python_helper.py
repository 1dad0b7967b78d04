"""Asks a process of our own about Python code, with a limit of time for each question.

The process is started with the first question.  One that takes too long, or fails, is ended, and
the next question starts another: no code can make the app wait.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import paths
from engine.own_files import refusal
from tui.navigation import python_child

__all__ = ["Cursor", "HelperError", "PythonHelper"]

_log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES = 32_000_000
_VENV_NAMES = (".venv", "venv", "env")


class HelperError(Exception):
    """There is no answer; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a text that somebody asks about."""

    root: Path
    """The repository."""
    path: Path
    text: str
    row: int = 0
    column: int = 0


class PythonHelper:
    """One process that answers, one question after another."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._packages: dict[Path, list[str]] = {}
        self._folder: str | None = None

    async def ask(self, kind: str, cursor: Cursor, seconds: float, *, ruff: str = "") -> Any:
        """Return the answer to a question.

        Args:
            kind: A function of `tui.navigation.python_child`.
            cursor: What it is about.
            seconds: Longest time for the answer.
            ruff: The program that looks for problems; empty for none.

        Raises:
            HelperError: It took too long, or the process ended.
        """
        async with self._lock:
            number = next(self._numbers)
            question = await asyncio.to_thread(self._question, number, kind, cursor, ruff)
            try:
                return await asyncio.wait_for(self._answer(question, number), seconds)
            except TimeoutError:
                self._end()
                words = f"no answer within {seconds:.0f} s; the question was given up"
                raise HelperError(words) from None
            except asyncio.CancelledError:
                self._end()  # nobody waits for what it is busy with
                raise
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                self._end()
                _log.info("the process that knows Python failed: %s", type(error).__name__)
                raise HelperError("the process that knows Python ended; ask again") from error

    async def close(self) -> None:
        """End the process, and wait until it is gone."""
        process = self._process
        self._end()
        if process is not None:
            await process.wait()

    async def _answer(self, question: bytes, number: int) -> Any:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise ValueError("no pipes")
        process.stdin.write(question)
        await process.stdin.drain()
        line = await process.stdout.readuntil(b"\n")
        reply = json.loads(line)
        if reply["id"] != number:
            raise ValueError("an answer to another question")
        if "problem" in reply:
            raise HelperError(f"no answer: {reply['problem']}")
        return reply["answer"]

    async def _running(self) -> Process:
        """Return the process; start it if there is none."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", str(python_child.__file__),
                stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL,
                cwd="/", env=paths.child_environment(), limit=_MAX_ANSWER_BYTES,
                start_new_session=True,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        """End the process, and what it started."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _cache(self) -> str:
        """Return the folder in which jedi keeps syntax trees; empty if none can be trusted.

        They are read as pickles: whoever could write there could have code run.
        """
        if self._folder is None:
            folder = paths.cache_dir() / "jedi"
            self._folder = "" if refusal(folder) else str(folder)
        return self._folder

    def _question(self, number: int, kind: str, cursor: Cursor, ruff: str) -> bytes:
        """Return a question as a line: in ASCII, which has a form for what UTF-8 cannot hold."""
        if cursor.root not in self._packages:
            self._packages[cursor.root] = _packages_of(cursor.root)
        question = {
            "id": number,
            "kind": kind,
            "root": str(cursor.root),
            "path": str(cursor.path),
            "text": cursor.text,
            "row": cursor.row,
            "column": cursor.column,
            "packages": self._packages[cursor.root],
            "cache": self._cache(),
            "ruff": ruff,
        }
        return json.dumps(question).encode("ascii") + b"\n"


def _packages_of(root: Path) -> list[str]:
    """Return the folders of the packages installed for a repository; their sources are read."""
    found = [root / "src"]
    for name in _VENV_NAMES:
        with contextlib.suppress(OSError):  # it cannot be read
            found += sorted((root / name).glob("lib/python3.*/site-packages"))
    return [str(folder) for folder in found if os.path.isdir(folder)]
