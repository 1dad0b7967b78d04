"""Where a text ends because the client said so: its stop strings, and the least indentation.

Pure.  What the model and the engine's own rules end is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cut", "cut"]


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a text that the client wants."""

    text: str
    ended: bool
    """Whether anything was cut: then no more is needed."""
    word: str = ""
    """The stop string that ended it."""


def cut(text: str, stops: Sequence[str], indent: int) -> Cut:
    """Return what is left of a text.

    Args:
        text: All of it so far.
        stops: Strings that end it and are no part of it; of several the first in the text counts.
        indent: Columns that each further line with something in it begins with at least, as
            llama.cpp's ``n_indent``; 0: any do.
    """
    found = [(at, word) for word in stops if word and (at := text.find(word)) >= 0]
    end, word = min(found, default=(len(text), ""))
    shallow = _shallow_line(text, indent) if indent > 0 else None
    if shallow is not None and shallow < end:
        return Cut(text[:shallow], ended=True)
    return Cut(text[:end], ended=bool(found), word=word)


def _shallow_line(text: str, indent: int) -> int | None:
    """Return where the first line that stands too far left is cut off, its line end included."""
    at = text.find("\n")
    while at >= 0:
        line = text[at + 1 :].split("\n", 1)[0]
        blanks = len(line) - len(line.lstrip(" \t"))
        if blanks < min(indent, len(line)):
            return at
        at = text.find("\n", at + 1)
    return None
