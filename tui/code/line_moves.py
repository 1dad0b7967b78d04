"""Moves, copies and joins whole lines.  Pure functions of lists of lines."""

from collections.abc import Sequence

__all__ = ["joined", "moved"]


def moved(lines: Sequence[str], top: int, bottom: int, by: int) -> tuple[int, list[str]] | None:
    """Return what changes when the lines ``top`` to ``bottom`` move past a neighbour.

    Args:
        lines: All of the text.
        top: First line that moves.
        bottom: Last line that moves.
        by: -1 moves up, 1 down.

    Returns:
        The first changed line and the new lines from there on; None at the end of the text.

    Example:
        >>> moved(["a", "b", "c"], 1, 1, -1)
        (0, ['b', 'a'])
    """
    if by < 0:
        return (top - 1, [*lines[top : bottom + 1], lines[top - 1]]) if top else None
    if bottom + 1 >= len(lines):
        return None
    return top, [lines[bottom + 1], *lines[top : bottom + 1]]


def joined(lines: Sequence[str]) -> tuple[str, int]:
    """Return lines as one, with single spaces between them, and the column of the last seam.

    No space stands after an opening bracket or before a closing one.

    Example:
        >>> joined(["f(", "    a,", "    b)"])
        ('f(a, b)', 4)
    """
    text, seam = lines[0], len(lines[0])
    for line in lines[1:]:
        text, piece = text.rstrip(), line.strip()
        glued = not text or not piece or text[-1] in "([{" or piece[0] in ")]}"
        seam = len(text)
        text = f"{text}{'' if glued else ' '}{piece}" if text.strip() else text + piece
    return text, seam
