"""Comments that ask for an edit: they end in ``AI!``, as in aider's ``--watch-files``.

Pure: finds them, and says which lines they are about and what the text is without them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["CommentedEdit", "commented_edit"]

Statement = Callable[[Sequence[str], int], tuple[int, int] | None]
"""Takes lines and a row, returns the first and the last row of the statement there."""


@dataclass(frozen=True, slots=True)
class CommentedEdit:
    """An edit that a comment asks for.  Rows count from 0."""

    instruction: str
    first: int
    last: int
    """The lines that it is about, the comment's among them."""
    lines: list[str]
    """The text without the comment."""
    shown_first: int
    shown_last: int
    """The same lines in that text."""


def commented_edit(
    lines: Sequence[str], row: int, sign: str | None, statement: Statement
) -> CommentedEdit | None:
    """Return the edit that a comment in a row asks for; None: there is no such comment.

    A comment behind code is about the statement with that line; one on a line of its own about the
    statement below, else about the one around it, else about its place.

    Args:
        lines: All of the text.
        row: The comment's row.
        sign: What begins a comment; None: the language has no such sign.
        statement: Finds statements.
    """
    if sign is None:
        return None
    found = re.search(rf"{re.escape(sign)}+\s*(.*?)\s*\bAI!\s*$", lines[row])
    if found is None or not found[1]:
        return None
    code = lines[row][: found.start()].rstrip()
    if code:
        shown = [*lines[:row], code, *lines[row + 1 :]]
        first, last = statement(shown, row) or (row, row)
        return CommentedEdit(found[1], first, last, shown, first, last)
    return _of_own_line(lines, row, found[1], statement)


def _of_own_line(
    lines: Sequence[str], row: int, instruction: str, statement: Statement
) -> CommentedEdit:
    shown = [*lines[:row], *lines[row + 1 :]]
    below = next((n for n in range(row, len(shown)) if shown[n].strip()), None)
    if below is not None and _depth(shown[below]) >= _depth(lines[row]):
        first, last = statement(shown, below) or (below, below)
        if first >= row:
            return CommentedEdit(instruction, row, last + 1, shown, first, last)
    depth = _depth(lines[row])
    head = next(
        (n for n in range(row)[::-1] if lines[n].strip() and _depth(lines[n]) < depth), None
    )
    around = statement(lines, head) if head is not None else None
    if around is not None:
        first, last = around[0], max(around[1], row)  # a comment at its end may stand outside
        return CommentedEdit(instruction, first, last, shown, first, last - 1)
    emptied = [*lines[:row], "", *lines[row + 1 :]]
    return CommentedEdit(instruction, row, row, emptied, row, row)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
