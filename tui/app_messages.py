"""The app's own messages, which cross from one part of the screen to another, and their reports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.client_events import ClientEvent
    from engine.protocol.messages import Telemetry, ThroughputPoint
    from engine.protocol.training import TrainingScene

    EngineNews = ClientEvent

__all__ = [
    "BackgroundWork",
    "EngineEvent",
    "PathsChanged",
    "SuggestionReport",
    "TelemetryUpdated",
    "TrainingNews",
]


class EngineEvent(Message):
    """The engine process said something, or was lost; only the app listens."""

    def __init__(self, event: "EngineNews") -> None:
        super().__init__()
        self.event = event


class PathsChanged(Message):
    """Files or folders were made, moved or deleted."""


class TelemetryUpdated(Message):
    """New numbers for the panes; at most one message per turn of the event loop."""

    def __init__(self, telemetry: "Telemetry", history: "Sequence[ThroughputPoint]") -> None:
        super().__init__()
        self.telemetry = telemetry
        """The newest counters."""
        self.history = history
        """Intervals in which something happened, oldest first, up to the newest."""


@dataclass(frozen=True, slots=True)
class BackgroundWork:
    """A model that is being fetched, or opened to serve next, for the status line."""

    model: str
    what: str
    """``"fetching"``, ``"checking"``, or the step of opening: ``"preparing 3 of 17 matmul"``."""
    fraction: float | None = None
    """How far it is, 0–1; None if unknown."""
    bytes_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingNews:
    """How far a model is that learns the repository, for the panes."""

    scene: "TrainingScene | None"
    """Its step as it would lie on the wafer; None where it has no price."""
    words: str
    share: float
    """Of the present stage, 0–1."""
    steps: int
    """That are done."""


@dataclass(frozen=True, slots=True)
class SuggestionReport:
    """How the last attempt at a suggestion went, for the status line."""

    shown: bool = False
    """Whether there is ghost text."""
    latency_ms: float | None = None
    """Host time from asking to the text; None when nothing was asked."""
    cached: bool = False
    """Whether the text came from the cache."""
    reason: str = ""
    """Why there is none, or a remark beside it; for a person."""
    rank: str = ""
    """Which of several texts it is: ``2/3``; empty where there is one."""
    hidden: bool = False
    """Whether there is a suggestion that waits until the person asks."""
    chance: float | None = None
    """How likely the person takes it, 0–1; None where nobody knows."""
    waiting: bool = False
    """Whether the engine is at it and has written nothing yet."""
