"""Asks the engine for suggestions and follows their answers; no other module asks it for text.

`Suggestions` is told what happens in the editor and what the engine says, and tells the app in
events what to show.  At most one request is under way; the newest place wins.  Knows neither
Textual nor widgets: timers, clock and client are given to it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from engine import EngineDown, EngineStarting, ModelKilled
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.messages import (
    Cancel,
    ClientMessage,
    Complete,
    Completed,
    EngineReady,
    Failed,
    ModelInfo,
    PartialText,
    ServerMessage,
    SessionFailed,
)
from tui.assist.acceptance import Acceptance, chance, least_logprob
from tui.assist.ahead import AHEAD_REST_MS, AheadRequest, place_after
from tui.assist.alternatives import Alternatives
from tui.assist.attempt import Attempt, why_nothing
from tui.assist.cursor_place import CursorPlace
from tui.assist.other_suggestions import OTHERS, OtherSuggestions
from tui.assist.pace import PaceMeter
from tui.assist.policy import Decision, Trigger, decide, wants_lines
from tui.assist.quick_session import QuickSession, asks_first, replaces
from tui.assist.scored_text import ScoredText, sure_length
from tui.assist.suggestion_cache import SuggestionCache
from tui.assist.suggestion_events import (
    NoSuggestion,
    StateChanged,
    SuggestionEvent,
    SuggestionFailed,
    SuggestionReady,
    SuggestionState,
)
from tui.assist.suggestion_request import Request, Wish
from tui.settings import SuggestionSettings

__all__ = ["RequestChannel", "Suggestions", "Timer"]

_DEFAULT_SHARE = SuggestionSettings().threshold


class RequestChannel(Protocol):
    """Where requests go: the part of `engine.EngineClient` that is needed here."""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine process."""
        ...

    def send(self, message: ClientMessage) -> bool:
        """Send a message; False when it was not."""
        ...


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
        self.secret_patterns = secret_patterns
        self.repository = repository
        self.cache = SuggestionCache()
        self.acceptance = Acceptance()
        """What is known of the person and the model that serves."""
        self.last: Attempt | None = None
        """The last attempt, to be explained."""
        self._client = client
        self._on_event = on_event
        self._set_timer = set_timer
        self._clock = clock
        self._model: ModelInfo | None = None
        self._session = 0
        self._ready = False
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
        self._number = 0
        self._meter = PaceMeter()
        self._ahead = AheadRequest()
        self._others = OtherSuggestions(self._send_others, self._take_back, self._show_other)
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
        self._drop_ahead()
        self._place = place
        if place != self._declined:
            self._consider("moved")

    def changed(self, place: CursorPlace | None) -> None:
        """Follow a change that calls for no suggestion: undo, another file, or no file (None)."""
        self._stop()
        self._drop_ahead()
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
            self._show_nothing(self._engine_says)
        self._set_state()

    def dismissed(self) -> None:
        """Stop, and offer nothing at this place until the text changes."""
        self._stop()
        self._drop_ahead()
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
                self._note(outcome=event.message)
                self._on_event(SuggestionFailed(event.message))
                self._set_state()
            case EngineStarting():
                self._engine_is_gone("the engine is starting", failed=False)
            case EngineDown():
                self._engine_is_gone(event.reason)

    def _is_current(self, number: int) -> bool:
        return self._request is not None and self._request.number == number

    def _engine_is_ready(self, event: EngineReady) -> None:
        if self._model is not None and self._model != event.model:
            self.cache = SuggestionCache()  # the old one is another model's
        if event.session != self._session:
            self._ask_another()
        self._model, self._session, self._ready = event.model, event.session, True
        if self._unanswered is not None:
            place, trigger = self._unanswered
            self._unanswered = None
            if place == self._place:
                self._consider(trigger)

    def _ask_another(self) -> None:
        """Take back what is asked of a session that serves no more; ask the next one for it."""
        self._others.forget()
        self._drop_ahead()
        request = self._request
        self._cancel()
        if request is not None and self._place is not None:
            self._unanswered = (self._place, request.wish.trigger)

    def _engine_is_gone(self, reason: str, *, failed: bool = True) -> None:
        """Forget the request; ask again once an engine is ready, unless something moved."""
        self._ready, self._engine_says = False, reason
        if self._quick_request is not None and self._place is not None:
            self._unanswered = (self._place, self._quick_request.wish.trigger)
        self._quick_request, self._standing = None, ""
        self._others.forget()
        self._ahead.forget()
        request, self._request = self._request, None
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
        self._note(completion=completion, prompt=prompt)
        scored = self._remember(wish, completion)
        self._set_state()
        rest = request.rest_at(place)
        held_back = not completion.shown and completion.text.strip() and wish.trigger != "asked"
        if rest and rest.strip() and not held_back:
            self._standing = ""
            self._stop_timer()
            self._show(request, place, scored.after(len(scored.text) - len(rest)), completion)
        elif place == wish.place:
            self._show_nothing(wish.decision.reason, completion)
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
        wish = request.wish
        self._note(outcome="shown")
        self._on_event(
            SuggestionReady(
                place,
                rest.text,
                self._milliseconds_since(wish),
                complete=completion is not None,
                completion=completion,
                note=wish.decision.reason,
                delay_ms=(request.sent - wish.since) * 1e3,
                mean_logprob=rest.mean_logprob,
                sure=rest.sure,
                chance=self._chance(rest),
                asked=wish.trigger == "asked",
            )
        )
        if completion is not None:
            self._plan_ahead(place, rest.text)

    def _show_nothing(self, reason: str, completion: Completion | None = None) -> None:
        """Say why nothing comes: ``reason``, or what speaks against the answer."""
        reason = reason or (why_nothing(self.last) if self.last is not None else "")
        self._note(outcome=reason)
        self._on_event(NoSuggestion(reason, completion))

    def _chance(self, text: ScoredText) -> float | None:
        """Return how likely the person takes a text; None where nobody knows."""
        if text.mean_logprob is None or self._model is None:
            return None
        return chance(self.acceptance, text.mean_logprob, self._model.threshold)

    def _note(self, **facts: Any) -> None:
        """Add facts to the record of the last attempt."""
        if self.last is not None:
            self.last = replace(self.last, **facts)

    def _milliseconds_since(self, wish: Wish) -> float:
        return (self._clock() - wish.since) * 1e3

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
            model=self._model,
            secret_patterns=self.secret_patterns,
            pace=self._meter.pace,
        )
        if not decision.ask:
            self._cancel()
        if decision.ask or decision.reason:
            self.last = self._attempt(place, trigger, decision)
        if decision.ask:
            self._want(Wish(place, trigger, decision, since))
        elif decision.reason:
            self._show_nothing(decision.reason)
        elif decision.warm:
            self._timer = self._set_timer(decision.delay_ms / 1e3, lambda: self._warm(place))
        self._set_state()

    def _attempt(self, place: CursorPlace, trigger: Trigger, decision: Decision) -> Attempt:
        """Begin the record of an attempt."""
        return Attempt(
            place,
            trigger,
            decision,
            acceptance=self.acceptance,
            threshold=None if self._model is None else self._model.threshold,
            least_share=self.settings.threshold / 100,
        )

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
        self._note(cached=True)
        if found.text.strip():
            self._note(outcome="shown")
            self._on_event(
                SuggestionReady(
                    wish.place,
                    found.text,
                    self._milliseconds_since(wish),
                    from_cache=True,
                    note=reason,
                    mean_logprob=found.mean_logprob,
                    sure=found.sure,
                    chance=self._chance(found),
                    asked=wish.trigger == "asked",
                )
            )
            self._plan_ahead(wish.place, found.text)
        else:
            self._show_nothing(reason)
        return True

    def _least_logprob(self) -> float | None:
        """Return from which mean log-probability a text comes by itself; None: by the model's."""
        own = None if self._model is None else self._model.threshold
        untouched = self.acceptance == Acceptance()
        if own is None and untouched and self.settings.threshold == _DEFAULT_SHARE:
            return None
        return least_logprob(self.acceptance, self.settings.threshold / 100, own)

    def _send(self, wish: Wish) -> None:
        """Ask the engine, the small model first, or keep the wish until there is one."""
        self._cancel()
        lines = wish.decision.multi_line
        if self.quick is not None and asks_first(self.quick, self._model, wish.place, wish.trigger):
            number = self._complete(wish.place, lines, automatic=True, quick=self.quick)
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
            self._show_nothing(self._engine_says)

    def _complete(
        self,
        place: CursorPlace,
        multi_line: bool,
        *,
        automatic: bool,
        others: int = 0,
        tokens: int | None = None,
        quick: QuickSession | None = None,
    ) -> int | None:
        """Ask the engine; return the request's number, None if there is no engine."""
        self._ahead.forget()  # a newer request ends an older one
        self._number += 1
        request = CompletionRequest(
            path=place.path,
            prefix=place.prefix,
            suffix=place.suffix,
            max_tokens=tokens or self.settings.max_tokens,
            multi_line=multi_line,
            repository=self.repository if self.settings.repository_knowledge else None,
            private_patterns=tuple(self.secret_patterns),
        )
        session, least = self._session, self._least_logprob()
        if quick is not None:
            session, least = quick.session, None
        message = Complete(session, self._number, request, automatic, least, others)
        sent = self._ready and self._client.connected and self._client.send(message)
        return self._number if sent else None

    def _warm(self, place: CursorPlace) -> None:
        """Let the model read the text at a place where a key may come; its answer is not used."""
        self._timer = None
        self._complete(place, False, automatic=True, tokens=1)
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
        after = place_after(place, text)
        if not self.settings.ahead or self._paused or self._ahead.is_for(after):
            return
        self._drop_ahead()
        timer = self._set_timer(AHEAD_REST_MS / 1e3, lambda: self._ask_ahead(after))
        self._ahead.plan(after, timer)

    def _ask_ahead(self, after: CursorPlace) -> None:
        """Ask for what follows, unless something else is asked meanwhile, or it is known."""
        lines = self.settings.multi_line and wants_lines(after, after_accept=True)
        busy = self._request is not None or self._timer is not None or self._others.asking
        if busy or self.cache.get(after, multi_line=lines) is not None:
            self._ahead.forget()
            return
        decision = Decision(True, multi_line=lines)
        number = self._complete(after, lines, automatic=True)
        if number is not None:
            wish = Wish(after, "accepted", decision, self._clock())
            self._ahead.begin(Request(number, wish, self._clock()))

    def _take_over_ahead(self, place: CursorPlace) -> bool:
        """Follow what was asked ahead, if the suggestion was taken; return whether that is so."""
        request = self._ahead.take(place)
        if request is None:
            return False
        self._stop()
        decision = request.wish.decision
        wish = Wish(place, "accepted", decision, self._clock())
        self.last = self._attempt(place, "accepted", decision)
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

    def _drop_ahead(self) -> None:
        """Take back what was asked ahead of the person, who went another way."""
        if self._ahead.request is not None:
            self._take_back(self._ahead.request.number)
        self._ahead.forget()

    # ── other texts ─────────────────────────────────────────────────────────────────────────

    def _send_others(self, place: CursorPlace) -> int | None:
        self._stop()
        several = self.settings.multi_line and wants_lines(place)
        return self._complete(place, several, automatic=False, others=OTHERS)

    def _take_back(self, number: int) -> None:
        self._client.send(Cancel(number))

    def _show_other(self, place: CursorPlace, known: Alternatives) -> None:
        """Show one of several texts; typing its beginning finds the rest again."""
        self._place = place
        text = known.shown
        self.cache.put(place, text, multi_line=True)
        only = known.complete and len(known.texts) == 1
        self._on_event(
            SuggestionReady(
                place,
                text.text,
                0.0,
                from_cache=True,
                mean_logprob=text.mean_logprob,
                sure=text.sure,
                chance=self._chance(text),
                asked=True,
                rank=_rank(known),
                note="no other" if only else "",
            )
        )

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
            self._client.send(Cancel(self._quick_request.number))
            self._quick_request = None
        if self._request is not None:
            self._client.send(Cancel(self._request.number))
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


def _rank(known: Alternatives) -> str:
    """Return which of several texts is shown: ``2/3``, with a sign where more may come."""
    return f"{known.at + 1}/{len(known.texts)}{'' if known.complete else '…'}"
