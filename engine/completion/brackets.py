"""Finds brackets, strings and comments in a piece of code without parsing it.  Pure functions.

Reads line by line: a string ends at the end of its line at the latest.
"""

from collections.abc import Iterator

__all__ = [
    "CLOSERS",
    "OPENERS",
    "TRIPLE_QUOTES",
    "brackets",
    "closers",
    "depths",
    "inside_text",
    "without_comment",
]

OPENERS, CLOSERS = "([{", ")]}"
TRIPLE_QUOTES = ('"""', "'''")
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
    quote, escaped, comment = "", False, False
    for i, sign in enumerate(text):
        if sign == "\n":
            quote, escaped, comment = "", False, False
        elif comment or escaped:
            escaped = False
        elif quote:
            escaped = sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and comments:
            comment = True
            yield i, sign
        elif sign in OPENERS + CLOSERS:
            yield i, sign
