"""The lines of a recorded session, as README.md beside this file describes them.  Pure data."""

from typing import Literal

import msgspec

from engine.protocol.messages import Completed, EngineReady, Telemetry

__all__ = [
    "FORMAT",
    "CountersSeen",
    "EngineSaid",
    "FileSeen",
    "GhostEnded",
    "GhostSeen",
    "GhostTaken",
    "PlaceSeen",
    "RecordedEvent",
    "SessionBegan",
    "TextChanged",
]

FORMAT = 1
"""Number of the format: it goes up when what was there changes its meaning."""

_Place = tuple[int, int]
"""Row and column of a text, from 0; columns count Unicode characters."""


class _Timed(msgspec.Struct, frozen=True):
    at_ms: int
    """Milliseconds since the recording began."""


class SessionBegan(msgspec.Struct, frozen=True, tag_field="kind", tag="session"):
    """The first line."""

    format: int
    program: str
    """Version of the program."""
    began: str
    """Date and time (ISO 8601, with the zone)."""
    root: str
    """Folder of the repository."""


class FileSeen(_Timed, frozen=True, tag_field="kind", tag="file"):
    """Another file is visible; nothing more is told until the next one if ``path`` is None."""

    path: str | None
    """Relative to the repository; None: no file, or one that may hold secrets."""
    text: str | None = None
    """All of it; None: as it was when it was last visible."""
    cursor: _Place = (0, 0)


class TextChanged(_Timed, frozen=True, tag_field="kind", tag="edit"):
    """Text of the visible file between two places was replaced."""

    start: _Place
    end: _Place
    text: str
    cause: Literal["typed", "accepted", "undone", "loaded"]
    cursor: _Place
    """Afterwards."""


class PlaceSeen(_Timed, frozen=True, tag_field="kind", tag="cursor"):
    """The cursor moved without an edit."""

    cursor: _Place
    anchor: _Place
    """Where the selection begins; the cursor's place if nothing is selected."""


class GhostSeen(_Timed, frozen=True, tag_field="kind", tag="suggestion"):
    """A suggestion, or more of it, is shown at the cursor."""

    text: str
    latency_ms: float
    cached: bool = False
    whole: bool = True
    """False while more of it may come."""


class GhostTaken(_Timed, frozen=True, tag_field="kind", tag="accepted"):
    """A key accepts text of the suggestion; the edit follows."""

    text: str
    key: str
    """``all``, ``line``, ``word`` or ``part``."""


class GhostEnded(_Timed, frozen=True, tag_field="kind", tag="gone"):
    """The suggestion went without a key that accepted it."""

    reason: str


class EngineSaid(_Timed, frozen=True, tag_field="kind", tag="engine"):
    """What the engine said of a model, or at the end of a request; the panes show it."""

    message: EngineReady | Completed


class CountersSeen(_Timed, frozen=True, tag_field="kind", tag="counters"):
    """Counters of the wafer, without their picture."""

    telemetry: Telemetry
    picture: bytes = b""
    """Its ``cell_states``, compressed with zlib; empty where no picture was kept."""


RecordedEvent = (
    SessionBegan
    | FileSeen
    | TextChanged
    | PlaceSeen
    | GhostSeen
    | GhostTaken
    | GhostEnded
    | EngineSaid
    | CountersSeen
)
