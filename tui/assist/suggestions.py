"""Suggestions as they come and go: the only module that asks the engine for text.

It is told what happens in the editor and what the engine says, and tells the app in events what
to show.  One request is under way at most; the newest place wins.  Knows neither Textual nor
widgets: timers, clock and client are given to it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from engine import EngineDown, EngineStarting
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
)
from tui.assist.policy import Place, SuggestionCache, Trigger, Verdict, judge, typed_between
from tui.settings import SuggestionSettings

__all__ = [
    "Client",
    "NoSuggestion",
    "StateChanged",
    "SuggestionEvent",
    "SuggestionFailed",
    "SuggestionReady",
    "SuggestionState",
    "Suggestions",
    "Timer",
]

SuggestionState = Literal["idle", "waiting", "asking", "paused"]
"""``waiting`` for a rest of the keys, or ``asking`` the engine."""

_REASONS = {
    "stop": "nothing to suggest here",
    "trimmed": "only what is there already",
    "length": "nothing to suggest here",
    "cancelled": "cancelled",
}


_UNSURE = "not sure enough; Ctrl+L shows it"
"""Said of a text that the model's threshold holds back."""


class Client(Protocol):
    """What is needed of an `engine.EngineClient`."""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine process."""
        ...

    def send(self, message: ClientMessage) -> bool:
        """Send a message; False when it was not."""
        ...


class Timer(Protocol):
    """What is needed of a timer."""

    def stop(self) -> None:
        """Let it never fire."""
        ...


@dataclass(frozen=True, slots=True)
class SuggestionReady:
    """Text to show at the cursor, in place of what is shown there.

    Shown only while the cursor is still at ``place``: a key may have been pressed whose edit
    has not been told yet, and the text for the new place is then on its way.
    """

    place: Place
    text: str
    latency_ms: float
    """Host time from the key that asked to this text."""
    from_cache: bool = False
    complete: bool = True
    """False while more of it may come."""
    completion: Completion | None = None
    """The engine's answer, with what it took, once it is complete and not from the cache."""
    note: str = ""
    """What is worth saying beside it: that the model knows another language."""


@dataclass(frozen=True, slots=True)
class NoSuggestion:
    """There will be no text at this place, unless something changes."""

    reason: str
    completion: Completion | None = None
    """The engine's answer, where there was one."""


@dataclass(frozen=True, slots=True)
class SuggestionFailed:
    """The engine could not answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Another state, for the status line."""

    state: SuggestionState


SuggestionEvent = SuggestionReady | NoSuggestion | SuggestionFailed | StateChanged


@dataclass(slots=True)
class _Request:
    """A request under way."""

    number: int
    place: Place
    trigger: Trigger
    verdict: Verdict
    since: float
    """Clock at the key that asked."""
    text: str = ""
    """What has come of it so far."""


class Suggestions:
    """Asks for suggestions and follows their answers.

    Args:
        client: Where requests go.
        settings: The person's; may be replaced at any time.
        on_event: Gets every event, in order.
        set_timer: Calls back after so many seconds, as Textual's ``App.set_timer`` does.
        clock: Seconds, monotonic.
        secret_patterns: More patterns of private files, from the settings.
        repository: Folder of the repository; None: its files are not read.
    """

    def __init__(
        self,
        client: Client,
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
        self._client = client
        self._on_event = on_event
        self._set_timer = set_timer
        self._clock = clock
        self._model: ModelInfo | None = None
        self._ready = False
        self._engine_says = "the engine is starting"
        self._paused = False
        self._place: Place | None = None
        self._declined: Place | None = None
        self._timer: Timer | None = None
        self._request: _Request | None = None
        self._unanswered: tuple[Place, Trigger] | None = None
        self._number = 0
        self._state: SuggestionState = "idle"

    # ── what happens in the editor ──────────────────────────────────────────────────────────

    def edited(self, place: Place, *, accepted: bool = False) -> None:
        """Follow an edit by the person: the cursor is at ``place`` now.

        Args:
            place: The cursor and its text.
            accepted: Whether the edit was an accepted suggestion.
        """
        if place == self._place and self._state in ("waiting", "asking"):
            return  # two keys at once: the first one's edit was told with the second one's text
        self._declined = None
        self._place = place
        if not self._keep_request(place):
            self._consider("accepted" if accepted else "typed")

    def moved(self, place: Place) -> None:
        """Follow a move of the cursor or a change of the selection."""
        if place == self._place:
            return
        self._stop()
        self._place = place
        if place != self._declined:
            self._consider("moved")

    def changed(self, place: Place | None) -> None:
        """Follow a change nobody wants a suggestion for: undo, another file, no file (None)."""
        self._stop()
        self._place = place
        self._set_state()

    def ask(self, place: Place) -> None:
        """Ask now, because the person says so."""
        self._stop()
        self._declined = None
        self._place = place
        self._consider("asked")

    def dismissed(self) -> None:
        """Stop, and offer nothing again at this place until the text changes."""
        self._stop()
        self._declined = self._place
        self._set_state()

    @property
    def paused(self) -> bool:
        """Whether suggestions come by themselves no more; Ctrl+L still asks."""
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
        """What is going on."""
        return self._state

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def on_engine(self, event: "ServerMessage | EngineStarting | EngineDown") -> None:
        """Follow one event of the engine client."""
        match event:
            case EngineReady():
                self._engine_is_ready(event)
            case PartialText() if self._is_current(event.request_id):
                self._partial(event.text)
            case Completed() if self._is_current(event.request_id):
                self._completed(event.completion)
            case Failed(request_id=0):
                self._engine_is_gone(event.message)
            case Failed() if self._is_current(event.request_id):
                self._request = None
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
            self.cache = SuggestionCache()  # what is known came from another model
        self._model, self._ready = event.model, True
        if self._unanswered is not None:
            place, trigger = self._unanswered
            self._unanswered = None
            if place == self._place:
                self._consider(trigger)

    def _engine_is_gone(self, reason: str, *, failed: bool = True) -> None:
        """Forget the request; it is asked again once an engine is ready, if nothing moved."""
        self._ready, self._engine_says = False, reason
        request, self._request = self._request, None
        if request is None:
            return
        if self._place is not None:
            self._unanswered = (self._place, request.trigger)
        if failed:
            self._on_event(SuggestionFailed(reason))
        self._set_state()

    def _partial(self, text: str) -> None:
        request, place = self._request, self._place
        if request is None or place is None:
            return
        request.text = text
        rest = _rest_of(request, place)
        if rest is None:
            if not _may_become(request, place):
                self._cancel()
                self._consider("typed")
        elif rest.strip():
            self._show(request, place, rest, None)

    def _completed(self, completion: Completion) -> None:
        request, place, self._request = self._request, self._place, None
        if request is None or place is None or completion.finish_reason == "cancelled":
            self._set_state()
            return
        request.text = completion.text
        self.cache.put(
            request.place,
            completion.text,
            multi_line=request.verdict.multi_line,
            sure=completion.shown,
        )
        self._set_state()
        rest = _rest_of(request, place)
        if not completion.shown and completion.text.strip() and request.trigger != "asked":
            if place == request.place:
                self._on_event(NoSuggestion(request.verdict.reason or _UNSURE, completion))
            else:
                self._consider("typed")
        elif rest and rest.strip():
            self._show(request, place, rest, completion)
        elif place == request.place:
            reason = _REASONS.get(completion.finish_reason, "nothing to suggest here")
            self._on_event(NoSuggestion(request.verdict.reason or reason, completion))
        else:
            # Something else was typed, or all of it: the answer is to a question of the past.
            self._consider("typed")

    def _show(
        self, request: _Request, place: Place, text: str, completion: Completion | None
    ) -> None:
        self._on_event(
            SuggestionReady(
                place,
                text,
                (self._clock() - request.since) * 1e3,
                complete=completion is not None,
                completion=completion,
                note=request.verdict.reason,
            )
        )

    # ── asking ──────────────────────────────────────────────────────────────────────────────

    def _keep_request(self, place: Place) -> bool:
        """Return whether the request under way still serves, and show what is left of its text.

        It does while what was typed is what it says; before it has said anything, nobody knows.
        """
        request = self._request
        if request is None or not request.text:
            return False
        rest = _rest_of(request, place)
        if rest is None:
            return _may_become(request, place)
        if rest.strip():
            self._show(request, place, rest, None)
        return True

    def _consider(self, trigger: Trigger) -> None:
        """Ask for a suggestion at the place where we are, if the policy agrees, after its rest."""
        self._stop()
        place = self._place
        if place is None:
            return
        since = self._clock()
        verdict = judge(
            place,
            trigger,
            self.settings,
            paused=self._paused,
            model=self._model,
            secret_patterns=self.secret_patterns,
        )
        if not verdict.ask:
            if verdict.reason:
                self._on_event(NoSuggestion(verdict.reason))
        elif trigger == "moved" or not self._answer_from_cache(place, trigger, verdict, since):
            if verdict.delay_ms:
                self._timer = self._set_timer(
                    verdict.delay_ms / 1e3, lambda: self._rested(place, trigger, verdict, since)
                )
            else:
                self._send(place, trigger, verdict, since)
        self._set_state()

    def _rested(self, place: Place, trigger: Trigger, verdict: Verdict, since: float) -> None:
        """Go on after the rest of the keys."""
        self._timer = None
        if not self._answer_from_cache(place, trigger, verdict, since):
            self._send(place, trigger, verdict, since)
        self._set_state()

    def _answer_from_cache(
        self, place: Place, trigger: Trigger, verdict: Verdict, since: float
    ) -> bool:
        """Answer with what was suggested before, if that is known."""
        text = self.cache.get(place, multi_line=verdict.multi_line, asked=trigger == "asked")
        if text is None:
            return False
        if text.strip():
            latency_ms = (self._clock() - since) * 1e3
            self._on_event(
                SuggestionReady(place, text, latency_ms, from_cache=True, note=verdict.reason)
            )
        else:
            self._on_event(NoSuggestion(verdict.reason or _REASONS["stop"]))
        return True

    def _send(self, place: Place, trigger: Trigger, verdict: Verdict, since: float) -> None:
        """Ask the engine."""
        self._number += 1
        request = CompletionRequest(
            path=place.path,
            prefix=place.prefix,
            suffix=place.suffix,
            max_tokens=self.settings.max_tokens,
            multi_line=verdict.multi_line,
            repository=self.repository if self.settings.repository_knowledge else None,
            private_patterns=tuple(self.secret_patterns),
        )
        message = Complete(self._number, request, automatic=trigger != "asked")
        if self._ready and self._client.connected and self._client.send(message):
            self._request = _Request(self._number, place, trigger, verdict, since)
        else:
            self._unanswered = (place, trigger)
            self._on_event(NoSuggestion(self._engine_says))

    def _stop(self) -> None:
        """Wait for nothing and ask nothing any more."""
        self._unanswered = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._cancel()

    def _cancel(self) -> None:
        """Take back the request under way."""
        if self._request is not None:
            self._client.send(Cancel(self._request.number))
            self._request = None

    def _set_state(self) -> None:
        """Tell the state if it is another one."""
        if self._request is not None:
            state: SuggestionState = "asking"
        elif self._timer is not None:
            state = "waiting"
        else:
            state = "paused" if self._paused else "idle"
        if state != self._state:
            self._state = state
            self._on_event(StateChanged(state))


def _rest_of(request: _Request, place: Place) -> str | None:
    """Return what the request's text says at ``place``, None where it does not fit."""
    typed = _typed_since(request, place)
    if typed is None or not request.text.startswith(typed):
        return None
    return request.text[len(typed) :]


def _may_become(request: _Request, place: Place) -> bool:
    """Return whether all the request has said so far was typed, so that more of it may fit."""
    typed = _typed_since(request, place)
    return typed is not None and typed.startswith(request.text)


def _typed_since(request: _Request, place: Place) -> str | None:
    """Return what was typed between the request's place and ``place``, None if something else."""
    if request.place.path != place.path or request.place.suffix != place.suffix:
        return None
    return typed_between(request.place.prefix, place.prefix)
