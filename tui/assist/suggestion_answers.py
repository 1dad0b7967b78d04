"""Follows what the engine says to what was asked: text on its way, answers, and its own state.

What the small model says is shown at once, and the large one takes its place at most once
(`tui.assist.quick_session`).  A request whose session is gone is asked again of the next one.
"""

from engine import EngineDown, EngineSilent, EngineStarting
from engine.client_events import ClientEvent
from engine.protocol.completion import Completion
from engine.protocol.messages import (
    Completed,
    EngineReady,
    Failed,
    PartialText,
    SessionFailed,
)
from tui.assist.cursor_place import CursorPlace
from tui.assist.quick_session import replaces
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_asking import SuggestionAsking
from tui.assist.suggestion_cache import SuggestionCache
from tui.assist.suggestion_events import SuggestionFailed
from tui.assist.suggestion_request import Request

__all__ = ["SuggestionAnswers"]


class SuggestionAnswers(SuggestionAsking):
    """Asks for suggestions and follows their answers."""

    def on_engine(self, event: ClientEvent) -> None:
        """Follow one event of the session that serves, or of the connection."""
        if self._others.takes(event):
            self._set_state()
            return
        match event:
            case EngineReady():
                self._engine_is_ready(event)
            case PartialText() if self._is_current(event.request_id):
                self._partial(event.text)
            case PartialText() if self._is_quick(event.request_id):
                self._quick_says(event.text)
            case PartialText() if self._ahead.is_number(event.request_id):
                self._ahead.text = event.text
            case Completed() if self._is_current(event.request_id):
                self._completed(event.completion, event.prompt)
            case Completed() if self._is_quick(event.request_id):
                self._quick_is_done(event.completion)
            case Failed() if self._is_quick(event.request_id):
                self._quick_is_done(None)
            case Completed() if self._ahead.is_number(event.request_id):
                self._keep_ahead(event.completion)
            case SessionFailed():
                self._engine_is_gone(event.message)
            case Failed() if self._is_current(event.request_id):
                self._request = None
                self.told.note(outcome=event.message)
                self._on_event(SuggestionFailed(event.message))
                self._set_state()
            case EngineStarting():
                self._engine_is_gone("the engine is starting", failed=False)
            case EngineSilent():
                self._engine_is_gone(f"the engine is silent: {event.reason}")
            case EngineDown():
                self._engine_is_gone(event.reason)

    def is_aside(self, number: int) -> bool:
        """Return whether a request is asked ahead, only to read, or of the small model."""
        return number == self._warming or self._is_quick(number) or self._ahead.is_number(number)

    def _is_current(self, number: int) -> bool:
        return self._request is not None and self._request.number == number

    def _is_quick(self, number: int) -> bool:
        return self._quick_request is not None and self._quick_request.number == number

    # ── the engine itself ─────────────────────────────────────────────────────────────────────

    def _engine_is_ready(self, event: EngineReady) -> None:
        if self.told.model is not None and self.told.model != event.model:
            self.cache = SuggestionCache()  # the old one is another model's
        if event.session != self._asker.session:
            self.cache = SuggestionCache()  # whoever changes the machine wants to see it at work
            self._ask_another()
        self.told.model = event.model
        self._asker.session, self._asker.ready = event.session, True
        if self._unanswered is not None:
            place, trigger = self._unanswered
            self._unanswered = None
            if place == self._place:
                self._consider(trigger)

    def _ask_another(self) -> None:
        """Take back what is asked of a session that serves no more; ask the next one for it."""
        self._others.forget()
        self._ahead.drop()
        request = self._request or self._quick_request
        self._standing = None
        self._cancel()
        if request is not None and self._place is not None:
            self._unanswered = (self._place, request.wish.trigger)

    def _engine_is_gone(self, reason: str, *, failed: bool = True) -> None:
        """Forget the request; ask again once an engine is ready, unless something moved."""
        self._asker.ready, self._engine_says = False, reason
        self._others.forget()
        self._ahead.forget()
        request = self._request or self._quick_request
        self._request = self._quick_request = self._standing = None
        if request is None:
            self._set_state()
            return
        if self._place is not None:
            self._unanswered = (self._place, request.wish.trigger)
        if failed:
            self._on_event(SuggestionFailed(reason))
        self._set_state()

    # ── the model that serves ─────────────────────────────────────────────────────────────────

    def _partial(self, text: str) -> None:
        request, place = self._request, self._place
        if request is None or place is None:
            return
        self._measure(request)
        request.text = text
        rest = request.rest_at(place)
        if rest is None:
            if not request.may_still_fit(place):
                self._cancel()
                self._consider_again()
        elif rest.strip() and replaces(self._standing_at(place), rest, complete=False):
            self._standing = None
            self._stop_timer()
            self._show(request, place, ScoredText(rest))

    def _completed(self, completion: Completion, prompt: str) -> None:
        request, place, self._request = self._request, self._place, None
        if request is None or place is None or completion.finish_reason == "cancelled":
            self._set_state()
            return
        self._measure(request)
        request.text = completion.text
        wish = request.wish
        self.told.answered(completion, prompt)
        scored = self._remember(wish, completion)
        self._set_state()
        rest = request.rest_at(place)
        held_back = not completion.shown and completion.text.strip() and wish.trigger != "asked"
        if rest and rest.strip() and not held_back:
            self._standing = None
            self._stop_timer()
            self._show(request, place, scored.after(len(scored.text) - len(rest)), completion)
        elif place == wish.place:
            self.told.nothing(wish.decision.reason, completion)
        else:
            # Something else was typed, or all of it: this answers a question of the past.
            self._consider_again()

    def _measure(self, request: Request) -> None:
        """Note how long the first text of an answer took."""
        if not request.text:
            self._meter.answer(self._clock() - request.sent)

    def _consider_again(self) -> None:
        """Ask once more, unless that waits for a rest of the keys already."""
        if self._timer is None:
            self._consider("typed")
        self._set_state()

    def _keep_request(self, place: CursorPlace) -> bool:
        """Return whether the request under way still serves; show what is left of its text.

        It serves while the person types what it says.  Before it has said anything, it does not.
        """
        request = self._request
        if request is None or not request.text:
            return False
        rest = request.rest_at(place)
        if rest is None:
            return request.may_still_fit(place)
        if replaces(self._standing_at(place), rest, complete=False):
            self._show(request, place, ScoredText(rest))
        return True

    # ── the small model ───────────────────────────────────────────────────────────────────────

    def _quick_says(self, text: str) -> None:
        """Show what the small model says, until the large one says something else."""
        request, place = self._quick_request, self._place
        if request is None or place is None:
            return
        request.text = text
        rest = request.rest_at(place)
        if rest is not None and rest.strip():
            self._standing = request
            self._show(request, place, ScoredText(rest))

    def _quick_is_done(self, completion: Completion | None) -> None:
        """Show the small model's answer, if it is sure of it, and ask the large one.

        That hears the answer anyway: it need only verify what is right.
        """
        request = self._quick_request
        if request is None:
            return
        if completion is not None and completion.shown:
            self._quick_says(completion.text)
        self._quick_request = None
        if self._place == request.wish.place:
            said = request.text if completion is None else completion.text
            self._send_to_serving(request.wish, said)
        else:
            self._consider_again()
        self._set_state()

    # ── ahead of the person ───────────────────────────────────────────────────────────────────

    def _keep_ahead(self, completion: Completion) -> None:
        """Keep what follows a suggestion, for when that is taken."""
        request = self._ahead.request
        self._ahead.forget()
        if request is not None and completion.finish_reason != "cancelled":
            self._remember(request.wish, completion)
