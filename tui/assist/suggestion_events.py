"""What becomes of suggestions, in the events that `tui.assist.suggestions` tells the app."""

from dataclasses import dataclass
from typing import Literal

from engine.protocol.completion import Completion
from tui.assist.cursor_place import CursorPlace

__all__ = [
    "NoSuggestion",
    "StateChanged",
    "SuggestionEvent",
    "SuggestionFailed",
    "SuggestionReady",
    "SuggestionState",
]

SuggestionState = Literal["idle", "waiting", "asking", "paused"]
"""``waiting`` for a rest of the keys, or ``asking`` the engine."""


@dataclass(frozen=True, slots=True)
class SuggestionReady:
    """Text to show at the cursor, in place of what is shown there.

    It is right only while the cursor is at ``place``.  After a key whose edit has not been told
    yet, the text for the new place is on its way.
    """

    place: CursorPlace
    text: str
    latency_ms: float
    """Host time from the key that asked to this text."""
    from_cache: bool = False
    complete: bool = True
    """False while more of it may come."""
    completion: Completion | None = None
    """The engine's answer, once it is complete; None if the text came from the cache."""
    note: str = ""
    """A remark beside it: that the model knows another language."""
    delay_ms: float = 0.0
    """The part of ``latency_ms`` before the request was sent."""
    mean_logprob: float | None = None
    """How likely the model found all of the suggestion; None where nobody knows."""
    sure: int | None = None
    """Characters at the beginning of ``text`` that the model is sure of; None: nobody knows."""
    chance: float | None = None
    """How likely the person takes it, 0–1; None where nobody knows."""
    asked: bool = False
    """Whether the person asked for it."""
    rank: str = ""
    """Which of several texts it is: ``2/3``; empty where there is one."""


@dataclass(frozen=True, slots=True)
class NoSuggestion:
    """No text comes at this place unless something changes."""

    reason: str
    completion: Completion | None = None
    """The engine's answer, if there was one."""


@dataclass(frozen=True, slots=True)
class SuggestionFailed:
    """The engine could not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A new state, for the status line."""

    state: SuggestionState


SuggestionEvent = SuggestionReady | NoSuggestion | SuggestionFailed | StateChanged
