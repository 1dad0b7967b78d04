"""The kinds of a wafer map: what its colours can mean, in words.  No NumPy: for keys and help."""

from dataclasses import dataclass

from engine import STATES
from tui.visuals.palette import AMOUNT_COLOUR, CHANGE_COLOURS, OWNER_COLOURS, STATE_COLOURS

__all__ = ["IDLE", "MAP_KINDS", "MapKind", "kind_named"]

IDLE = len(STATES) - 1
"""The number of the state that is none of work or waiting."""


@dataclass(frozen=True, slots=True)
class MapKind:
    """One meaning of the colours."""

    name: str
    """One word, on the border."""
    hues: tuple[str, ...]
    still: str = ""
    """What the engine is asked for of every cell; empty: counters of intervals suffice."""
    least: str = ""
    most: str = ""
    """What the darkest and the brightest colour stand for; empty: the legend is of states."""


MAP_KINDS = (
    MapKind("state", STATE_COLOURS[:-1]),
    MapKind("work", (AMOUNT_COLOUR,), "", "0.1 % of cycles", "all cycles at work"),
    MapKind("links", (AMOUNT_COLOUR,), "links", "0.1 % of busiest", "busiest"),
    MapKind("SRAM", (AMOUNT_COLOUR,), "sram", "empty", "full"),
    MapKind("owner", OWNER_COLOURS),
    MapKind("age", (AMOUNT_COLOUR,), "age", "a token ago", "active last"),
    MapKind("change", CHANGE_COLOURS, "marked", "", ""),
)
"""In the order in which a key shows them."""


def kind_named(name: str) -> MapKind:
    """Return the kind of a name.

    Raises:
        KeyError: There is none.
    """
    return {kind.name: kind for kind in MAP_KINDS}[name]
