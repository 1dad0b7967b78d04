"""When to ask for a suggestion, how long it may be, and why not; what was suggested before.

Pure functions of the place in the text and the settings, each answer with a reason that the
status line can show, and a small cache.  Asking is `tui.assist.suggestions`' work.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.protocol.messages import ModelInfo
from engine.repository.privacy import is_secret
from tui.code.languages import comment_sign
from tui.settings import SuggestionSettings

__all__ = [
    "Place",
    "SuggestionCache",
    "Trigger",
    "Verdict",
    "judge",
    "typed_between",
    "wants_lines",
]

Trigger = Literal["typed", "accepted", "moved", "asked"]
"""What made us think of asking: a key that changed the text, an accepted suggestion, a move of
the cursor, or the person (Ctrl+L)."""

_MOVE_REST_MS = 300
"""Rest after a move of the cursor: longer than after a key, for moving is often only reading."""
_HARMLESS_RIGHT = frozenset(")]}>\"'`,;: \t")
"""What may stand right of the cursor and still be the end of what is being written."""
_OPENERS = (":", "(", "[", "{")

_LOOK_BACK = 128
_KEY_PREFIX = 256
_KEY_SUFFIX = 128


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in a text."""

    path: str
    """As shown to the model: relative to the repository."""
    language: str | None
    prefix: str
    """Text before the cursor, perhaps only its end."""
    suffix: str
    """Text after the cursor, perhaps only its beginning."""
    selection: bool = False
    """Whether text is selected."""
    read_only: bool = False
    secret: str | None = None
    """Pattern by which the file on disk is private, which ``path`` alone may not show."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to ask."""

    ask: bool
    reason: str = ""
    """Why not, or what is worth saying although we ask; for a person.  Empty where a moved cursor
    merely passes a place that suits no suggestion."""
    delay_ms: int = 0
    """How long to wait for another key first."""
    multi_line: bool = False


def judge(
    place: Place,
    trigger: Trigger,
    settings: SuggestionSettings,
    *,
    paused: bool = False,
    model: ModelInfo | None = None,
    secret_patterns: Sequence[str] = (),
) -> Verdict:
    """Decide whether to ask for a suggestion at ``place``.

    Who asks with Ctrl+L gets an answer wherever one is possible: only a secret file, a read-only
    one and a selection refuse.

    Args:
        place: The cursor and its text.
        trigger: What happened.
        settings: The person's.
        paused: Whether suggestions are paused.
        model: The model that would answer; None while the engine starts.
        secret_patterns: More patterns of private files, from the settings.
    """
    refusal = _never(place, secret_patterns)
    if refusal:
        return Verdict(False, refusal)
    foreign = _foreign_language(place, model)
    lines = settings.multi_line and wants_lines(place, after_accept=trigger == "accepted")
    if trigger == "asked":
        return Verdict(True, foreign, 0, lines)
    if refusal := foreign or _not_by_itself(settings, paused=paused):
        return Verdict(False, refusal)
    if _inside_a_word(place.suffix):
        return Verdict(False, "" if trigger == "moved" else "inside a word")
    if trigger == "moved" and not _right_is_harmless(place.suffix):
        return Verdict(False)
    return Verdict(True, "", _delay_ms(trigger, settings), lines)


def _never(place: Place, secret_patterns: Sequence[str]) -> str:
    """Return why there can be no suggestion at all, or nothing."""
    pattern = place.secret or is_secret(place.path, secret_patterns)
    if pattern is not None:
        return f"secret file ({pattern})"
    if place.read_only:
        return "read only"
    return "text is selected" if place.selection else ""


def _foreign_language(place: Place, model: ModelInfo | None) -> str:
    """Return that the model was not trained on the file's language, or nothing."""
    if model is None or model.language in ("any", place.language):
        return ""
    return f"{model.name} knows only {model.language}"


def _not_by_itself(settings: SuggestionSettings, *, paused: bool) -> str:
    """Return why no suggestion comes unless it is asked for, or nothing."""
    if paused:
        return "paused"
    return "" if settings.automatic else "Ctrl+L asks"


def _inside_a_word(suffix: str) -> bool:
    """Return whether the rest of a word stands right of the cursor."""
    return suffix[:1].isalnum() or suffix[:1] == "_"


def _delay_ms(trigger: Trigger, settings: SuggestionSettings) -> int:
    """Return the rest to wait for before asking."""
    if trigger == "accepted":
        return 0
    return max(3 * settings.delay_ms, _MOVE_REST_MS) if trigger == "moved" else settings.delay_ms


def _right_is_harmless(suffix: str) -> bool:
    """Return whether only closing brackets, quotes and punctuation stand right of the cursor."""
    return _HARMLESS_RIGHT.issuperset(suffix.partition("\n")[0].rstrip("\r"))


def wants_lines(place: Place, *, after_accept: bool = False) -> bool:
    """Return whether a suggestion of several lines helps here, or one to the end of the line.

    Several lines come on a blank line, at the start of a block and after an accepted suggestion;
    never in front of other code or in a comment.
    """
    if not _right_is_harmless(place.suffix):
        return False
    line = place.prefix.rpartition("\n")[2].strip()
    sign = comment_sign(place.language)
    if sign and line.startswith(sign):
        return False
    return after_accept or not line or line.endswith(_OPENERS)


def typed_between(before: str, after: str) -> str | None:
    """Return what was typed at the end of the text ``before`` to make it ``after``, else None.

    Both may have been cut at their start, as a long text before a cursor is.

    Example:
        >>> typed_between("def f(", "def f(self")
        'self'
    """
    if after.startswith(before):
        return after[len(before) :]
    tail = before[-_KEY_PREFIX:]
    for typed in range(1, min(_LOOK_BACK, len(after)) + 1):
        start = len(after) - typed
        # The cheap comparison first; only one length in a great many passes it.
        if after[max(0, start - len(tail)) : start] == tail and before.endswith(after[:start]):
            return after[start:]
    return None


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    multi_line: bool
    sure: bool


class SuggestionCache:
    """What was suggested lately, found again at its place and where its beginning was typed.

    Args:
        size: Suggestions kept; the one used longest ago goes first.
    """

    def __init__(self, size: int = 250) -> None:
        self._size = size
        self._entries: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, place: Place, text: str, *, multi_line: bool, sure: bool = True) -> None:
        """Remember the whole suggestion for ``place``; an empty one says there is none.

        One that is not ``sure`` is kept for those who ask for it.
        """
        key = _key(place.prefix, place.suffix)
        self._entries[key] = _Known(text, multi_line, sure)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def get(self, place: Place, *, multi_line: bool, asked: bool = False) -> str | None:
        """Return the suggestion for ``place``, or what typing left of an earlier one.

        Args:
            place: The cursor and its text.
            multi_line: Whether several lines are wanted: a known single line does not do then.
            asked: Whether the person asks: then one that is not sure will do, too.

        Returns:
            The text, ``""`` where it is known that there is none, None where nothing is known.
        """
        prefix = place.prefix
        for typed in range(min(_LOOK_BACK, len(prefix)) + 1):
            start = len(prefix) - typed
            key = _key(prefix, place.suffix, start)
            known = self._entries.get(key)
            if known is None:
                continue
            if not known.sure and not asked:
                # Nothing to offer there; of a place behind what it says, nobody knows yet.
                if not typed:
                    return ""
                continue
            rest = _rest(known, prefix[start:], multi_line=multi_line)
            if rest is not None:
                self._entries.move_to_end(key)
                return rest
        return None


def _key(prefix: str, suffix: str, end: int | None = None) -> tuple[str, str]:
    """Return what a place is remembered by: the text around it, up to ``end`` of the prefix."""
    end = len(prefix) if end is None else end
    return prefix[max(0, end - _KEY_PREFIX) : end], suffix[:_KEY_SUFFIX]


def _rest(known: _Known, typed: str, *, multi_line: bool) -> str | None:
    """Return what ``known`` still says after ``typed``, None where it does not fit."""
    if not typed:
        if multi_line and not known.multi_line:
            return None
        shown = known.text if multi_line else known.text.partition("\n")[0]
        return shown if shown or not known.text else None
    if known.text.startswith(typed) and len(known.text) > len(typed):
        return known.text[len(typed) :]
    return None
