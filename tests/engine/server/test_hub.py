"""The hub alone: when it says that nobody needs the process any more."""

import asyncio
from pathlib import Path

import pytest

from engine import paths
from engine.protocol.messages import PartialText
from engine.server import connection
from engine.server.hub import Engine, Hub


def no_session(*arguments):
    raise AssertionError("nobody asked for a session")


@pytest.mark.parametrize("fault", ["sessions", "socket"])
async def test_a_hub_that_can_no_longer_tell_ends(monkeypatch, caplog, fault):
    """Otherwise the process would stay for ever, with nobody to need it."""

    def fail(*arguments):
        raise PermissionError("the folder was closed")

    hub = Hub(paths.socket_path(), Engine(no_session, idle_seconds=60.0, session_idle_seconds=0.1))
    if fault == "sessions":
        monkeypatch.setattr(hub._sessions, "close_unused", fail)
    else:
        monkeypatch.setattr(Path, "exists", fail)
    async with asyncio.timeout(10):
        await hub.run()
    hub._worker.stop()
    assert "whether this process is needed" in caplog.text


async def test_a_client_that_reads_nothing_does_not_keep_a_hub_from_ending(monkeypatch):
    """As an app that was stopped in its shell, while the panes were shown."""
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0.2)
    socket = paths.socket_path()
    hub = Hub(socket, Engine(no_session))
    running = asyncio.create_task(hub.run())
    while not socket.exists():
        await asyncio.sleep(0.01)
    _reader, writer = await asyncio.open_unix_connection(socket, limit=1)
    while not hub._clients:
        await asyncio.sleep(0.01)
    (client,) = hub._clients
    client.send(PartialText(1, "x" * 10_000_000))
    assert client.unread_bytes() > 0
    hub.end()
    async with asyncio.timeout(10):
        await running
    hub._worker.stop()
    writer.close()
