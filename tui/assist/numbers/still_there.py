"""Whether a text that was accepted is still in a file, near where it was put.  Pure.

Copilot's measure (vscode-copilot-chat, ``postInsertion.ts``): words and signs of the text are
aligned with the best place near by, and less than half of them may have been edited.
"""

import re
from collections.abc import Sequence

__all__ = ["Planted", "is_still_there"]

_WORD = re.compile(r"\w+|[^\w\s]")
_MOST_EDITED = 0.5
_NEAR_ROWS = 3
_FAR_ROWS = 60
"""Rows around the place that are looked at: near ones first, which is quick."""
_MOST_ROWS = 600
"""Rows between the two ends of where the text may have moved to; farther apart, it is looked for
at both ends."""
_MOST_WORDS = 250
"""Words of a text that are compared: its beginning."""


class Planted:
    """A text that was put into a file, and where.

    Edits above it move it down, edits below do not; so its row is known from the top and from the
    end, and it lies between the two.

    Args:
        text: What was put in.
        row: Row of its first line.
        rows: Rows of the file then, with the text in it.
    """

    def __init__(self, text: str, row: int, rows: int) -> None:
        self.text = text
        self.row = row
        self._below = rows - row

    def extend(self, text: str) -> None:
        """Go on with more text at its end."""
        self.text += text
        self._below += text.count("\n")

    def windows(self, rows: int, margin: int) -> list[tuple[int, int]]:
        """Return the ranges (first row, row after the last) of a file of ``rows`` to look into."""
        height = self.text.count("\n") + 1
        low, high = sorted((self.row, rows - self._below))
        ends = [(low, high + height)]
        if high - low > _MOST_ROWS:
            ends = [(low, low + height), (high, high + height)]
        return [(max(0, first - margin), min(rows, last + margin)) for first, last in ends]


def is_still_there(planted: Planted, lines: Sequence[str]) -> bool:
    """Return whether less than half of the text was edited since.

    Args:
        planted: The text and its place.
        lines: The file as it is now.
    """
    needle = _WORD.findall(planted.text)[:_MOST_WORDS]
    if not needle:
        return False
    for margin in (_NEAR_ROWS, _FAR_ROWS):
        for first, last in planted.windows(len(lines), margin):
            if _edits(needle, _WORD.findall("\n".join(lines[first:last]))) < _MOST_EDITED * len(
                needle
            ):
                return True
    return False


def _edits(needle: Sequence[str], hay: Sequence[str]) -> int:
    """Return the least edits that make ``needle`` a run of words somewhere in ``hay``.

    Levenshtein's distance with a free beginning and a free end (Sellers 1980).
    """
    row = [0] * (len(hay) + 1)
    for index, word in enumerate(needle, 1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(hay, 1):
            above = row[column]
            row[column] = min(diagonal + (word != other), above + 1, row[column - 1] + 1)
            diagonal = above
    return min(row)
