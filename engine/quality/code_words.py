"""Code as words: the tokens that the baselines count, which are no model's."""

import re

__all__ = ["split_open_word", "split_words"]

_WORD = re.compile(r"\n[ \t]*|[ \t]+|[^\W\d]\w*|\d\w*|.", re.DOTALL)


def split_words(text: str) -> list[str]:
    r"""Return the text cut into names, numbers, spaces, single signs and line starts.

    A line break and the indentation behind it are one word.

    Example:
        >>> split_words("if x:\n    y")
        ['if', ' ', 'x', ':', '\n    ', 'y']
    """
    return _WORD.findall(text)


def split_open_word(found: list[str]) -> tuple[list[str], str]:
    """Return the words that are whole, and the last one if more typing could lengthen it."""
    if found and re.match(r"[\w\s]", found[-1]):
        return found[:-1], found[-1]
    return found, ""
