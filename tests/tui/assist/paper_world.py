"""Suggestions with a clock, timers and an engine made of paper, for the tests beside."""

from dataclasses import dataclass, field

import pytest

from engine.protocol.completion import Completion, CompletionRequest, HostStats, WaferStats
from engine.protocol.messages import (
    Cancel,
    Complete,
    Completed,
    EngineReady,
    MachineInfo,
    ModelInfo,
)
from tui.assist.cursor_place import CursorPlace
from tui.assist.suggestion_events import (
    StateChanged,
    SuggestionReady,
)
from tui.assist.suggestions import Suggestions
from tui.settings import SuggestionSettings


@dataclass
class PaperTimer:
    due: float
    callback: object
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


@dataclass
class World:
    """The client, the clock and the timers, and what came of them."""

    connected: bool = True
    now: float = 0.0
    sent: list = field(default_factory=list)
    events: list = field(default_factory=list)
    timers: list = field(default_factory=list)
    suggestions: Suggestions = None

    def send(self, message) -> bool:
        if self.connected:
            self.sent.append(message)
        return self.connected

    def set_timer(self, seconds, callback) -> PaperTimer:
        timer = PaperTimer(self.now + seconds, callback)
        self.timers.append(timer)
        return timer

    def wait(self, milliseconds: float) -> None:
        """Let time pass and timers fire."""
        end = self.now + milliseconds / 1e3
        while due := [t for t in self.timers if not t.stopped and t.due <= end + 1e-9]:
            timer = min(due, key=lambda t: t.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.callback()
        self.now = end

    @property
    def requests(self) -> list[CompletionRequest]:
        return [message.request for message in self.sent if isinstance(message, Complete)]

    @property
    def sessions(self) -> list[int]:
        """Of each request, which session it goes to."""
        return [message.session for message in self.sent if isinstance(message, Complete)]

    @property
    def automatic(self) -> list[bool]:
        """Of each request, whether it came by itself."""
        return [message.automatic for message in self.sent if isinstance(message, Complete)]

    @property
    def cancelled(self) -> list[int]:
        return [message.request_id for message in self.sent if isinstance(message, Cancel)]

    def shown(self) -> list[str]:
        """Return the texts that were to be shown since the last look, and forget them."""
        texts = [event.text for event in self.events if isinstance(event, SuggestionReady)]
        self.events.clear()
        return texts

    def last(self):
        return [event for event in self.events if not isinstance(event, StateChanged)][-1]


MODEL = ModelInfo("spark-nano", "", 1, 1, 1, 1, 2048, "python", 1, True)
READY = EngineReady(MODEL, MachineInfo("wse3", 1.0, 1, 1, 1, "", 1, []), 1, "portable", 1.0)


def completed(number: int, text: str, reason: str = "stop") -> Completed:
    wafer = WaferStats("wse3", 1.0, "", 1, 1, 1.0, 1.0, 0.1, 1)
    host = HostStats(1.0, 1.0, 1.0, 1.0)
    return Completed(number, Completion(text, reason, "spark-nano", 1, 0, 1, host, wafer))


def at(
    before: str, after: str = "\nrest", path: str = "a.py", language="python", **more
) -> CursorPlace:
    return CursorPlace(path, language, before, after, **more)


@pytest.fixture
def world() -> World:
    world = World()
    world.suggestions = Suggestions(
        world,
        SuggestionSettings(ahead=False),
        on_event=world.events.append,
        set_timer=world.set_timer,
        clock=lambda: world.now,
    )
    world.suggestions.on_engine(READY)
    return world
