"""Questions about cores over a real socket: answers, refusals, and the interval that is marked."""

import numpy as np

from engine.protocol.messages import (
    CoreAsked,
    EngineReady,
    Failed,
    MarkInterval,
    Still,
    StillAsked,
    Telemetry,
    Watch,
    WatchedCores,
)
from tests.engine.server.faces import face

CELLS = WatchedCores(0, 0, 2, 1, 2, 1)


async def test_the_marked_interval_is_told_in_the_cells_that_are_asked_for():
    async with face() as app:
        await app.until(EngineReady)
        app.client.send(StillAsked(1, 50, "marked", CELLS))
        assert (await app.until(Still)).values == b""  # nothing is marked
        app.client.send(Watch(1, 20, CELLS))
        await app.until(Telemetry)
        app.ask(1)
        await app.answer(1)
        while not any(e.elapsed_cycles for e in app.events if isinstance(e, Telemetry)):
            await app.until(Telemetry, 1 + sum(isinstance(e, Telemetry) for e in app.events))
        app.client.send(MarkInterval(1))
        app.client.send(StillAsked(1, 51, "marked", CELLS))
        still = await app.until(Still, 2)
        states = np.frombuffer(still.values, "<i8").reshape(-1, 6)
        assert (still.request_id, still.cores, len(states)) == (51, CELLS, 2)
        assert states.sum() > 0


async def test_what_cannot_be_told_is_refused_with_its_number():
    async with face() as app:
        app.client.send(CoreAsked(1, 60, 0, 0))
        await app.until(EngineReady)
        app.client.send(StillAsked(1, 61, "nonsense", CELLS))
        assert "nothing like that" in (await app.answer(61)).message
        app.client.send(StillAsked(1, 62, "marked", WatchedCores(0, 0, 2, 1, 0, 1)))
        assert isinstance(await app.answer(62), Failed)
        app.client.send(CoreAsked(7, 63, 0, 0))
        assert "session 7 is not open" in (await app.answer(63)).message
        app.client.send(CoreAsked(1, 64, 0, 0))  # a wafer without a graph
        assert "the engine failed" in (await app.answer(64)).message
        app.ask(2)
        assert (await app.answer(2)).text  # and goes on
