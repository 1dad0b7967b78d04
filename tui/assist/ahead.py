"""What is asked ahead of the person: the suggestion that follows the one shown now.

A record of one such request.  `tui.assist.suggestions` sends it and keeps its answer.
"""

from dataclasses import replace
from typing import Protocol

from engine.protocol.completion import PREFIX_CHARACTERS
from tui.assist.cursor_place import CursorPlace
from tui.assist.suggestion_request import Request

__all__ = ["AHEAD_REST_MS", "AheadRequest", "place_after"]

AHEAD_REST_MS = 150
"""For how long a suggestion stands before the next one is asked for: a person who types on would
only be in the way of that."""


class _Stoppable(Protocol):
    def stop(self) -> None: ...


class AheadRequest:
    """The one request that is planned or under way for a place where nobody is yet."""

    def __init__(self) -> None:
        self.request: Request | None = None
        """Under way; None: nothing is, or it is only planned."""
        self._place: CursorPlace | None = None
        self._timer: _Stoppable | None = None

    def plan(self, place: CursorPlace, timer: _Stoppable) -> None:
        """Remember that a place will be asked about when a timer fires."""
        self._place, self._timer = place, timer

    def begin(self, request: Request) -> None:
        """Remember the request that was sent."""
        self.request, self._place, self._timer = request, request.wish.place, None

    def is_for(self, place: CursorPlace) -> bool:
        """Return whether this place is asked about, or will be."""
        return self._place == place

    def is_number(self, number: int) -> bool:
        """Return whether this is the number of the request under way."""
        return self.request is not None and self.request.number == number

    @property
    def text(self) -> str:
        """The answer so far."""
        return "" if self.request is None else self.request.text

    @text.setter
    def text(self, text: str) -> None:
        if self.request is not None:
            self.request.text = text

    def take(self, place: CursorPlace) -> Request | None:
        """Return the request under way for this place and forget it; None if there is none."""
        if self.request is None or self._place != place:
            return None
        request = self.request
        self.forget()
        return request

    def forget(self) -> None:
        """Plan nothing, and follow no request."""
        if self._timer is not None:
            self._timer.stop()
        self.request = self._place = self._timer = None


def place_after(place: CursorPlace, text: str) -> CursorPlace:
    """Return the place behind a suggestion that is taken as a whole."""
    return replace(place, prefix=(place.prefix + text)[-PREFIX_CHARACTERS:])
