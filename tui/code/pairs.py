"""Decides what typing a bracket or a quote does: opens a pair, types over, wraps.  Pure."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["CLOSERS", "OPENERS", "PairTyping", "closer_of", "pair_typing", "removes_pair"]

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}
_QUOTES = "\"'`"
_HARMLESS_RIGHT = frozenset(")]}>,;: \t")
"""Characters right of the cursor beside which a pair is wanted."""
_PROSE = frozenset({None, "markdown", "html", "xml"})
"""Languages in which an apostrophe is no quote more often than not."""
_PREFIXES = frozenset("fFrRbBuU")

PairTyping = Literal["pair", "over", "plain"]


def closer_of(character: str, language: str | None) -> str | None:
    """Return what closes ``character`` where it opens something; None: it opens nothing."""
    if character in OPENERS:
        return OPENERS[character]
    if character not in _QUOTES or (character != '"' and language in _PROSE):
        return None
    if character == "'" and language == "rust":  # a lifetime
        return None
    return None if character == "`" and language == "python" else character


@dataclass(frozen=True, slots=True)
class _Place:
    left: str
    right: str


def pair_typing(line: str, column: int, character: str, language: str | None) -> PairTyping:
    """Return whether a character typed at ``column`` opens a pair, types over, or is itself.

    Example:
        >>> pair_typing("f", 1, "(", "python"), pair_typing("f()", 2, ")", "python")
        ('pair', 'over')
        >>> pair_typing("f x", 2, "(", "python"), pair_typing("don", 3, "'", "python")
        ('plain', 'plain')
    """
    place = _Place(line[:column], line[column:])
    if character in CLOSERS:
        return "over" if _closes_what_is_open(place, character) else "plain"
    closer = closer_of(character, language)
    if closer is None:
        return "plain"
    if closer == character:
        return _quote_typing(place, character)
    wanted = _is_harmless(place.right) and not _lacks_opener(line, character, closer)
    return "pair" if wanted else "plain"


def _quote_typing(place: _Place, quote: str) -> PairTyping:
    inside = _unescaped(place.left, quote) % 2 == 1
    if inside:
        return "over" if place.right.startswith(quote) and place.left[-1:] != "\\" else "plain"
    before = place.left[-1:]
    if before == quote or ((before.isalnum() or before == "_") and not _is_prefix(place.left)):
        return "plain"
    return "pair" if _is_harmless(place.right) else "plain"


def _is_prefix(left: str) -> bool:
    """Return whether the letter before a quote is that of ``f"…"`` and not the end of a name."""
    return left[-1] in _PREFIXES and not (left[-2:-1].isalnum() or left[-2:-1] == "_")


def _unescaped(text: str, quote: str) -> int:
    """Return how often ``quote`` stands in ``text`` without a backslash before it."""
    return text.replace("\\\\", "").replace(f"\\{quote}", "").count(quote)


def _is_harmless(right: str) -> bool:
    return not right or right[0] in _HARMLESS_RIGHT


def _closes_what_is_open(place: _Place, closer: str) -> bool:
    """Return whether the closer right of the cursor is the one that is typed."""
    if not place.right.startswith(closer):
        return False
    line = place.left + place.right
    return line.count(closer) >= line.count(CLOSERS[closer])


def _lacks_opener(line: str, opener: str, closer: str) -> bool:
    """Return whether the line has a closer too many, which the typed opener gives a partner."""
    return line.count(closer) > line.count(opener)


def removes_pair(line: str, column: int, language: str | None) -> bool:
    """Return whether Backspace at ``column`` removes both signs of an empty pair.

    Example:
        >>> removes_pair("f()", 2, "python"), removes_pair("f(x)", 3, "python")
        (True, False)
    """
    if not 0 < column < len(line):
        return False
    left, right = line[column - 1], line[column]
    if closer_of(left, language) != right:
        return False
    return left != right or _unescaped(line[: column - 1], left) % 2 == 0
