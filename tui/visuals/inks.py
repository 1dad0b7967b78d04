"""The colours of text and figures by role, taken from the theme and passed to what draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from textual.color import Color, ColorParseError

from tui.visuals.contrast import readable
from tui.visuals.palette import blend

__all__ = ["Inks", "inks_from"]

_FALLBACK = {
    "foreground": "#ccd3dc",
    "surface": "#141920",
    "primary": "#6ea8f7",
    "secondary": "#5cc8b4",
    "accent": "#f2b84b",
    "success": "#7fc98f",
    "warning": "#f2b84b",
    "error": "#e8707c",
}
"""For a theme without a colour of its own for a role."""

_OF_THE_TERMINAL = {True: ("#000000", "#ccd3dc"), False: ("#ffffff", "#24292f")}
"""Ground and text where the terminal chooses both, by whether they are dark: assumed, as nobody
tells what they are."""


@dataclass(frozen=True, slots=True)
class Inks:
    """Hex colours by role."""

    text: str
    muted: str
    faint: str
    ground: str
    """The background of a pane."""
    host: str
    """Figures in host time, measured."""
    wafer: str
    """Figures in wafer time, emulated."""
    good: str
    caution: str
    bad: str
    terminal_ground: bool = False
    """Whether the terminal chooses the background: pictures leave it as it is there, and ``ground``
    is what colours are mixed with."""
    few_colours: bool = False
    """Whether there are the terminal's own sixteen colours or fewer: pictures shade with characters
    instead of mixing colours."""


def inks_from(
    variables: Mapping[str, str], *, dark: bool = True, few_colours: bool = False
) -> Inks:
    """Return the inks of a theme's variables; a colour that is no RGB value gets a default.

    Args:
        variables: Of the theme.
        dark: Whether it is one for a dark screen: tells the ground where the terminal chooses it.
        few_colours: Whether the terminal has sixteen colours at most.  A theme of the terminal's
            own colours is one of these, whatever the terminal has.
    """
    return _made(tuple(variables.get(name) for name in _FALLBACK), dark, few_colours)


@lru_cache(maxsize=8)
def _made(given: tuple[str | None, ...], dark: bool, few_colours: bool) -> Inks:
    """Return the inks of the variables that `_FALLBACK` names; every line of a picture asks."""
    spares = dict(_FALLBACK)
    terminal_ground = given[list(_FALLBACK).index("surface")] == "transparent"
    if terminal_ground:
        spares["surface"], spares["foreground"] = _OF_THE_TERMINAL[dark]
    named = zip(spares.items(), given, strict=True)
    colours = {name: _hex(value, spare) for (name, spare), value in named}
    ground, text = colours["surface"], colours["foreground"]
    return Inks(
        text=readable(text, ground),
        muted=readable(blend(ground, text, 0.62), ground),
        faint=blend(ground, text, 0.3),
        ground=ground,
        host=readable(colours["secondary"], ground),
        wafer=readable(colours["accent"], ground),
        good=readable(colours["success"], ground),
        caution=readable(colours["warning"], ground),
        bad=readable(colours["error"], ground),
        terminal_ground=terminal_ground,
        few_colours=few_colours or terminal_ground,
    )


def _hex(value: str | None, spare: str) -> str:
    """Return ``value`` as ``#rrggbb``, or ``spare`` for a colour that the terminal chooses."""
    try:
        colour = Color.parse(value or spare)
    except ColorParseError:
        return spare
    return spare if colour.ansi is not None or not colour.a else colour.hex6.lower()
