"""Follows each suggestion from the screen to its end, and counts what became of it.  Pure.

Is told what the editor shows and what keys did with it.  Knows no clock and no file: who tells it
says where the counts go.
"""

from collections.abc import Callable
from dataclasses import dataclass

from engine.protocol.completion import Completion
from tui.assist.ghost import written_characters
from tui.assist.numbers.counts import OutcomeCounts, SuggestionKind
from tui.assist.numbers.times import add_time
from tui.assist.suggestion_events import NoSuggestion, SuggestionReady

__all__ = ["Outcomes"]


@dataclass(slots=True)
class _Shown:
    """The suggestion on the screen."""

    text: str
    """What is left of it."""
    kind: SuggestionKind
    kept: bool = False
    """Whether a character of it became text."""
    accepted: bool = False
    timed: bool = False
    """Whether the time of the whole was counted."""


class Outcomes:
    """Counts what becomes of suggestions.

    Args:
        kind_of: Returns the kind of suggestions of a model, or of the one that serves (None), in
            the visible file.
        counts: Returns the counts of a kind, to be changed at once.
    """

    def __init__(
        self,
        kind_of: Callable[[str | None], SuggestionKind],
        counts: Callable[[SuggestionKind], OutcomeCounts],
    ) -> None:
        self._kind_of = kind_of
        self._counts = counts
        self._shown: _Shown | None = None

    def shown(self, event: SuggestionReady) -> None:
        """Follow a text on the screen: more of the same suggestion, or another one.

        Another text for the same place that the person asked to see is the same suggestion.
        """
        now = self._shown
        if now is None or not (event.rank or event.text.startswith(now.text)):
            self._end()
            model = event.completion.model if event.completion is not None else None
            now = self._shown = _Shown(event.text, self._kind_of(model))
            counts = self._counts(now.kind)
            counts.shown += 1
            if not event.from_cache:
                _count_time(counts, "first_text", event.latency_ms)
        now.text = event.text
        if event.completion is not None and not now.timed:
            now.timed = True
            _count_parts(self._counts(now.kind), event.completion, event)

    def painted(self, milliseconds: float) -> None:
        """Count what drawing the text on the screen took."""
        if self._shown is not None:
            _count_time(self._counts(self._shown.kind), "paint", milliseconds)

    def withheld(self, event: NoSuggestion) -> None:
        """Count an answer that was not likely enough."""
        answer = event.completion
        if answer is not None and answer.text.strip() and not answer.shown:
            self._counts(self._kind_of(answer.model)).held_back += 1

    def accepted(self, text: str, key: str) -> SuggestionKind | None:
        """Count a key that made ``text`` of the suggestion text.

        Returns:
            The kind of the suggestion, if this is the first of it.
        """
        shown = self._shown
        kind = self._kind_of(None) if shown is None else shown.kind
        counts = self._counts(kind)
        counts.accept_keys[key] = counts.accept_keys.get(key, 0) + 1
        counts.characters_accepted += written_characters(text)
        if shown is None or shown.accepted:
            first = None
        else:
            first = kind
            counts.accepted += 1
        if shown is not None:
            shown.accepted = shown.kept = True
            shown.text = shown.text.removeprefix(text)
            self._shown = shown if shown.text.strip() else None
        return first

    def typed(self, ghost: str) -> None:
        """Follow a typed character, after which so much of the suggestion is left."""
        shown = self._shown
        self._counts(self._kind_of(None)).characters_typed += 1
        if shown is not None and ghost and ghost != shown.text and shown.text.endswith(ghost):
            shown.kept, shown.text = True, ghost

    def ended(self, reason: str) -> None:
        """Follow a suggestion that went: as `tui.widgets.editor.GhostEnd` says."""
        if self._shown is not None:
            self._shown.kept |= reason == "finished"
            if reason == "escape" and not self._shown.kept:
                self._counts(self._shown.kind).refused += 1
        self._end()

    def _end(self) -> None:
        shown, self._shown = self._shown, None
        if shown is not None and not shown.kept:
            self._counts(shown.kind).dismissed += 1


def _count_parts(counts: OutcomeCounts, completion: Completion, event: SuggestionReady) -> None:
    """Count the time of a whole answer, and its parts."""
    host = completion.host
    parts = {
        "delay": event.delay_ms,
        "queue": host.queue_ms,
        "prefill": host.prefill_ms,
        "decode": host.decode_ms,
        "trim": host.trim_ms,
    }
    parts["other"] = max(0.0, event.latency_ms - sum(parts.values()))
    for part, milliseconds in (parts | {"whole": event.latency_ms}).items():
        _count_time(counts, part, milliseconds)


def _count_time(counts: OutcomeCounts, part: str, milliseconds: float) -> None:
    add_time(counts.times.setdefault(part, {}), milliseconds)
