"""Draws the row of open files: which part of it fits, and where each name stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.visible_text import visible
from tui.visuals.inks import Inks

__all__ = ["Tab", "TabRow", "tab_names", "tab_row"]

_LONGEST = 32
"""Cells of a name; of a longer one the beginning is left out."""
_LEFT, _RIGHT = "‹", "›"
"""Stand at an end of the row behind which there are more."""


@dataclass(frozen=True, slots=True)
class Tab:
    """An open file."""

    name: str
    unsaved: bool = False


@dataclass(frozen=True, slots=True)
class TabRow:
    """A drawn row."""

    text: Text
    places: tuple[tuple[int, int, int], ...]
    """(first cell, cell behind the last, number of the tab) of every name in it."""

    def at(self, cell: int) -> int | None:
        """Return the number of the tab that a cell belongs to; None for none."""
        return next((number for start, end, number in self.places if start <= cell < end), None)


def tab_names(paths: Sequence[PurePath]) -> list[str]:
    """Return a name for each file: its own, with as many folders as tell it from the others."""
    shown = [1] * len(paths)
    while True:
        names = ["/".join(path.parts[-count:]) for path, count in zip(paths, shown, strict=True)]
        twice = [
            number
            for number, name in enumerate(names)
            if names.count(name) > 1 and shown[number] < len(paths[number].parts)
        ]
        if not twice:
            return names
        for number in twice:
            shown[number] += 1


def tab_row(tabs: Sequence[Tab], current: int, width: int, inks: Inks) -> TabRow:
    """Return the row of ``tabs`` that fits into ``width`` cells and shows the current one.

    Args:
        tabs: In their order.
        current: Number of the visible file; -1 if there is none.
        width: Cells.
        inks: The colours of the theme.
    """
    labels = [_label(tab) for tab in tabs]
    first = _first_shown([cell_len(label) for label in labels], current, width)
    text, places = Text(end="", no_wrap=True), []
    for number in range(first, len(labels)):
        start = text.cell_len
        room = width - start - (number < len(labels) - 1)
        if room < cell_len(labels[number]) and number > first:
            text.append(_RIGHT.rjust(width - start), style=inks.muted)
            break
        style = f"bold {inks.text} on {inks.ground}" if number == current else inks.muted
        text.append(set_cell_size(labels[number], min(room, cell_len(labels[number]))), style=style)
        places.append((start, text.cell_len, number))
        if tabs[number].unsaved:
            text.stylize(inks.caution, len(text) - 2, len(text) - 1)
    if first and text.plain:
        text = Text(_LEFT, style=inks.muted, end="", no_wrap=True).append_text(text[1:])
    return TabRow(text, tuple(places))


def _label(tab: Tab) -> str:
    """Return a name between spaces, with a mark if the file is unsaved."""
    name = visible(tab.name)
    while cell_len(name) > _LONGEST:
        name = f"…{name[2:]}"
    return f" {name} ● " if tab.unsaved else f" {name} "


def _first_shown(cells: Sequence[int], current: int, width: int) -> int:
    """Return the first tab of the row: as early as the current one fits in whole."""
    first = 0
    while first < current:
        more = current < len(cells) - 1
        if sum(cells[first : current + 1]) + more <= width:
            break
        first += 1
    return first
