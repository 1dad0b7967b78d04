"""The colours of text and figures by role, taken from the theme and passed to what draws."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual.color import Color, ColorParseError

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
    colours = {name: _hex(variables.get(name), spare) for name, spare in _FALLBACK.items()}
    ground, text = colours["surface"], colours["foreground"]
    return Inks(
        text=text,
        muted=blend(ground, text, 0.62),
        faint=blend(ground, text, 0.3),
        ground=ground,
        host=colours["secondary"],
        wafer=colours["accent"],
        good=colours["success"],
        caution=colours["warning"],
        bad=colours["error"],
    )


def _hex(value: str | None, spare: str) -> str:
    """Return ``value`` as ``#rrggbb``, or ``spare`` for a colour that the terminal chooses."""
    try:
        colour = Color.parse(value or spare)
    except ColorParseError:
        return spare
    return spare if colour.ansi is not None else colour.hex6.lower()
