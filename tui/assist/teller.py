"""Tells the app what becomes of an attempt at a suggestion, and keeps the record of the last one.

Knows how likely the person takes a text (`tui.assist.acceptance`).  Asks nothing, decides nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.protocol.completion import Completion
from engine.protocol.messages import ModelInfo
from tui.assist.acceptance import Acceptance, chance, least_logprob
from tui.assist.alternatives import Alternatives
from tui.assist.attempt import Attempt, why_nothing
from tui.assist.cursor_place import CursorPlace
from tui.assist.policy import Decision, Trigger
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_events import NoSuggestion, SuggestionEvent, SuggestionReady
from tui.assist.suggestion_request import Request, Wish
from tui.settings import SuggestionSettings

__all__ = ["Teller"]

_DEFAULT_SHARE = SuggestionSettings().threshold


class Teller:
    """What is told of suggestions.

    Args:
        on_event: Gets every event, in order.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self, on_event: Callable[[SuggestionEvent], None], clock: Callable[[], float]
    ) -> None:
        self.acceptance = Acceptance()
        """What is known of the person and the model that serves."""
        self.model: ModelInfo | None = None
        """The model that serves; None while the engine starts."""
        self.last: Attempt | None = None
        """The last attempt, to be explained."""
        self.read: tuple[str, int] = ("", 0)
        """What the model read for its last answer, and how many tokens that was."""
        self._on_event = on_event
        self._clock = clock

    @property
    def _threshold(self) -> float | None:
        return None if self.model is None else self.model.threshold

    def least_logprob(self, settings: SuggestionSettings) -> float | None:
        """Return from which mean log-probability a text comes by itself; None: by the model's."""
        untouched = self.acceptance == Acceptance() and settings.threshold == _DEFAULT_SHARE
        if self._threshold is None and untouched:
            return None
        return least_logprob(self.acceptance, settings.threshold / 100, self._threshold)

    # ── the record ──────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        place: CursorPlace,
        trigger: Trigger,
        decision: Decision,
        settings: SuggestionSettings,
    ) -> None:
        """Begin the record of an attempt."""
        self.last = Attempt(
            place,
            trigger,
            decision,
            acceptance=self.acceptance,
            threshold=self._threshold,
            least_share=settings.threshold / 100,
        )

    def answered(self, completion: Completion, prompt: str) -> None:
        """Add the engine's answer, and what it came from, to the record."""
        self.note(completion=completion)
        self.read = prompt, completion.prompt_tokens

    def note(self, **facts: Any) -> None:
        """Add facts to the record of the last attempt."""
        if self.last is not None:
            self.last = replace(self.last, **facts)

    # ── events ──────────────────────────────────────────────────────────────────────────────

    def answer(
        self,
        request: Request,
        place: CursorPlace,
        rest: ScoredText,
        completion: Completion | None = None,
    ) -> None:
        """Tell what is left of an answer at ``place``; without a completion, it still grows."""
        wish = request.wish
        self._ready(
            wish,
            place,
            rest,
            complete=completion is not None,
            completion=completion,
            delay_ms=(request.sent - wish.since) * 1e3,
        )

    def found(self, wish: Wish, text: ScoredText) -> None:
        """Tell a text that was known already."""
        self._ready(wish, wish.place, text, from_cache=True)

    def _ready(self, wish: Wish, place: CursorPlace, text: ScoredText, **facts: Any) -> None:
        self.note(outcome="shown")
        self._on_event(
            SuggestionReady(
                place,
                text.text,
                (self._clock() - wish.since) * 1e3,
                note=wish.decision.reason,
                mean_logprob=text.mean_logprob,
                sure=text.sure,
                chance=self._chance(text),
                asked=wish.trigger == "asked",
                **facts,
            )
        )

    def other(self, place: CursorPlace, known: Alternatives) -> None:
        """Tell the one of several texts that the person wants to see."""
        text = known.shown
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

    def nothing(self, reason: str, completion: Completion | None = None) -> None:
        """Tell why nothing comes: ``reason``, or what speaks against the answer."""
        reason = reason or (why_nothing(self.last) if self.last is not None else "")
        self.note(outcome=reason)
        self._on_event(NoSuggestion(reason, completion))

    def _chance(self, text: ScoredText) -> float | None:
        """Return how likely the person takes a text; None where nobody knows."""
        if text.mean_logprob is None or self.model is None:
            return None
        return chance(self.acceptance, text.mean_logprob, self._threshold)


def _rank(known: Alternatives) -> str:
    """Return which of several texts is shown: ``2/3``, with a sign where more may come."""
    return f"{known.at + 1}/{len(known.texts)}{'' if known.complete else '…'}"
