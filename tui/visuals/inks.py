"""The colours of text and figures by role, taken from the theme and passed to what draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from textual.color import Color, ColorParseError

from tui.visuals.palette import blend

__all__ = ["Inks", "contrast", "inks_from", "readable"]

_LEAST_CONTRAST = 4.5
"""Of text and its ground: WCAG 2.1, level AA."""

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


def inks_from(variables: Mapping[str, str]) -> Inks:
    """Return the inks of a theme's variables; a colour that is no RGB value gets a default."""
    return _made(tuple(variables.get(name) for name in _FALLBACK))


@lru_cache(maxsize=8)
def _made(given: tuple[str | None, ...]) -> Inks:
    """Return the inks of the variables that `_FALLBACK` names; every line of a picture asks."""
    named = zip(_FALLBACK.items(), given, strict=True)
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
    )


def readable(colour: str, ground: str) -> str:
    """Return the nearest colour, towards black or white, that text on a ground can have.

    Example:
        >>> readable("#ffff00", "#ffffff")
        '#737300'
    """
    extreme = max(("#000000", "#ffffff"), key=lambda end: contrast(end, ground))
    for percent in range(0, 100, 5):
        nearer = blend(colour, extreme, percent / 100)
        if contrast(nearer, ground) >= _LEAST_CONTRAST:
            return nearer
    return extreme


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two hex colours, 1 to 21, as WCAG 2.1 defines it."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a hex colour, 0 to 1 (WCAG 2.1)."""
    red, green, blue = (_linear(value / 255) for value in bytes.fromhex(colour.lstrip("#")))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _hex(value: str | None, spare: str) -> str:
    """Return ``value`` as ``#rrggbb``, or ``spare`` for a colour that the terminal chooses."""
    try:
        colour = Color.parse(value or spare)
    except ColorParseError:
        return spare
    return spare if colour.ansi is not None else colour.hex6.lower()
