"""The link while there is no client yet, and when making one fails."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from engine import EngineDown
from engine.protocol.messages import Unwatch
from tests.tui.app.fakes import FakeClient
from tui.app_messages import EngineEvent
from tui.link.engine_link import EngineLink


async def test_before_the_first_paint_nothing_is_sent_and_closing_is_no_error() -> None:
    made: list[FakeClient] = []
    link = EngineLink(lambda event: None, lambda deliver: made.append(FakeClient()) or made[0])

    assert not link.connected
    assert link.send(Unwatch(1)) is False
    await link.close()
    assert made == []


async def test_it_runs_until_it_is_closed_and_tells_what_the_client_says() -> None:
    client, told = FakeClient(), []
    link = EngineLink(lambda message: told.append(message.event), client.listen)
    running = asyncio.create_task(link.run())
    await client.started.wait()

    assert link.connected
    assert link.send(Unwatch(1)) is True
    assert client.sent == [Unwatch(1)]
    client.ready()
    assert [type(event).__name__ for event in told] == ["EngineStarting", "EngineReady"]
    await link.close()
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("breaks", ["make", "run"])
async def test_whatever_breaks_is_told_as_an_engine_that_stays_down(
    breaks: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An editor that dies of a missing library would take unsaved text with it."""
    told: list[EngineEvent] = []

    class Broken(FakeClient):
        async def run(self) -> None:
            raise OSError("no socket")

    def make(deliver: Callable[[Any], None]) -> FakeClient:
        if breaks == "make":
            raise ImportError("no socket")
        return Broken()

    await EngineLink(told.append, make).run()

    (message,) = told
    assert message.event == EngineDown(reason="no socket", retrying=False)
    assert "Traceback" in caplog.text
