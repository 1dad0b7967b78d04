"""Puts Python into its place: a text is no deeper than Python allows there, or is not shown."""

import re

from engine.completion.code.surroundings import indentation
from engine.completion.code.syntax import Syntax

__all__ = ["fits", "in_place"]

_INSIDE_ONLY = re.compile(r"(?:return|yield|await|break|continue)\b")
"""What stands nowhere but inside a block."""


def fits(text: str, syntax: Syntax) -> bool:
    """Return whether Python can read the first line of ``text`` where it is, as deep as it is.

    True for a text that is not indented: whatever may be wrong with it, it is not that.
    """
    head, _ = _first_line(text)
    _, _, before = syntax.prefix.rpartition("\n")
    return not _depth(head) or bool(before.strip()) or syntax.reads(head)


def in_place(text: str, syntax: Syntax) -> str:
    """Return the beginning of ``text`` that can be read, less deep if its first line cannot be.

    All lines move by as much.  Nothing is left of a text that could not be read there either, or
    that says what only stands inside a block.

    Args:
        text: Begins at the cursor.
        syntax: Judges it.
    """
    if fits(text, syntax):
        return syntax.readable(text)
    depth = _depth(_first_line(text)[0])
    moved = "\n".join(line.removeprefix(depth) for line in text.split("\n"))
    head, _ = _first_line(moved)
    inside = not syntax.prefix.rpartition("\n")[2] and _INSIDE_ONLY.match(head.lstrip("\n"))
    return "" if inside or not syntax.reads(head) else syntax.readable(moved)


def _depth(head: str) -> str:
    """Return the indentation of the last line of ``head``."""
    return indentation(head.rpartition("\n")[2])


def _first_line(text: str) -> tuple[str, str]:
    """Return a text up to the end of its first line that is not blank, and the rest."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return (text, "") if end < 0 else (text[:end], text[end:])
