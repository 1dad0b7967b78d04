"""Puts Python into its place: a text is no deeper than Python allows there, or is not shown."""

import re

from engine.completion.surroundings import indentation
from engine.completion.syntax import Syntax

__all__ = ["in_place"]

_INSIDE_ONLY = re.compile(r"(?:return|yield|await|break|continue)\b")
"""What stands nowhere but inside a block."""


def in_place(text: str, syntax: Syntax) -> str:
    """Return ``text``, less deep if Python could not read its first line where it is.

    All lines move by as much.  Nothing is left of a text that could not be read there either, or
    that says what only stands inside a block.  A text that is not indented stays as it is.

    Args:
        text: Begins at the cursor.
        syntax: Judges it.
    """
    head, tail = _first_line(text)
    depth = indentation(head.rpartition("\n")[2])
    before = syntax.prefix.rpartition("\n")[2]
    if not depth or before.strip() or syntax.reads(head):
        return text
    lines = [line.removeprefix(depth) for line in f"{head}{tail}".split("\n")]
    moved = "\n".join(lines)
    if not before and _INSIDE_ONLY.match(moved.lstrip("\n")):
        return ""
    return syntax.readable(moved) if syntax.reads(_first_line(moved)[0]) else ""


def _first_line(text: str) -> tuple[str, str]:
    """Return a text up to the end of its first line that is not blank, and the rest."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return (text, "") if end < 0 else (text[:end], text[end:])
