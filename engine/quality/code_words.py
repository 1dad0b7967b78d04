"""Splits code into words for the baselines, which use no model's tokens."""

import re

__all__ = ["split_open_word", "split_words"]

_WORD = re.compile(r"\n[ \t]*|[ \t]+|[^\W\d]\w*|\d\w*|.", re.DOTALL)


def split_words(text: str) -> list[str]:
    r"""Return the names, numbers, spaces, single signs and line starts of a text, in order.

    A line break and the indentation after it are one word.

    Example:
        >>> split_words("if x:\n    y")
        ['if', ' ', 'x', ':', '\n    ', 'y']
    """
    return _WORD.findall(text)


def split_open_word(found: list[str]) -> tuple[list[str], str]:
    """Return the complete words, and the last one apart if typing could still extend it."""
    if found and re.match(r"[\w\s]", found[-1]):
        return found[:-1], found[-1]
    return found, ""
