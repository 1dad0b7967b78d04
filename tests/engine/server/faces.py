"""Clients that keep what they are told, and the engine processes that they start."""

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest

from engine.client import EngineClient
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import Complete, Completed, Failed, Welcome

CANNED = (sys.executable, "-m", "tests.canned", "--idle", "5")


class Face:
    """A client that keeps what it is told."""

    pids: ClassVar[set[int]] = set()
    """Of all engine processes met in this test."""

    def __init__(self, command=CANNED, **options):
        self.events = []
        self._news = asyncio.Event()
        self.client = EngineClient(on_event=self._on_event, command=command, **options)
        self.task = None

    def _on_event(self, event):
        self.events.append(event)
        self._news.set()
        if isinstance(event, Welcome):
            self.pids.add(event.pid)

    async def until(self, kind, count=1, seconds=20.0):
        """Wait for the ``count``-th event of a kind and return it."""
        async with asyncio.timeout(seconds):
            while len(found := [e for e in self.events if isinstance(e, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    async def answer(self, request_id):
        """Wait for the end of a request and return its `Completion` or `Failed`."""
        async with asyncio.timeout(20.0):
            while True:
                for event in self.events:
                    if isinstance(event, Completed) and event.request_id == request_id:
                        return event.completion
                    if isinstance(event, Failed) and event.request_id == request_id:
                        return event
                self._news.clear()
                await self._news.wait()

    def ask(self, request_id, path="a.py", *, session=1, automatic=True, **options):
        request = CompletionRequest(path, "def f():\n    ", "\n", **options)
        return self.client.send(Complete(session, request_id, request, automatic))

    def kinds(self):
        kinds = [type(event) for event in self.events]
        return [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] is not kind]


@asynccontextmanager
async def face(command=CANNED, **options):
    face = Face(command, **options)
    face.task = asyncio.create_task(face.client.run())
    try:
        yield face
    finally:
        await face.client.close()
        async with asyncio.timeout(10):
            await face.task


def wait_until_gone(pids):
    for pid in pids:
        for _ in range(500):
            if not alive(pid):
                break
            time.sleep(0.02)
        else:
            os.kill(pid, signal.SIGKILL)
            pytest.fail("the engine process did not end")


def alive(pid):
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
