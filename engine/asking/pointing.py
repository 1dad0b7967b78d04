"""Says in words what a question points at with "this" or "here": the definition at the cursor.

A selection needs no words, because it is shown for itself.  Reads the text alone.
"""

import re
from collections.abc import Sequence

from engine.completion.code.surroundings import indent_width
from engine.protocol.asking import AskRequest

__all__ = ["pointed_at"]

_POINTS = re.compile(
    r"\b(?:this|here|it|current|(?:the|my) (?:function|method|class|cursor))\b", re.IGNORECASE
)
_HEAD = re.compile(
    r"\s*(?:(?:export|public|static|async|abstract|pub|default)\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|trait|impl|interface)\b"
)


def pointed_at(request: AskRequest) -> str:
    """Return a sentence about the definition that holds the cursor; empty: nothing points at it."""
    lines = request.text.split("\n")
    row = request.line - request.start
    inside = request.path and not request.first and 0 <= row < len(lines)
    if not inside or _POINTS.search(request.question) is None:
        return ""
    head = _head(lines, row)
    if head is None:
        return ""
    return f"The cursor stands in `{lines[head].strip()}`, line {request.start + head} of the file."


def _head(lines: Sequence[str], row: int) -> int | None:
    """Return the row of the innermost definition around a row; a blank one belongs to those above.

    Its head is the nearest one above that stands less deep than all lines between.
    """
    filled = [each for each in range(row + 1) if lines[each].strip()]
    depth: int | None = None
    for above in reversed(filled):
        width = indent_width(lines[above])
        if depth is None or width < depth:
            if _HEAD.match(lines[above]):
                return above
            depth = width
    return None
