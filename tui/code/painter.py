"""Draws the part of a line that is in view: text and ranges of style → segments of exact width.

Looks only at the visible columns, whatever the length of the line.
"""

from collections.abc import Sequence
from itertools import groupby

from rich.segment import Segment
from rich.style import Style

from engine.visible_text import visible
from tui.code.cells import columns_in_view

__all__ = ["StyleRange", "paint"]

StyleRange = tuple[int, int, Style]
"""First column, column after the last, style to lay over the others."""


def paint(
    text: str,
    ranges: Sequence[StyleRange],
    base: Style,
    *,
    left: int,
    width: int,
    tab_width: int,
    fill: Style | None = None,
) -> list[Segment]:
    """Return segments that cover the cells ``left`` to ``left + width`` - 1 of a line.

    Args:
        text: The line.  One more column, a space after the end, may be styled (the cursor).
        ranges: Styles by column, later ones over earlier ones.
        base: The style under all of them.
        left: First cell in view.
        width: Number of cells in view.
        tab_width: Cells between tab stops.
        fill: The style after the text; None means ``base``.
    """
    if width <= 0:
        return []
    right = left + width
    first, offsets = columns_in_view(text, left, right, tab_width)
    last = first + len(offsets) - 1
    text = text[first:last]
    if offsets[-1] < right:  # all of the rest is in view, and the cursor may stand after it
        text, offsets, last = f"{text} ", (*offsets, offsets[-1] + 1), last + 1
    styles = _styles(ranges, base, first, last)
    pieces = _pieces(text, offsets, left, right)
    segments = [
        Segment("".join(piece for piece, _ in run), style)
        for style, run in groupby(zip(pieces, styles, strict=True), key=lambda pair: pair[1])
    ]
    drawn = max(0, min(offsets[-1], right) - left)
    if drawn < width:
        segments.append(Segment(" " * (width - drawn), fill or base))
    return segments


def _styles(ranges: Sequence[StyleRange], base: Style, first: int, last: int) -> list[Style]:
    """Return the style of each column from ``first`` to ``last`` - 1."""
    styles = [base] * (last - first)
    for start, end, style in ranges:
        for index in range(max(start, first) - first, min(end, last) - first):
            styles[index] = styles[index] + style
    return styles


def _pieces(text: str, offsets: Sequence[int], left: int, right: int) -> list[str]:
    """Return what each column draws; a tab, or a wide character cut by the view, becomes spaces.

    The first column of a grapheme draws all of it.
    """
    pieces = [""] * len(text)
    whole: int | None = None  # the column that draws the grapheme, if all of it is in view
    for index, character in enumerate(visible(text, kept="\t")):
        start, end = offsets[index], offsets[index + 1]
        if start == end:
            if whole is not None:
                pieces[whole] += character
        elif character == "\t" or start < left or end > right:
            pieces[index] = " " * (min(end, right) - max(start, left))
            whole = None
        else:
            pieces[index] = character
            whole = index
    # A joiner with nothing to join would take what follows it for its own.
    return [piece.rstrip("\u200d") for piece in pieces]
