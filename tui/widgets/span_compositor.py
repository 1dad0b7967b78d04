"""Paints of a screen only the cells that changed, and draws for that only what lies on top of them.

Textual's compositor draws every row of every widget in the smallest rectangle around all that
changed, those that lie behind others as well.  What is drawn is the same.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Offset, Region
from textual.strip import Strip
from textual.widget import Widget

__all__ = ["SpanCompositor"]

_Span = tuple[int, int]
"""First column, and the one after the last."""


class _Piece(NamedTuple):
    """Cells of one row of the screen, as one widget draws them."""

    y: int
    x: int
    strip: Strip


class _PiecesUpdate(CompositorUpdate):
    """What is written to paint some pieces."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for y, x, strip in self._pieces:
            yield Control.move_to(x, y).segment
            yield from strip

    def render_segments(self, console: Console) -> str:
        """Return the pieces as a terminal reads them."""
        return "".join(
            f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, x, strip in self._pieces
        )


class SpanCompositor(Compositor):
    """A compositor whose partial updates cost no more than what they change."""

    def render_partial_update(self) -> _PiecesUpdate | None:  # type: ignore[override]  # not chops
        """Return the update that paints all regions that changed; None if there are none."""
        regions = [each.intersection(self.size.region) for each in self._dirty_regions]
        self._dirty_regions.clear()
        bare: dict[int, list[_Span]] = {}
        for y, left, right in self._regions_to_spans(filter(None, regions)):
            bare.setdefault(y, []).append((left, right))
        pieces = sorted(self._cover(bare), key=lambda piece: (piece.y, piece.x))
        return _PiecesUpdate(pieces) if pieces else None

    def _cover(self, bare: dict[int, list[_Span]]) -> Iterator[_Piece]:
        """Yield what is seen in some spans, by row; those that are covered are taken out."""
        for widget, (region, clip) in self.visible_widgets.items():  # the topmost first
            for drawn in _drawn(widget, region.offset, region.intersection(clip), bare):
                yield from _seen(drawn, bare)
            if not bare:
                return


def _drawn(
    widget: Widget, origin: Offset, shown: Region, bare: dict[int, list[_Span]]
) -> Iterator[_Piece]:
    """Yield the rows of a widget that reach into some of the spans.

    Args:
        widget: The widget.
        origin: Where its first cell lies on the screen.
        shown: The part of the screen in which it may be seen.
        bare: The spans by row.
    """
    rows = [
        y
        for y, spans in bare.items()
        if shown.y <= y < shown.bottom
        and any(left < shown.right and shown.x < right for left, right in spans)
    ]
    for _, run in groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0]):
        first, *others = (y for _, y in run)
        region = Region(shown.x, first, shown.width, 1 + len(others))
        for y, strip in enumerate(widget.render_lines(region - origin), first):
            yield _Piece(y, shown.x, strip)


def _seen(drawn: _Piece, bare: dict[int, list[_Span]]) -> Iterator[_Piece]:
    """Yield what a row shows in the spans; only where it does not reach they stay bare."""
    y, x, strip = drawn
    rest = []
    for left, right in bare.pop(y, ()):
        start, end = max(left, x), min(right, x + strip.cell_length)
        if start < end:
            yield _Piece(y, start, strip.crop(start - x, end - x))
            rest += [each for each in ((left, start), (end, right)) if each[0] < each[1]]
        else:
            rest.append((left, right))
    if rest:
        bare[y] = rest
