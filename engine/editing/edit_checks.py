"""Judges an edit before it is offered.  Runs nothing but Python's own compiler."""

import re
import warnings
from collections import Counter

from engine.completion.code.syntax import is_python
from engine.visible_text import UNSEEN

__all__ = ["UNCHANGED", "UNFINISHED", "UNREADABLE", "parses", "why_refused"]

UNCHANGED = "the model would change nothing; say more exactly what should change"
"""The reason for refusing an edit that is none."""

UNFINISHED = "select fewer lines"
"""What the reason ends with where the answer came to no end."""

UNREADABLE = "the file would no longer parse"
"""What the reason begins with where Python could not read the file."""

_UNSEEN = re.compile(f"[{UNSEEN}]")


def parses(path: str, before: str, after: str) -> bool | None:
    """Return whether a file parses after an edit.

    Args:
        path: Tells the language.
        before: All of its text before the edit.
        after: And after it.

    Returns:
        None where nobody can tell: it is not Python, or it did not parse before.
    """
    if not is_python(path) or _problem(before) is not None:
        return None
    return _problem(after) is None


def why_refused(path: str, before: str, after: str, *, closed: bool, tokens: int) -> str | None:
    """Return why an edit should not be applied, for a person; None: nothing speaks against it.

    Args:
        path: Tells the language.
        before: All of the file's text before the edit.
        after: And after it.
        closed: Whether the answer came to its end.
        tokens: How long it is.
    """
    if not closed:
        return f"the answer was not finished after {tokens} tokens; {UNFINISHED}"
    if after == before:
        return UNCHANGED
    unseen = Counter(_UNSEEN.findall(after)) - Counter(_UNSEEN.findall(before))
    if unseen:
        codes = ", ".join(f"U+{ord(sign):04X}" for sign in sorted(unseen))
        return f"it would bring in characters that cannot be seen: {codes}"
    if parses(path, before, after) is False:
        return f"{UNREADABLE}: {_problem(after)}"
    return None


def _problem(text: str) -> str | None:
    """Return why Python cannot parse a text; None: it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not the parser alone, which takes a return outside of any function.
            compile(text, "<edit>", "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        return f"{error.msg} in line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return None
