"""Who watches a running engine: it sees the newest open model, starts none and holds none."""

import asyncio
from contextlib import aclosing

import pytest

from engine import paths
from engine.errors import ServerError
from engine.protocol.messages import EngineReady, Telemetry
from engine.watching import watch_engine
from tests.engine.server.faces import face


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
