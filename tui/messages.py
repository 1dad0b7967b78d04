"""Messages that cross widgets, one small class each, and the reports they carry."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine import EngineDown, EngineStarting
    from engine.protocol.messages import ServerMessage, Telemetry, ThroughputPoint

__all__ = ["EngineEvent", "FileMade", "SuggestionReport", "TelemetryUpdated"]


class EngineEvent(Message):
    """The engine process said something, or was lost; for the app alone."""

    def __init__(self, event: "ServerMessage | EngineStarting | EngineDown") -> None:
        super().__init__()
        self.event = event


class FileMade(Message):
    """There is a new file on disk."""


class TelemetryUpdated(Message):
    """New numbers for the panes, at most one message per tick."""

    def __init__(self, telemetry: "Telemetry", history: "Sequence[ThroughputPoint]") -> None:
        super().__init__()
        self.telemetry = telemetry
        """The newest counters."""
        self.history = history
        """Intervals in which something happened, oldest first, the newest included."""


@dataclass(frozen=True, slots=True)
class SuggestionReport:
    """How the last attempt at a suggestion went, for the status line."""

    shown: bool = False
    """True when there is ghost text."""
    latency_ms: float | None = None
    """Host time from asking to the text; None when nothing was asked."""
    cached: bool = False
    """True when the text was known already."""
    reason: str = ""
    """Why there is none, or what is worth saying beside it; for a person."""
