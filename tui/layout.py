"""Which parts of the screen are seen at a size, and how wide they are.  Pure."""

from dataclasses import dataclass

__all__ = ["FILL", "PANE_MODES", "Parts", "arrange"]

PANE_MODES = ("all", "wafer", "throughput", "memory")
"""What the right column shows; F3 goes through them."""

FILL = -1
"""As a height: all rows there are."""

_EDITOR_MIN = 40
"""Columns the editor keeps beside anything else."""
_TREE_FROM = 110
_PANES_FROM = 76
_ALL_PANES_FROM = 36
_TALL_FROM = 46
_TWO_PANES_FROM = 23


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that are seen; a width or height of 0 hides a part."""

    tree: int
    """Columns."""
    deck: bool
    panes: int
    """Columns."""
    wafer: bool
    """Takes the rows that the other panes leave."""
    throughput: int
    """Rows; `FILL` means all there are."""
    memory: int
    """Rows; `FILL` means all there are."""


def arrange(
    width: int, height: int, *, tree: bool | None, panes: bool | None, mode: str, newest: str
) -> Parts:
    """Return what is seen at ``width`` × ``height``.

    Args:
        width: Columns of the terminal.
        height: Rows of the terminal.
        tree: Whether the person wants the tree; None leaves it to the width.
        panes: The same for the panes.
        mode: One of `PANE_MODES`.
        newest: ``"tree"`` or ``"panes"``: what was asked for last wins when both cannot be.
    """
    tree_on = width >= _TREE_FROM if tree is None else tree
    panes_on = width >= _PANES_FROM if panes is None else panes
    tree_width = min(max(width // 5, 22), 34) if tree_on else 0
    share = 36 if mode == "all" else 48  # a pane alone gets more room
    panes_width = min(max(width * share // 100, 34), 96) if panes_on else 0
    if mode != "all" and panes_width:
        panes_width = max(34, min(panes_width, width - tree_width - _EDITOR_MIN))
    if tree_width and panes_width and width - tree_width - panes_width < _EDITOR_MIN:
        if newest == "panes":
            tree_width = 0
        else:
            panes_width = 0
    deck = width - tree_width - panes_width >= min(_EDITOR_MIN, width)
    if not deck:  # a small terminal shows one part at a time
        tree_width, panes_width = (width, 0) if tree_width else (0, width)
    throughput, memory = _pane_rows(height, mode)
    return Parts(
        tree=tree_width,
        deck=deck,
        panes=panes_width,
        wafer=mode in ("all", "wafer"),
        throughput=throughput,
        memory=memory,
    )


def _pane_rows(height: int, mode: str) -> tuple[int, int]:
    """Return the rows of the throughput and the memory pane, borders included."""
    if mode != "all":
        return FILL if mode == "throughput" else 0, FILL if mode == "memory" else 0
    if height >= _TALL_FROM:
        return 15, 13
    if height >= _ALL_PANES_FROM:
        return 11, 12
    return 7 if height >= _TWO_PANES_FROM else 0, 0
