"""Asks for other texts at one place, at the person's wish, and shows them one at a time.

Alt+N and Alt+P step through them; the order is that of `tui.assist.alternatives`.  One request
brings them all, one after another, the likeliest beginning first.
"""

from collections.abc import Callable

from engine.protocol.messages import Completed, Failed, OtherText, PartialText
from tui.assist.alternatives import Alternatives
from tui.assist.cursor_place import CursorPlace
from tui.assist.scored_text import ScoredText, sure_length

__all__ = ["OTHERS", "OtherSuggestions"]

OTHERS = 4
"""Other texts that are asked for, beside the one that is shown."""


class OtherSuggestions:
    """The texts for the place where the person asked for others.

    Args:
        send: Asks the engine for them; returns the request's number, None if there is no engine.
        cancel: Takes a request back.
        show: Shows the text that is wanted now.
    """

    def __init__(
        self,
        send: Callable[[CursorPlace], int | None],
        cancel: Callable[[int], object],
        show: Callable[[CursorPlace, Alternatives], object],
    ) -> None:
        self._send = send
        self._cancel = cancel
        self._show = show
        self._number: int | None = None
        self._place: CursorPlace | None = None
        self._known: Alternatives | None = None

    @property
    def asking(self) -> bool:
        """Whether more texts are on their way."""
        return self._number is not None

    def step(self, place: CursorPlace, shown: ScoredText, by: int) -> bool:
        """Show the next text (1) or the one before (-1); ask for them the first time.

        Args:
            place: The cursor, where ``shown`` is shown.
            shown: The text there.
            by: 1 or -1.

        Returns:
            Whether there is an engine to ask.
        """
        if self._known is None or place != self._place or shown.text != self._known.shown.text:
            self.forget()
            self._number = self._send(place)
            if self._number is None:
                return False
            self._place, self._known = place, Alternatives((shown,))
        self._now(self._known.step(by))
        return True

    def forget(self) -> None:
        """Ask no more: the person went on."""
        if self._number is not None:
            self._cancel(self._number)
        self._number = self._place = self._known = None

    def takes(self, event: object) -> bool:
        """Follow an event of the engine; return whether it answers this request."""
        if not isinstance(event, OtherText | PartialText | Completed | Failed):
            return False
        if self._known is None or event.request_id != self._number:
            return False
        match event:
            case OtherText():
                sure = sure_length(event.text, event.likelihoods)
                other = ScoredText(event.text, event.mean_logprob, sure)
                self._now(self._known.with_other(other))
            case Completed() | Failed():
                self._number = None
                self._now(self._known.all_there())
        return True

    def _now(self, known: Alternatives) -> None:
        self._known = known
        if self._place is not None:
            self._show(self._place, known)
