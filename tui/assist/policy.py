"""Decides whether to ask for a suggestion, after how long a rest, and for how many lines.

Pure functions of the place in the text and of the settings.  A refusal carries a reason that the
status line can show.  `tui.assist.suggestions` does the asking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from engine.protocol.messages import ModelInfo
from engine.repository.own_patterns import own_match
from engine.repository.privacy import is_secret
from tui.assist.cursor_place import CursorPlace
from tui.assist.pace import NO_PACE, Pace, fitting_rest_ms
from tui.code.languages import comment_sign
from tui.settings import SuggestionSettings

__all__ = ["Decision", "Trigger", "decide", "off_by", "wants_lines"]

Trigger = Literal["typed", "accepted", "moved", "asked"]
"""What happened: a key changed the text, a suggestion was accepted, the cursor moved, or the person
asked (Ctrl+L)."""

_MOVE_REST_MS = 300
"""Rest after the cursor moved: longer than after a key, because a person often moves to read."""
_HARMLESS_RIGHT = frozenset(")]}>\"'`,;: \t")
"""Characters right of the cursor that do not continue the code being written."""
_OPENERS = (":", "(", "[", "{")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to ask."""

    ask: bool
    reason: str = ""
    """Why not, or a remark although we ask; for a person.  Empty where the cursor only moves past
    a place that suits no suggestion."""
    delay_ms: int = 0
    """Rest to wait for before asking."""
    multi_line: bool = False
    warm: bool = False
    """Whether the model may read the text here although nothing is asked: a key may come."""


def decide(
    place: CursorPlace,
    trigger: Trigger,
    settings: SuggestionSettings,
    *,
    paused: bool = False,
    model: ModelInfo | None = None,
    secret_patterns: Sequence[str] = (),
    pace: Pace = NO_PACE,
) -> Decision:
    """Decide whether to ask for a suggestion at ``place``.

    Ctrl+L is refused only in a secret file, in a read-only file and while text is selected.

    Args:
        place: The cursor and its text.
        trigger: What happened.
        settings: When suggestions come, and how long they may be.
        paused: Whether suggestions are paused.
        model: The model that would answer; None while the engine starts.
        secret_patterns: More patterns of private files, from the settings.
        pace: How fast keys and answers come.
    """
    refusal = _never(place, secret_patterns)
    if refusal:
        return Decision(False, refusal)
    if place.selection:  # said only to who asks: who selects does something else
        return Decision(False, "text is selected" if trigger == "asked" else "")
    foreign = _foreign_language(place, model)
    lines = settings.multi_line and wants_lines(place, after_accept=trigger == "accepted")
    if trigger == "asked":
        return Decision(True, foreign, 0, lines)
    if refusal := foreign or _not_by_itself(place, settings, paused=paused):
        return Decision(False, refusal)
    if _inside_a_word(place.suffix):
        moved = trigger == "moved"
        return Decision(False, "" if moved else "inside a word", _MOVE_REST_MS, warm=moved)
    if trigger == "moved" and not _right_is_harmless(place.suffix):
        return Decision(False, "", _MOVE_REST_MS, warm=True)
    return Decision(True, "", _delay_ms(place, trigger, settings, pace), lines)


def _never(place: CursorPlace, secret_patterns: Sequence[str]) -> str:
    """Return why no suggestion is possible here; empty if one is."""
    pattern = place.secret or is_secret(place.path, secret_patterns)
    if pattern is not None:
        return f"secret file ({pattern})"
    return "read only" if place.read_only else ""


def _foreign_language(place: CursorPlace, model: ModelInfo | None) -> str:
    """Return a remark if the model was not trained on the file's language, else an empty text."""
    if model is None or model.language in ("any", place.language):
        return ""
    return f"{model.name} knows only {model.language}"


def _not_by_itself(place: CursorPlace, settings: SuggestionSettings, *, paused: bool) -> str:
    """Return why suggestions do not come by themselves; empty if they do."""
    if paused:
        return "paused"
    if (pattern := off_by(place.path, settings.off)) is not None:
        return f"off for {pattern}; Ctrl+L asks"
    return "" if settings.automatic else "Ctrl+L asks"


def off_by(path: str, patterns: Sequence[str]) -> str | None:
    """Return the pattern of the settings by which a file is left alone; None if none is.

    Example:
        >>> off_by("docs/a.md", ["*.txt", "docs/"])
        'docs/'
    """
    parts = [part.casefold() for part in PurePath(path).parts if part != "/"]
    return next((each for each in patterns if own_match(parts, each)), None)


def _inside_a_word(suffix: str) -> bool:
    """Return whether the cursor has the rest of a word on its right."""
    return suffix[:1].isalnum() or suffix[:1] == "_"


def _delay_ms(
    place: CursorPlace, trigger: Trigger, settings: SuggestionSettings, pace: Pace
) -> int:
    """Return how long the keys must rest before we ask."""
    if trigger == "accepted":
        return 0
    if trigger == "moved":
        return max(3 * settings.delay_ms, _MOVE_REST_MS)
    if settings.adaptive_delay:
        return fitting_rest_ms(settings.delay_ms, pace, place)
    return settings.delay_ms


def _right_is_harmless(suffix: str) -> bool:
    """Return whether only closing brackets, quotes and punctuation stand right of the cursor."""
    return _HARMLESS_RIGHT.issuperset(suffix.partition("\n")[0].rstrip("\r"))


def wants_lines(place: CursorPlace, *, after_accept: bool = False) -> bool:
    """Return whether to suggest several lines here, rather than the rest of one.

    Several lines suit a blank line, the start of a block and the place after an accepted
    suggestion, but never a comment or a place in front of other code.
    """
    if not _right_is_harmless(place.suffix):
        return False
    line = place.prefix.rpartition("\n")[2].strip()
    sign = comment_sign(place.language)
    if sign and line.startswith(sign):
        return False
    return after_accept or not line or line.endswith(_OPENERS)
