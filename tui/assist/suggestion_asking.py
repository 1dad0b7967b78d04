"""Asks the engine for suggestions: decides with the policy, waits, looks into the cache, sends.

At most one request for the cursor is under way; the newest place wins.  When none is, what follows
the shown suggestion is asked for ahead.  Hears no answer (`tui.assist.suggestion_answers`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.protocol.completion import Completion
from tui.assist.ahead import AheadRequest, place_after
from tui.assist.alternatives import Alternatives
from tui.assist.asker import Asker, RequestChannel
from tui.assist.cursor_place import CursorPlace
from tui.assist.other_suggestions import OTHERS, OtherSuggestions
from tui.assist.pace import PaceMeter
from tui.assist.policy import Trigger, decide, wants_lines
from tui.assist.quick_session import QuickSession, asks_first
from tui.assist.recent_chunks import RecentChunks
from tui.assist.scored_text import ScoredText, sure_length
from tui.assist.suggestion_cache import SuggestionCache
from tui.assist.suggestion_events import StateChanged, SuggestionEvent, SuggestionState
from tui.assist.suggestion_request import Request, Wish
from tui.assist.teller import Teller
from tui.settings import SuggestionSettings

__all__ = ["SuggestionAsking", "Timer"]


class Timer(Protocol):
    """A timer that can be stopped."""

    def stop(self) -> None:
        """Let it never fire."""
        ...


class SuggestionAsking:
    """Asks for suggestions at the cursor, and ahead of it.

    Args:
        client: Where requests go.
        settings: When to ask and for how much; may be replaced at any time.
        on_event: Gets every event, in order.
        set_timer: Calls back after a number of seconds, as Textual's ``App.set_timer`` does.
        clock: Monotonic clock, in seconds.
        secret_patterns: More patterns of private files, from the settings.
        repository: Folder of the repository; None leaves its files unread.
        recent: What the person just saw in other files; None: nothing is brought along.
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
        recent: RecentChunks | None = None,
    ) -> None:
        self.settings = settings
        self.cache = SuggestionCache()
        self.told = Teller(on_event, clock)
        """What was told, and by what it is judged."""
        self._asker = Asker(client, secret_patterns, repository, recent or RecentChunks())
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
        self._standing: Request | None = None
        """What the small model said, while it is shown."""
        self._meter = PaceMeter()
        self._ahead = AheadRequest(set_timer, self._send_ahead, self._asker.cancel)
        self._warming: int | None = None
        """The newest request that only has the model read."""
        self._others = OtherSuggestions(self._send_others, self._asker.cancel, self._show_other)
        self._state: SuggestionState = "idle"

    @property
    def state(self) -> SuggestionState:
        """Whether we wait, ask, are paused, or none of these."""
        return self._state

    # ── what is wanted ────────────────────────────────────────────────────────────────────────

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

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def _send(self, wish: Wish) -> None:
        """Ask the engine, the small model first, or keep the wish until there is one.

        The small model is not asked again while what it said is shown: its text would begin anew.
        """
        self._cancel()
        lines = wish.decision.multi_line
        if (
            self.quick is not None
            and asks_first(self.quick, self.told.model, wish.place, wish.trigger)
            and not self._standing_at(wish.place)
        ):
            self._ahead.forget()
            session = self.quick.session
            number = self._asker.ask(wish.place, self.settings, multi_line=lines, session=session)
            if number is not None:
                self._quick_request = Request(number, wish, self._clock())
                return
        self._send_to_serving(wish, self._standing_at(wish.place))

    def _standing_at(self, place: CursorPlace) -> str:
        """Return what is left at ``place`` of what the small model said and is shown."""
        rest = None if self._standing is None else self._standing.rest_at(place)
        return rest if rest is not None and rest.strip() else ""

    def _send_to_serving(self, wish: Wish, expected: str = "") -> None:
        """Ask the model that serves, or keep the wish until there is one.

        Args:
            wish: What is asked for.
            expected: What the small model says there.
        """
        asked = wish.trigger == "asked"
        number = self._complete(
            wish.place, wish.decision.multi_line, automatic=not asked, expected=expected
        )
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
        expected: str = "",
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
            expected=expected,
        )

    def _warm(self, place: CursorPlace) -> None:
        """Let the model read the text at a place where a key may come; its answer is not used."""
        self._timer = None
        self._warming = self._complete(place, False, tokens=1)
        self._set_state()

    # ── what comes of them ────────────────────────────────────────────────────────────────────

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

    # ── ahead of the person ───────────────────────────────────────────────────────────────────

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

    # ── other texts ───────────────────────────────────────────────────────────────────────────

    def _send_others(self, place: CursorPlace) -> int | None:
        self._stop()
        several = self.settings.multi_line and wants_lines(place)
        return self._complete(place, several, automatic=False, others=OTHERS)

    def _show_other(self, place: CursorPlace, known: Alternatives) -> None:
        """Show one of several texts; typing its beginning finds the rest again."""
        self._place = place
        self.cache.put(place, known.shown, multi_line=True)
        self.told.other(place, known)

    # ── stopping ──────────────────────────────────────────────────────────────────────────────

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
