"""The last attempt at a suggestion, and what is to say about it: why it was shown, or held back.

A record and its words.  Decides nothing; `tui.assist.suggestions` fills it in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp

from engine.protocol.completion import Completion
from tui.assist.acceptance import Acceptance, chance
from tui.assist.cursor_place import CursorPlace
from tui.assist.policy import Decision, Trigger
from tui.format import chance_text, milliseconds_text, percent_text

__all__ = ["Attempt", "explained", "why_nothing"]

_NOTHING = "nothing to suggest here"
_PLACE_CHARACTERS = 48

_TRIGGERS: dict[Trigger, str] = {
    "typed": "you typed",
    "accepted": "you took a suggestion",
    "moved": "the cursor moved",
    "asked": "you asked",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of one attempt; what did not happen yet is empty."""

    place: CursorPlace
    trigger: Trigger
    decision: Decision
    outcome: str = ""
    """What became of it, in the words of the status line."""
    completion: Completion | None = None
    """The engine's answer."""
    cached: bool = False
    """Whether an earlier answer served."""
    acceptance: Acceptance = field(default_factory=Acceptance)
    """What was known of the person then."""
    threshold: float | None = None
    """The model's own."""
    least_share: float = 0.25
    """Chance from which a suggestion came by itself then."""

    @property
    def chance(self) -> float | None:
        """How likely the person takes the answer; None where that is unknown."""
        if self.completion is None or self.completion.mean_logprob is None:
            return None
        return chance(self.acceptance, self.completion.mean_logprob, self.threshold)


def why_nothing(attempt: Attempt) -> str:
    """Return why an answer is not shown, in a few words."""
    completion = attempt.completion
    if completion is None:
        return _NOTHING
    if completion.text.strip() and not completion.shown:
        return f"{_too_unlikely(attempt)}; Ctrl+L shows it"
    return completion.held_back or _NOTHING


def _too_unlikely(attempt: Attempt) -> str:
    """Return ``too unlikely (12% < 25%)``, or what of the answer is, if it is not the whole."""
    if attempt.chance is None:
        return "too unlikely"
    if attempt.chance >= attempt.least_share:
        return "its beginning is too unlikely"
    chance, least = chance_text(attempt.chance), chance_text(attempt.least_share)
    return f"too unlikely ({f'{chance} <' if chance != least else 'just below'} {least})"


def explained(attempt: Attempt) -> list[tuple[str, str]]:
    """Return all there is to say, as (label, text); the texts hold what is not ours."""
    return [row for row in _rows(attempt) if row[1]]


def _rows(attempt: Attempt) -> Iterator[tuple[str, str]]:
    decision, completion = attempt.decision, attempt.completion
    yield "place", f"{attempt.place.path}: {_line(attempt.place)}"
    yield "because", _TRIGGERS[attempt.trigger]
    yield "decision", _decided(decision)
    yield "outcome", f"{attempt.outcome} (from memory)" if attempt.cached else attempt.outcome
    if completion is None:
        return
    yield "answer", _shortened(completion.text) or "nothing"
    yield "cut because", completion.held_back
    yield "model", f"{completion.model}{_likelihood(attempt)}"
    yield "chance", _chances(attempt)
    yield "learnt from", _answers(attempt.acceptance)
    yield "time", _times(completion)
    yield "repository", _repository(completion)


def _line(place: CursorPlace) -> str:
    """Return the cursor's line; one without text behind the last one that has some."""
    above, _, left = place.prefix.rpartition("\n")
    if not left.strip() and above.strip():
        left = f"{above.rstrip().rpartition(chr(10))[2].strip()} ⏎ {left}"
    cut = "…" if len(left) > _PLACE_CHARACTERS else ""
    return f"{cut}{left[-_PLACE_CHARACTERS:]}▏{place.suffix.partition(chr(10))[0][:12]}"


def _decided(decision: Decision) -> str:
    if not decision.ask:
        return f"ask nothing: {decision.reason}"
    lines = "several lines" if decision.multi_line else "one line"
    return f"ask for {lines} after a rest of {decision.delay_ms} ms"


def _shortened(text: str) -> str:
    first, _, more = text.strip("\n").partition("\n")
    if not more:
        return first
    count = more.count("\n") + 1
    return f"{first} (and {count} line{'s' if count > 1 else ''} more)"


def _likelihood(attempt: Attempt) -> str:
    completion = attempt.completion
    if completion is None or completion.mean_logprob is None:
        return ""
    share = exp(min(0.0, completion.mean_logprob))
    own = attempt.threshold
    least = "" if own is None else f", its own threshold {exp(min(0.0, own)):.2f}"
    return f": {share:.2f} a token on average{least}"


def _chances(attempt: Attempt) -> str:
    if attempt.chance is None:
        return ""
    from_share = chance_text(attempt.least_share)
    return f"{chance_text(attempt.chance)} that you take it; shown by itself from {from_share}"


def _answers(known: Acceptance) -> str:
    return f"{known.taken} suggestions that you took, {known.refused} that you refused"


def _times(completion: Completion) -> str:
    host = completion.host
    read, written = milliseconds_text(host.prefill_ms), milliseconds_text(host.decode_ms)
    new = completion.prompt_tokens - completion.cached_tokens
    return (
        f"{read} to read {new} of {completion.prompt_tokens} tokens,"
        f" {written} to write {completion.completion_tokens} (host)"
    )


def _repository(completion: Completion) -> str:
    known = completion.repository
    if known is None:
        return "not used"
    files = f"{known.files} other file{'' if known.files == 1 else 's'}"
    return f"{files} read; {percent_text(known.changed)} of the tokens are due to the code around"
