"""Decides which parts of the screen are visible at a size, and how large they are.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["ALL_PANES", "FILL", "PaneRows", "Parts", "Wishes", "arrange", "pane_rows"]

ALL_PANES = "all"
"""The mode in which the right column shows every pane that has room."""

FILL = -1
"""As a height: all rows there are."""

_EDITOR_WANTS = 100
"""Columns that the editor gets before tree and panes get more than their least."""
_EDITOR_MIN = 40
"""Columns that the editor keeps beside anything else."""
_PANES_FROM = 120
"""Columns of a terminal that shows the panes unasked."""
_PANES = (34, 96)
_BESIDE_PERCENT = 45
"""The share of the terminal that a pane beside the editor gets where it has the column alone."""
_TREE = (22, 34)
"""The fewest and the most columns of a part."""
_OVER_PERCENT = 30
"""The share of the terminal that a tree over the editor gets."""
_STATUS_ROWS = 1


@dataclass(frozen=True, slots=True)
class PaneRows:
    """The rows of the right column that a pane takes beside other panes, borders included."""

    by_height: tuple[tuple[int, int], ...] = ()
    """(rows of the terminal, rows of the pane), the tallest terminal first: from that height on the
    pane takes so many rows.  It is hidden in a lower terminal.  Empty: it takes what is left."""
    minimum: int = 0
    """Rows that the other panes leave to a pane that takes what is left."""
    alone: bool = False
    """Whether it is shown alone or not at all."""
    beside: str = ""
    """Name of the pane above it that is shown with it where it is shown alone; empty: none."""

    def at(self, height: int) -> int:
        """Return the rows of the pane in a terminal of ``height`` rows."""
        if self.alone:
            return 0
        if not self.by_height:
            return FILL
        return next((rows for terminal, rows in self.by_height if height >= terminal), 0)


@dataclass(slots=True)
class Wishes:
    """What the person wants to see."""

    tree: bool | None = None
    """Whether to show the tree; None leaves it to the width of the terminal."""
    panes: bool | None = None
    """The same for the panes."""
    mode: str = ALL_PANES
    """`ALL_PANES`, or the name of the pane to show alone."""
    beside: str = ""
    """Name of the pane that has the right column to itself; empty: none."""
    newest: Literal["tree", "panes"] = "panes"
    """What was asked for last; it wins when both have no room."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The visible parts; a width or height of 0 hides a part."""

    tree: int
    """Columns."""
    deck: bool
    panes: int
    """Columns."""
    pane_rows: Mapping[str, int]
    """Rows by the name of the pane; `FILL` means all there are."""
    tree_over: bool = False
    """Whether the tree lies over the editor, which keeps its columns."""


def arrange(
    width: int,
    height: int,
    wishes: Wishes,
    panes: Mapping[str, PaneRows],
    *,
    code: bool = True,
) -> Parts:
    """Return what is visible at ``width`` × ``height``.

    Code has its columns first: a tree that is asked for and would take some of them lies over the
    editor.  In a small terminal, where little of the editor would be seen, one part is all.

    Args:
        width: Columns of the terminal.
        height: Rows of the terminal.
        wishes: What the person wants to see.
        panes: The rows each pane takes, by name, from top to bottom.
        code: Whether a file is open; without one the editor wants no room.
    """
    if wishes.mode != ALL_PANES:  # one pane is the whole screen
        rows = pane_rows(height, wishes.mode, panes)
        return Parts(tree=0, deck=False, panes=width, pane_rows=rows)
    rows = pane_rows(height, wishes.beside or ALL_PANES, panes)
    panes_on = width >= _PANES_FROM if wishes.panes is None else wishes.panes
    panes_on = panes_on or bool(wishes.beside)
    panes_least = _PANES[0] if panes_on else 0
    if wishes.beside:
        panes_least = _within(_PANES, width * _BESIDE_PERCENT // 100)
    tree_from = (_EDITOR_WANTS if code else _EDITOR_MIN) + panes_least + _TREE[0]
    tree_on = width >= tree_from if wishes.tree is None else wishes.tree
    if width < _EDITOR_MIN + _TREE[0] and tree_on and panes_on:
        tree_on, panes_on = wishes.newest == "tree", wishes.newest == "panes"
    over = tree_on and _EDITOR_MIN + _TREE[0] <= width < tree_from
    tree_width, panes_width = _side_columns(width, tree=tree_on and not over, panes=panes_on)
    if panes_on:
        panes_width = max(panes_width, panes_least)
    if over and width - panes_width >= _EDITOR_MIN:
        tree_width = _within(_TREE, width * _OVER_PERCENT // 100)
        return Parts(tree_width, True, panes_width, rows, tree_over=True)
    deck = width - tree_width - panes_width >= min(_EDITOR_MIN, width)
    if not deck:  # a small terminal shows one part at a time
        tree_width, panes_width = (width, 0) if tree_width else (0, width)
    return Parts(tree=tree_width, deck=deck, panes=panes_width, pane_rows=rows)


def _side_columns(width: int, *, tree: bool, panes: bool) -> tuple[int, int]:
    """Return the columns of the tree and of the panes, of what the editor leaves over."""
    spare = width - _EDITOR_WANTS
    tree_width = _within(_TREE, spare * 35 // 100) if tree else 0
    return tree_width, _within(_PANES, spare - tree_width) if panes else 0


def _within(bounds: tuple[int, int], columns: int) -> int:
    return min(max(columns, bounds[0]), bounds[1])


def pane_rows(height: int, mode: str, panes: Mapping[str, PaneRows]) -> dict[str, int]:
    """Return the rows of every pane, by name.

    Args:
        height: Rows of the terminal.
        mode: `ALL_PANES`, or the name of the pane to show alone.
        panes: The rows each pane takes, by name, from top to bottom.

    Where all together leave too little to those that take the rest, the last ones are hidden.
    """
    if mode != ALL_PANES:
        shown = {mode, panes[mode].beside}
        return {name: FILL if name in shown else 0 for name in panes}
    rows = {name: kind.at(height) for name, kind in panes.items()}
    kept = sum(kind.minimum for name, kind in panes.items() if rows[name] == FILL)
    room = max(0, height - _STATUS_ROWS - kept)
    for name in reversed(rows):
        if sum(count for count in rows.values() if count != FILL) <= room:
            break
        if rows[name] != FILL:
            rows[name] = 0
    return rows
