"""The suggestions at the cursor: told what the person does, they tell the app what to show.

No other module asks the engine for text.  How it is asked stands in `tui.assist.suggestion_asking`,
what becomes of its answers in `tui.assist.suggestion_answers`.  Knows neither Textual nor widgets:
timers, clock and client are given to it.
"""

from tui.assist.cursor_place import CursorPlace
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_answers import SuggestionAnswers
from tui.assist.suggestion_request import Request, Wish

__all__ = ["Suggestions"]


class Suggestions(SuggestionAnswers):
    """Follows the person: what they type, take, refuse and ask for."""

    def edited(self, place: CursorPlace, *, accepted: bool = False) -> None:
        """Follow an edit by the person: the cursor is at ``place`` now.

        Args:
            place: The cursor and its text.
            accepted: Whether the edit was an accepted suggestion.
        """
        if place == self._place and self._state in ("waiting", "asking"):
            return  # two keys at once: the first edit was told with the text after both
        self._declined = None
        self._place = place
        if not accepted:
            self._meter.key(self._clock())
        if self._take_over_ahead(place) or self._keep_request(place):
            return
        self._consider("accepted" if accepted else "typed")

    def moved(self, place: CursorPlace) -> None:
        """Follow a cursor that moved, or a selection that changed."""
        if place == self._place:
            return
        self._drop()
        self._place = place
        if place != self._declined:
            self._consider("moved")

    def changed(self, place: CursorPlace | None) -> None:
        """Follow a change that calls for no suggestion: undo, another file, or no file (None)."""
        self._drop()
        self._place = place
        self._set_state()

    def ask(self, place: CursorPlace) -> None:
        """Ask now, at the person's wish."""
        self._stop()
        self._standing = self._declined = None
        self._place = place
        self._consider("asked")

    def other(self, place: CursorPlace, shown: ScoredText, by: int) -> None:
        """Show another text in place of ``shown``: the next (1) or the one before (-1).

        Asks for it where nothing is shown.
        """
        if not shown.text.strip():
            self.ask(place)
        elif not self._others.step(place, shown, by):
            self.told.nothing(self._engine_says)
        self._set_state()

    def dismissed(self) -> None:
        """Stop, and offer nothing at this place until the text changes."""
        self._drop()
        self._declined = self._place
        self._set_state()

    @property
    def paused(self) -> bool:
        """Whether suggestions no longer come by themselves; Ctrl+L still asks."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if paused:
            self._stop()
        elif self._place is not None:
            self._consider("moved")
        self._set_state()

    def _drop(self) -> None:
        """Stop, and forget what is shown, because it is not shown any more."""
        self._stop()
        self._ahead.drop()
        self._standing = None

    def _take_over_ahead(self, place: CursorPlace) -> bool:
        """Follow what was asked ahead, if the suggestion was taken; return whether that is so."""
        request = self._ahead.take(place)
        if request is None:
            return False
        self._stop()
        decision = request.wish.decision
        wish = Wish(place, "accepted", decision, self._clock())
        self.told.begin(place, "accepted", decision, self.settings)
        self._request = Request(request.number, wish, self._clock(), request.text)
        self._keep_request(place)
        self._set_state()
        return True
