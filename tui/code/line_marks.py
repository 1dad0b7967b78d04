"""Marks that others put on the lines of a text: ranges of columns, and signs in the margin.

Holds them by layer and row, and moves them along when lines come or go.  Knows neither the widget
that draws them nor what they mean: a mark has the name of a style.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from tui.code.highlights import Span

__all__ = ["LineMarks", "MarkLayer", "Sign"]

_Mark = TypeVar("_Mark")


class Sign(NamedTuple):
    """One character in the margin, right of the line's number."""

    place: int
    """0 or 1: the first or the second cell after the number."""
    character: str
    style: str
    """Name of its style."""


@dataclass(frozen=True, slots=True)
class MarkLayer:
    """What one part of the app marks; a row that is in neither has no mark of it."""

    spans: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    """By row: first column, column after the last, name of the style."""
    signs: Mapping[int, Sign] = field(default_factory=dict)
    """By row."""

    def moved(self, row: int, lines: int) -> "MarkLayer":
        """Return the layer after ``lines`` lines came below ``row``, or went if negative."""
        return MarkLayer(_moved(self.spans, row, lines), _moved(self.signs, row, lines))


class LineMarks:
    """The layers of one text, later ones drawn over earlier ones."""

    def __init__(self) -> None:
        self._layers: dict[str, MarkLayer] = {}
        self._spans: dict[int, tuple[Span, ...]] = {}
        self._signs: dict[int, tuple[Sign, ...]] = {}

    def put(self, name: str, layer: MarkLayer) -> bool:
        """Replace a layer; return whether that changes anything."""
        if self._layers.get(name, MarkLayer()) == layer:
            return False
        self._layers[name] = layer
        self._gather()
        return True

    def move(self, row: int, lines: int) -> None:
        """Move what is below ``row`` by ``lines`` lines."""
        if lines:
            self._layers = {name: each.moved(row, lines) for name, each in self._layers.items()}
            self._gather()

    def spans(self, row: int) -> tuple[Span, ...]:
        """Return the marked ranges of a row, in the order of drawing."""
        return self._spans.get(row, ())

    def signs(self, row: int) -> tuple[Sign, ...]:
        """Return the signs of a row."""
        return self._signs.get(row, ())

    def _gather(self) -> None:
        """Put together what each row has of all layers: rows are asked for with every key."""
        spans: dict[int, tuple[Span, ...]] = {}
        signs: dict[int, tuple[Sign, ...]] = {}
        for layer in self._layers.values():
            for row, of_row in layer.spans.items():
                spans[row] = (*spans.get(row, ()), *of_row)
            for row, sign in layer.signs.items():
                signs[row] = (*signs.get(row, ()), sign)
        self._spans, self._signs = spans, signs


def _moved(marks: Mapping[int, _Mark], row: int, lines: int) -> dict[int, _Mark]:
    """Return ``marks`` with those below ``row`` moved; those of lines that went are left out."""
    return {
        (at if at <= row else at + lines): mark
        for at, mark in marks.items()
        if at <= row or at + lines > row
    }
