"""A client without an engine, and waiting for the app instead of sleeping."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot

from engine import EngineStarting
from engine.protocol.editing import Edit
from engine.protocol.messages import (
    ClientMessage,
    Complete,
    Completed,
    CoreAsked,
    Progress,
    StillAsked,
    Telemetry,
    ThroughputPoint,
    Watch,
    WatchedCores,
    Welcome,
)
from engine.protocol.what_if import WhatIfSetup
from tui.demo_engine import demo_completion, demo_core, demo_ready, demo_still, demo_telemetry

__all__ = ["FakeClient", "demo_edit", "settled", "until"]


class FakeClient:
    """Says what a test tells it to say, and keeps what it was sent.

    Args:
        answer: Text of every completion; None answers nothing.
    """

    def __init__(self, answer: str | None = None) -> None:
        self.answer = answer
        self.silent = False
        """Whether questions about the wafer stay without an answer."""
        self.sent: list[ClientMessage] = []
        self.opened: list[str | None] = []
        self.setups: list[WhatIfSetup | None] = []
        """The machine of each of those; None: the client's."""
        self.dropped: list[int] = []
        self.on_event: Callable[[Any], None] = lambda event: None
        self._worked: tuple[int, int] | None = None  # the last interval, and its session
        self.started = asyncio.Event()
        self.closed = asyncio.Event()

    def listen(self, on_event: Callable[[Any], None]) -> "FakeClient":
        """Tell ``on_event`` what is said from now on; this is how an app makes its client."""
        self.on_event = on_event
        return self

    @property
    def connected(self) -> bool:
        return self.started.is_set()

    async def run(self) -> None:
        self.on_event(EngineStarting("no engine is running"))
        self.started.set()
        await self.closed.wait()

    def send(self, message: ClientMessage) -> bool:
        self.sent.append(message)
        if isinstance(message, Watch) and self._worked is not None:
            self.on_event(_still(message, *self._worked))
        if isinstance(message, StillAsked) and not self.silent:
            self.on_event(demo_still(message))
        if isinstance(message, CoreAsked) and not self.silent:
            self.on_event(demo_core(message))
        if isinstance(message, Complete) and self.answer is not None:
            self.on_event(Completed(message.request_id, demo_completion(self.answer)))
        return True

    def open(self, model: str | None, setup: WhatIfSetup | None = None) -> int:
        self.opened.append(model)
        self.setups.append(setup)
        return 1 + len(self.opened)

    def close_session(self, number: int) -> None:
        self.dropped.append(number)

    async def close(self) -> None:
        self.closed.set()

    # ── things an engine says ───────────────────────────────────────────────────────────────

    def compile(self, done: int = 3, total: int = 17, label: str = "compiling matmul") -> None:
        self.on_event(Welcome(protocol=1, pid=1, version="0"))
        self.on_event(Progress("kernels", done, total, label, session=1))

    def ready(self, session: int = 1, **model: Any) -> None:
        ready = demo_ready()
        model_info = replace(ready.model, **model)
        self.on_event(replace(ready, session=session, model=model_info))

    def work(self, intervals: int = 40, session: int = 1) -> None:
        ready = demo_ready()
        self._worked = intervals - 1, session
        for step in range(intervals):
            telemetry = demo_telemetry(ready, step, cores=self.watched)
            self.on_event(replace(telemetry, session=session))

    @property
    def watched(self) -> WatchedCores | None:
        """The cores that the app looks at."""
        return next((each.cores for each in reversed(self.sent) if isinstance(each, Watch)), None)


def demo_edit(text: str, refused: str | None = None) -> Edit:
    """An edit with figures that fit the rest of the demo."""
    numbers = demo_completion("")
    return Edit(text, refused, None, "spark-demo", 310, 14, numbers.host, numbers.wafer)


def _still(watch: Watch, step: int, session: int) -> Telemetry:
    """Return what an engine says at once to who watches: nothing new, and the last states."""
    shown = demo_telemetry(demo_ready(), step, cores=watch.cores)
    nothing = ThroughputPoint(0, 0, None, None, None, None)
    return replace(shown, sequence=0, elapsed_cycles=0, throughput=nothing, session=session)


async def until(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Give the app turns until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {condition}"
        await pilot.pause(0.01)
    await pilot.pause()


async def settled(pilot: Pilot[Any], turns: int = 3) -> None:
    """Wait until only the engine and open questions are waited for and the picture rests."""
    endless = {"engine", "_loader"} | (
        {"files", "models"} if len(pilot.app.screen_stack) > 1 else set()
    )

    def running() -> list[Any]:
        return [worker for worker in pilot.app.workers if worker.group not in endless]

    def busy() -> bool:
        return any(not worker.is_finished for worker in running())

    await until(pilot, lambda: not busy())
    picture, same = "", 0
    while same < turns:
        await pilot.pause(0.02)
        before, picture = picture, pilot.app.export_screenshot(simplify=True)
        same = same + 1 if picture == before else 0
