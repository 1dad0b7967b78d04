"""Finds brackets, strings and comments in a piece of code without parsing it.  Pure functions.

Reads line by line: a string ends at the end of its line at the latest.
"""

import re
from collections.abc import Iterator

__all__ = [
    "CLOSERS",
    "OPENERS",
    "TRIPLE_QUOTES",
    "brackets",
    "closers",
    "depths",
    "inside_text",
    "open_brackets",
    "without_comment",
]

OPENERS, CLOSERS = "([{", ")]}"
TRIPLE_QUOTES = ('"""', "'''")
_LOOK_LINES = 200
_SIGN = re.compile(r"[\\'\"#\n()\[\]{}]")
_CLOSER_OF = dict(zip(OPENERS, CLOSERS, strict=True))


def brackets(text: str, before: str = "", *, comments: bool = True) -> Iterator[tuple[int, str]]:
    """Yield (index, bracket) for each bracket of ``text`` outside strings and comments.

    Text added at the end changes no earlier item.

    Args:
        text: Code.
        before: The code in front of it on its first line.
        comments: Whether ``#`` begins a comment, as in Python.
    """
    for i, sign in _signs(before + text, comments=comments):
        if i >= len(before) and sign != "#":
            yield i - len(before), sign


def depths(text: str) -> tuple[int, int]:
    """Return how many brackets ``text`` leaves open, and the lowest count on the way there."""
    depth = lowest = 0
    for _, sign in brackets(text):
        depth += 1 if sign in OPENERS else -1
        lowest = min(lowest, depth)
    return depth, lowest


def open_brackets(text: str) -> int:
    """Return how many brackets are open at the end of a text, judged by its last lines."""
    depth = 0
    for line in text.rsplit("\n", _LOOK_LINES)[-_LOOK_LINES:]:
        change, lowest = depths(line)
        # A line that closes more than is open started inside brackets above the lines we read.
        depth = max(depth, -lowest) + change
    return depth


def closers(text: str) -> str:
    """Return the closing brackets that ``text`` still needs, in order.

    Example:
        >>> closers("f(x, [1")
        '])'
    """
    missing: list[str] = []
    for _, sign in brackets(text):
        if sign in OPENERS:
            missing.append(_CLOSER_OF[sign])
        elif missing:
            missing.pop()
    return "".join(reversed(missing))


def inside_text(code: str) -> bool:
    """Return whether ``code`` ends inside a triple-quoted string, judged by counting quotes."""
    return any(code.count(quote) % 2 for quote in TRIPLE_QUOTES)


def without_comment(line: str) -> str:
    """Return a line of Python up to its comment.

    Example:
        >>> without_comment("x = '#'  # one")
        "x = '#'  "
    """
    return line[: next((i for i, sign in _signs(line, comments=True) if sign == "#"), len(line))]


def _signs(text: str, *, comments: bool) -> Iterator[tuple[int, str]]:
    """Yield (index, sign) for each bracket, and for each ``#`` that begins a comment."""
    quote, comment, escaped = "", False, -1
    for match in _SIGN.finditer(text):
        i, sign = match.start(), match[0]
        if sign == "\n":
            quote, comment = "", False
        elif comment or i == escaped:
            continue
        elif quote:
            escaped = i + 1 if sign == "\\" else -1
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and comments:
            comment = True
            yield i, sign
        elif sign in OPENERS + CLOSERS:
            yield i, sign
