"""Who watches a running engine: it sees the newest open model, starts none and holds none."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from engine import paths, watching_client
from engine.client_events import EngineDown
from engine.errors import ServerError
from engine.protocol.messages import EngineReady, Telemetry, Watch
from engine.watching import watch_engine
from engine.watching_client import NO_ENGINE, NO_MODEL, WatchingClient
from tests.engine.server.faces import CANNED, face


async def test_without_an_engine_there_is_nothing_to_watch():
    with pytest.raises(ServerError, match="no engine is running"):
        await anext(watch_engine(50))
    assert not paths.socket_path().exists()


async def test_it_sees_the_model_of_another_client_and_what_it_does():
    async with face() as one:
        ready = await one.until(EngineReady)
        async with aclosing(watch_engine(20)) as watched, asyncio.timeout(20):
            first = await anext(watched)
            assert isinstance(first, EngineReady)
            assert first.model == ready.model
            start = await anext(watched)
            assert isinstance(start, Telemetry)
            one.ask(1)
            tokens = (await one.answer(1)).completion_tokens
            seen = start.throughput.decode_tokens
            while seen < tokens:
                seen += (await anext(watched)).throughput.decode_tokens
            assert seen >= tokens > 0


async def test_who_watches_holds_no_model(monkeypatch):
    async with face() as one:
        await one.until(EngineReady)
        async with aclosing(watch_engine(20)) as watched, asyncio.timeout(20):
            await anext(watched)
            one.client.close_session(1)
            await asyncio.sleep(0.1)
            assert one.client.connected
            again = watch_engine(20)
            assert isinstance(await anext(again), EngineReady)  # it is open until its time is up
            await again.aclose()


class Watcher:
    """A watching client that keeps what it is told."""

    def __init__(self):
        self.told = []
        self.client = WatchingClient(self.told.append)

    async def until(self, kind, count=1):
        async with asyncio.timeout(20):
            while len(found := [each for each in self.told if isinstance(each, kind)]) < count:
                await asyncio.sleep(0.01)
        return found[count - 1]


@asynccontextmanager
async def watcher(monkeypatch):
    monkeypatch.setattr(watching_client, "LOOK_SECONDS", 0.05)
    found = Watcher()
    task = asyncio.create_task(found.client.run())
    try:
        yield found
    finally:
        await found.client.close()
        async with asyncio.timeout(10):
            await task


async def test_it_waits_for_an_engine_and_follows_what_is_done_there(monkeypatch):
    async with watcher(monkeypatch) as seen:
        assert (await seen.until(EngineDown)).reason == NO_ENGINE
        async with face() as one:
            theirs = await one.until(EngineReady)
            ready = await seen.until(EngineReady)
            assert (ready.model, ready.machine) == (theirs.model, theirs.machine)
            seen.client.send(Watch(ready.session, 20))
            await seen.until(Telemetry)
            one.ask(1)
            written = (await one.answer(1)).completion_tokens
            async with asyncio.timeout(20):
                while sum(each.throughput.decode_tokens for each in telemetry(seen)) < written:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(4 * watching_client.LOOK_SECONDS)
            assert len([each for each in seen.told if isinstance(each, EngineReady)]) == 1


def telemetry(seen):
    return [each for each in seen.told if isinstance(each, Telemetry)]


async def test_it_hears_that_a_model_is_closed_and_that_it_is_opened_again(monkeypatch):
    command = (*CANNED, "--session-idle", "0.1")
    async with face(command) as one, watcher(monkeypatch) as seen:
        await one.until(EngineReady)
        first = await seen.until(EngineReady)
        waited = len([each for each in seen.told if isinstance(each, EngineDown)])
        one.client.close_session(1)
        assert (await seen.until(EngineDown, waited + 1)).reason == NO_MODEL
        one.client.open(None)
        again = await seen.until(EngineReady, 2)
        assert again.session != first.session
        assert again.model == first.model
