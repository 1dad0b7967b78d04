"""Ghost text as text: its next word, its next line, its rest after typing.

Pure functions.  The editor draws it and binds its keys.
"""

import re

__all__ = ["first_line", "first_word", "rest_after", "written_characters"]

_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+|$)")


def first_word(ghost: str) -> str:
    r"""Return the next word, a name or a run of signs, with the space before it.

    Line breaks before the word belong to it, so that the same key goes on across lines.

    Example:
        >>> first_word("return x"), first_word("(self)"), first_word("\n    pass")
        ('return', '(', '\n    pass')
    """
    match = _WORD.match(ghost)
    return match.group() if match else ghost


def first_line(ghost: str) -> str:
    r"""Return the text up to the end of the first line that is not blank.

    The line break after it is left out, so that the cursor stops at the end of the line.

    Example:
        >>> first_line("\n    a = 1\n    b = 2")
        '\n    a = 1'
    """
    start = len(ghost) - len(ghost.lstrip("\r\n\t "))
    end = ghost.find("\n", start)
    return ghost if end == -1 else ghost[:end]


def rest_after(ghost: str, typed: str) -> str | None:
    """Return the rest of ``ghost`` after ``typed``; None if it does not begin with that.

    Example:
        >>> rest_after("return x", "ret"), rest_after("return x", "raise")
        ('urn x', None)
    """
    return ghost[len(typed) :] if typed and ghost.startswith(typed) else None


def written_characters(text: str) -> int:
    r"""Count the characters of a text; the indentation of its further lines is the editor's.

    Example:
        >>> written_characters("if x:\n    y")
        7
    """
    first, *others = text.split("\n")
    return len(first) + sum(1 + len(line.lstrip(" \t")) for line in others)
