"""The private patterns that a person writes into the settings: what each protects, or why none.

People know `.gitignore`, shells and paths, and write in all three ways; each is understood, and
what may mean more than one thing protects all of them.  Knows nothing of files.
"""

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

__all__ = ["own_match", "why_refused"]

MAX_CHARACTERS = 1_000
"""Longest pattern."""
_ANY_DEPTH = "**"


class _OwnPattern(NamedTuple):
    """A pattern, taken apart."""

    parts: tuple[str, ...]
    """Of a path, case-folded; ``**`` stands for any number of them."""
    whole: bool
    """Whether the first part must be the first of an absolute path."""
    folders_only: bool
    """Whether it protects what is in a folder of that name, and no file of it."""


def why_refused(pattern: str) -> str | None:
    """Return why a pattern cannot protect what its author meant; None if it can.

    Example:
        >>> why_refused("private/**") is None
        True
    """
    text = pattern.strip()
    if not text.strip("/.\\"):
        return "it names nothing"
    if text.startswith("!"):
        return "there is nothing to take back: all patterns protect"
    if ".." in text.replace("\\", "/").split("/"):
        return "write the path without `..`"
    if text.startswith("~") and os.path.expanduser(text) == text:
        return "~ is followed by no known user"
    if len(text) > MAX_CHARACTERS or "\0" in text:
        return f"it has more than {MAX_CHARACTERS} characters, or a NUL"
    return None


def own_match(parts: Sequence[str], pattern: str) -> bool:
    """Return whether a path is protected by a pattern.

    A pattern that is refused protects everything: nobody knows what its author meant.

    Args:
        parts: The path's, case-folded, without slashes; an absolute path has no other sign.
        pattern: As in the settings: ``*.dump``, ``private``, ``./private/``, ``private/**``,
            ``a/b.txt``, ``~/x``.
    """
    own = _read(pattern)
    if own is None:
        return True
    ends = _ends(parts, {0} if own.whole else set(range(len(parts))), own.parts)
    return any(end < len(parts) or not own.folders_only for end in ends)


@lru_cache(maxsize=256)
def _read(pattern: str) -> _OwnPattern | None:
    """Return a pattern taken apart; None if it is refused."""
    if why_refused(pattern) is not None:
        return None
    text = pattern.strip().replace("\\", "/")
    whole = text.startswith("~")
    if whole:
        text = os.path.expanduser(text)
    text = text.casefold()
    parts = [part for part in text.split("/") if part not in ("", ".")]
    folders_only = text.endswith("/")
    while len(parts) > 1 and parts[-1] in ("*", _ANY_DEPTH):
        parts.pop()
        folders_only = True
    return _OwnPattern(tuple(parts), whole, folders_only)


def _ends(parts: Sequence[str], places: set[int], wanted: Sequence[str]) -> set[int]:
    """Return the places behind all runs of parts that match and begin at one of some places."""
    for pattern in wanted:
        if pattern == _ANY_DEPTH:
            places = set(range(min(places), len(parts) + 1))
        else:
            places = {
                place + 1
                for place in places
                if place < len(parts) and fnmatchcase(parts[place], pattern)
            }
        if not places:
            break
    return places
