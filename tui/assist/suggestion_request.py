"""A suggestion that is wanted, and the request for it that is under way.

A request goes on serving while the person types what it says: it knows how much of its text is
left at a later place.  Sends nothing.
"""

from dataclasses import dataclass

from tui.assist.cursor_place import CursorPlace, typed_between
from tui.assist.policy import Decision, Trigger

__all__ = ["Request", "Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A suggestion that the policy agreed to."""

    place: CursorPlace
    trigger: Trigger
    decision: Decision
    since: float
    """Clock at the key that asked, in seconds."""


@dataclass(slots=True)
class Request:
    """A wish that was sent to the engine."""

    number: int
    wish: Wish
    sent: float = 0.0
    """Clock when it was sent, in seconds."""
    text: str = ""
    """The answer so far."""

    def waits_at(self, place: CursorPlace) -> bool:
        """Return whether it has said nothing, and what was typed since may be what it will say."""
        return not self.text and self._typed_until(place) is not None

    def rest_at(self, place: CursorPlace) -> str | None:
        """Return what is left of the text at ``place``; None if something else was typed."""
        typed = self._typed_until(place)
        if typed is None or not self.text.startswith(typed):
            return None
        return self.text[len(typed) :]

    def may_still_fit(self, place: CursorPlace) -> bool:
        """Return whether all of the text was typed, so that more of it may fit at ``place``."""
        typed = self._typed_until(place)
        return typed is not None and typed.startswith(self.text)

    def _typed_until(self, place: CursorPlace) -> str | None:
        """Return what was typed from the wish's place to ``place``; None after another edit."""
        start = self.wish.place
        if start.path != place.path or start.suffix != place.suffix:
            return None
        return typed_between(start.prefix, place.prefix)
