"""Positions as the Language Server Protocol counts them: lines and code units, both from 0.  Pure.

A unit is what the client and the server have agreed on: UTF-16 where they have not.  A position
beyond its line is the line's end, and one beyond the text the text's, as the protocol says.
"""

import re
from collections.abc import Callable

__all__ = ["offset_of", "units"]

_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_WIDTHS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda sign: len(sign.encode("utf-8", "surrogatepass")),
    "utf-16": lambda sign: 2 if ord(sign) > 0xFFFF else 1,
    "utf-32": lambda sign: 1,
}


def offset_of(text: str, line: int, character: int, encoding: str = "utf-16") -> int:
    """Return the place in ``text``, in Python's characters, of a position.

    A position inside a character stands before it.
    """
    begin = 0
    for _ in range(line):
        found = _LINE_ENDS.search(text, begin)
        if found is None:
            return len(text)
        begin = found.end()
    end = _LINE_ENDS.search(text, begin)
    last = len(text) if end is None else end.start()
    width = _WIDTHS[encoding]
    at = begin
    while at < last and character >= width(text[at]):
        character -= width(text[at])
        at += 1
    return at


def units(text: str, encoding: str = "utf-16") -> int:
    """Return how many code units a text has."""
    return sum(map(_WIDTHS[encoding], text))
