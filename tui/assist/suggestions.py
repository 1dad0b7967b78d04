"""Asks the engine for suggestions and follows their answers; no other module asks it for text.

`Suggestions` is told what happens in the editor and what the engine says, and tells the app in
events what to show.  At most one request for the cursor is under way; the newest place wins.  When
none is, what follows the shown suggestion is asked for ahead.  Knows neither Textual nor widgets:
timers, clock and client are given to it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from engine import EngineDown, EngineStarting, ModelKilled
from engine.protocol.completion import Completion
from engine.protocol.messages import (
    Completed,
    EngineReady,
    Failed,
    PartialText,
    ServerMessage,
    SessionFailed,
)
from tui.assist.ahead import AheadRequest, place_after
from tui.assist.alternatives import Alternatives
from tui.assist.asker import Asker, RequestChannel
from tui.assist.cursor_place import CursorPlace
from tui.assist.other_suggestions import OTHERS, OtherSuggestions
from tui.assist.pace import PaceMeter
from tui.assist.policy import Trigger, decide, wants_lines
from tui.assist.quick_session import QuickSession, asks_first, replaces
from tui.assist.scored_text import ScoredText, sure_length
from tui.assist.suggestion_cache import SuggestionCache
from tui.assist.suggestion_events import (
    StateChanged,
    SuggestionEvent,
    SuggestionFailed,
    SuggestionState,
)
from tui.assist.suggestion_request import Request, Wish
from tui.assist.teller import Teller
from tui.settings import SuggestionSettings

__all__ = ["Suggestions", "Timer"]


class Timer(Protocol):
    """A timer that can be stopped."""

    def stop(self) -> None:
        """Let it never fire."""
        ...


class Suggestions:
    """Asks for suggestions and follows their answers.

    Args:
        client: Where requests go.
        settings: When to ask and for how much; may be replaced at any time.
        on_event: Gets every event, in order.
        set_timer: Calls back after a number of seconds, as Textual's ``App.set_timer`` does.
        clock: Monotonic clock, in seconds.
        secret_patterns: More patterns of private files, from the settings.
        repository: Folder of the repository; None leaves its files unread.
    """

    def __init__(
        self,
        client: RequestChannel,
        settings: SuggestionSettings,
        *,
        on_event: Callable[[SuggestionEvent], None],
        set_timer: Callable[[float, Callable[[], None]], Timer],
        clock: Callable[[], float] = time.monotonic,
        secret_patterns: Sequence[str] = (),
        repository: str | None = None,
    ) -> None:
        self.settings = settings
        self.cache = SuggestionCache()
        self.told = Teller(on_event, clock)
        """What was told, and by what it is judged."""
        self._asker = Asker(client, secret_patterns, repository)
        self._secret_patterns = secret_patterns
        self._on_event = on_event
        self._set_timer = set_timer
        self._clock = clock
        self._engine_says = "the engine is starting"
        self._paused = False
        self._place: CursorPlace | None = None
        self._declined: CursorPlace | None = None
        self._timer: Timer | None = None
        self._request: Request | None = None
        self._unanswered: tuple[CursorPlace, Trigger] | None = None
        self.quick: QuickSession | None = None
        """The session of a small model that is asked first; None: there is none."""
        self._quick_request: Request | None = None
        self._standing = ""
        """What the small model says at the place of the request, while it is shown."""
        self._meter = PaceMeter()
        self._ahead = AheadRequest(set_timer, self._send_ahead, self._asker.cancel)
        self._warming: int | None = None
        """The newest request that only has the model read."""
        self._others = OtherSuggestions(self._send_others, self._asker.cancel, self._show_other)
        self._state: SuggestionState = "idle"

    # ── from the editor ─────────────────────────────────────────────────────────────────────

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
        self._stop()
        self._ahead.drop()
        self._place = place
        if place != self._declined:
            self._consider("moved")

    def changed(self, place: CursorPlace | None) -> None:
        """Follow a change that calls for no suggestion: undo, another file, or no file (None)."""
        self._stop()
        self._ahead.drop()
        self._place = place
        self._set_state()

    def ask(self, place: CursorPlace) -> None:
        """Ask now, at the person's wish."""
        self._stop()
        self._declined = None
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
        self._stop()
        self._ahead.drop()
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

    @property
    def state(self) -> SuggestionState:
        """Whether we wait, ask, are paused, or none of these."""
        return self._state

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def on_engine(self, event: "ServerMessage | EngineStarting | EngineDown | ModelKilled") -> None:
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
                self._quick_is_done(event.completion if event.completion.shown else None)
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
            case EngineDown():
                self._engine_is_gone(event.reason)

    def is_aside(self, number: int) -> bool:
        """Return whether a request is asked ahead, only to read, or of the small model."""
        return number == self._warming or self._is_quick(number) or self._ahead.is_number(number)

    def _is_current(self, number: int) -> bool:
        return self._request is not None and self._request.number == number

    def _engine_is_ready(self, event: EngineReady) -> None:
        if self.told.model is not None and self.told.model != event.model:
            self.cache = SuggestionCache()  # the old one is another model's
        if event.session != self._asker.session:
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
        self._cancel()
        if request is not None and self._place is not None:
            self._unanswered = (self._place, request.wish.trigger)

    def _engine_is_gone(self, reason: str, *, failed: bool = True) -> None:
        """Forget the request; ask again once an engine is ready, unless something moved."""
        self._asker.ready, self._engine_says = False, reason
        self._others.forget()
        self._ahead.forget()
        request = self._request or self._quick_request
        self._request = self._quick_request = None
        self._standing = ""
        if request is None:
            self._set_state()
            return
        if self._place is not None:
            self._unanswered = (self._place, request.wish.trigger)
        if failed:
            self._on_event(SuggestionFailed(reason))
        self._set_state()

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
        elif rest.strip() and replaces(self._standing, text, complete=False):
            self._standing = ""
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
            self._standing = ""
            self._stop_timer()
            self._show(request, place, scored.after(len(scored.text) - len(rest)), completion)
        elif place == wish.place:
            self.told.nothing(wish.decision.reason, completion)
        else:
            # Something else was typed, or all of it: this answers a question of the past.
            self._consider_again()

    def _remember(self, wish: Wish, completion: Completion) -> ScoredText:
        """Keep an answer in the cache, and return it with its score."""
        sure = sure_length(completion.text, completion.likelihoods)
        scored = ScoredText(completion.text, completion.mean_logprob, sure)
        self.cache.put(
            wish.place,
            scored,
            multi_line=wish.decision.multi_line,
            sure=completion.shown,
            whole=completion.finish_reason != "unsure",
        )
        return scored

    def _measure(self, request: Request) -> None:
        """Note how long the first text of an answer took."""
        if not request.text:
            self._meter.answer(self._clock() - request.sent)

    def _consider_again(self) -> None:
        """Ask once more, unless that waits for a rest of the keys already."""
        if self._timer is None:
            self._consider("typed")
        self._set_state()

    def _show(
        self,
        request: Request,
        place: CursorPlace,
        rest: ScoredText,
        completion: Completion | None = None,
    ) -> None:
        self.told.answer(request, place, rest, completion)
        if completion is not None:
            self._plan_ahead(place, rest.text)

    # ── asking ──────────────────────────────────────────────────────────────────────────────

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
        if rest.strip():
            self._show(request, place, ScoredText(rest))
        return True

    def _consider(self, trigger: Trigger) -> None:
        """Ask for a suggestion where the cursor is, after a rest, if the policy agrees.

        A request that has said nothing yet goes on until then: what it says may still fit.
        """
        place = self._place
        late = self._request
        waits = late is not None and place is not None and late.waits_at(place)
        self._stop(keep=trigger == "typed" and waits)
        if place is None:
            return
        since = self._clock()
        decision = decide(
            place,
            trigger,
            self.settings,
            paused=self._paused,
            model=self.told.model,
            secret_patterns=self._secret_patterns,
            pace=self._meter.pace,
        )
        if not decision.ask:
            self._cancel()
        if decision.ask or decision.reason:
            self.told.begin(place, trigger, decision, self.settings)
        if decision.ask:
            self._want(Wish(place, trigger, decision, since))
        elif decision.reason:
            self.told.nothing(decision.reason)
        elif decision.warm:
            self._timer = self._set_timer(decision.delay_ms / 1e3, lambda: self._warm(place))
        self._set_state()

    def _want(self, wish: Wish) -> None:
        """Answer from the cache at once, else ask after the rest of the keys."""
        if wish.trigger != "moved" and self._answer_from_cache(wish):
            self._cancel()
            return
        if wish.decision.delay_ms:
            seconds = wish.decision.delay_ms / 1e3
            self._timer = self._set_timer(seconds, lambda: self._rested(wish))
        else:
            self._send(wish)

    def _rested(self, wish: Wish) -> None:
        """Go on after the rest of the keys."""
        self._timer = None
        if not self._answer_from_cache(wish):
            self._send(wish)
        self._set_state()

    def _answer_from_cache(self, wish: Wish) -> bool:
        """Answer with an earlier suggestion; return whether there was one."""
        found = self.cache.get(
            wish.place,
            multi_line=wish.decision.multi_line,
            asked=wish.trigger == "asked",
        )
        if found is None:
            return False
        reason = wish.decision.reason
        self.told.note(cached=True)
        if found.text.strip():
            self.told.found(wish, found)
            self._plan_ahead(wish.place, found.text)
        else:
            self.told.nothing(reason)
        return True

    def _send(self, wish: Wish) -> None:
        """Ask the engine, the small model first, or keep the wish until there is one."""
        self._cancel()
        lines = wish.decision.multi_line
        if self.quick is not None and asks_first(
            self.quick, self.told.model, wish.place, wish.trigger
        ):
            self._ahead.forget()
            session = self.quick.session
            number = self._asker.ask(wish.place, self.settings, multi_line=lines, session=session)
            if number is not None:
                self._quick_request = Request(number, wish, self._clock())
                return
        self._send_to_serving(wish)

    def _send_to_serving(self, wish: Wish) -> None:
        """Ask the model that serves, or keep the wish until there is one."""
        asked = wish.trigger == "asked"
        number = self._complete(wish.place, wish.decision.multi_line, automatic=not asked)
        if number is not None:
            self._request = Request(number, wish, self._clock())
        else:
            self._unanswered = (wish.place, wish.trigger)
            self.told.nothing(self._engine_says)

    def _complete(
        self,
        place: CursorPlace,
        multi_line: bool,
        *,
        automatic: bool = True,
        others: int = 0,
        tokens: int | None = None,
    ) -> int | None:
        """Ask the model that serves; return the request's number, None if there is no engine."""
        self._ahead.forget()  # a newer request ends an older one
        return self._asker.ask(
            place,
            self.settings,
            multi_line=multi_line,
            automatic=automatic,
            threshold=self.told.least_logprob(self.settings),
            others=others,
            tokens=tokens,
        )

    def _warm(self, place: CursorPlace) -> None:
        """Let the model read the text at a place where a key may come; its answer is not used."""
        self._timer = None
        self._warming = self._complete(place, False, tokens=1)
        self._set_state()

    # ── the small model ─────────────────────────────────────────────────────────────────────

    def _is_quick(self, number: int) -> bool:
        return self._quick_request is not None and self._quick_request.number == number

    def _quick_says(self, text: str) -> None:
        """Show what the small model says, until the large one says something else."""
        request, place = self._quick_request, self._place
        if request is None or place is None:
            return
        request.text = text
        rest = request.rest_at(place)
        if rest is not None and rest.strip():
            self._standing = text
            self._show(request, place, ScoredText(rest))

    def _quick_is_done(self, completion: Completion | None) -> None:
        """Show the small model's answer, if it is sure of it, and ask the large one."""
        request = self._quick_request
        if request is None:
            return
        if completion is not None:
            self._quick_says(completion.text)
        self._quick_request = None
        if self._place == request.wish.place:
            self._send_to_serving(request.wish)
        else:
            self._consider_again()
        self._set_state()

    # ── ahead of the person ─────────────────────────────────────────────────────────────────

    def _plan_ahead(self, place: CursorPlace, text: str) -> None:
        """Ask soon for what follows the suggestion that is shown, as if it were taken."""
        if self.settings.ahead and not self._paused:
            self._ahead.plan(place_after(place, text))

    def _send_ahead(self, after: CursorPlace) -> Request | None:
        """Ask for what follows, unless something else is asked meanwhile, or it is known."""
        decision = decide(
            after,
            "accepted",
            self.settings,
            paused=self._paused,
            model=self.told.model,
            secret_patterns=self._secret_patterns,
        )
        lines = decision.multi_line
        busy = self._request or self._quick_request or self._timer or self._others.asking
        if busy or not decision.ask or self.cache.get(after, multi_line=lines) is not None:
            return None
        number = self._complete(after, lines)
        if number is None:
            return None
        return Request(number, Wish(after, "accepted", decision, self._clock()), self._clock())

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

    def _keep_ahead(self, completion: Completion) -> None:
        """Keep what follows a suggestion, for when that is taken."""
        request = self._ahead.request
        self._ahead.forget()
        if request is not None and completion.finish_reason != "cancelled":
            self._remember(request.wish, completion)

    # ── other texts ─────────────────────────────────────────────────────────────────────────

    def _send_others(self, place: CursorPlace) -> int | None:
        self._stop()
        several = self.settings.multi_line and wants_lines(place)
        return self._complete(place, several, automatic=False, others=OTHERS)

    def _show_other(self, place: CursorPlace, known: Alternatives) -> None:
        """Show one of several texts; typing its beginning finds the rest again."""
        self._place = place
        self.cache.put(place, known.shown, multi_line=True)
        self.told.other(place, known)

    def _stop(self, *, keep: bool = False) -> None:
        """Stop waiting and asking; ``keep`` lets the request under way go on."""
        self._unanswered = None
        self._others.forget()
        self._stop_timer()
        if not keep:
            self._cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _cancel(self) -> None:
        """Cancel the request under way."""
        self._standing = ""
        if self._quick_request is not None:
            self._asker.cancel(self._quick_request.number)
            self._quick_request = None
        if self._request is not None:
            self._asker.cancel(self._request.number)
            self._request = None

    def _set_state(self) -> None:
        """Tell the state if it changed."""
        if self._request is not None or self._quick_request or self._others.asking:
            state: SuggestionState = "asking"
        elif self._timer is not None:
            state = "waiting"
        else:
            state = "paused" if self._paused else "idle"
        if state != self._state:
            self._state = state
            self._on_event(StateChanged(state))
