"""What is asked ahead of the person: the suggestion that follows the one shown now.

One such request at a time.  `tui.assist.suggestions` decides whether it is sent, and keeps its
answer.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from engine.protocol.completion import PREFIX_CHARACTERS
from tui.assist.cursor_place import CursorPlace
from tui.assist.suggestion_request import Request

__all__ = ["AheadRequest", "place_after"]

_REST_MS = 150
"""For how long a suggestion stands before the next one is asked for: a person who types on would
only be in the way of that."""


class _Stoppable(Protocol):
    def stop(self) -> None: ...


class AheadRequest:
    """The one request that is planned or under way for a place where nobody is yet.

    Args:
        set_timer: Calls back after a number of seconds.
        send: Asks about a place, unless something speaks against it.
        cancel: Takes a request back.
    """

    def __init__(
        self,
        set_timer: Callable[[float, Callable[[], None]], _Stoppable],
        send: Callable[[CursorPlace], Request | None],
        cancel: Callable[[int], None],
    ) -> None:
        self._set_timer = set_timer
        self._send = send
        self._cancel = cancel
        self.request: Request | None = None
        """Under way; None: nothing is, or it is only planned."""
        self._place: CursorPlace | None = None
        self._timer: _Stoppable | None = None

    def plan(self, place: CursorPlace) -> None:
        """Ask soon about a place, unless that is planned or under way already."""
        if self._place != place:
            self.drop()
            self._place = place
            self._timer = self._set_timer(_REST_MS / 1e3, self._ask)

    def _ask(self) -> None:
        """Ask about the place that was planned."""
        place = self._place
        request = None if place is None else self._send(place)
        self.forget()
        self.request, self._place = request, None if request is None else place

    def drop(self) -> None:
        """Take back what was asked, because the person goes another way."""
        if self.request is not None:
            self._cancel(self.request.number)
        self.forget()

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
