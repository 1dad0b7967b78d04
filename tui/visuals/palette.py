"""The colours of core states and of memory uses; map, legend and bars share them."""

from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.style import Style

__all__ = [
    "AMOUNT_COLOUR",
    "CHANGE_COLOURS",
    "LEVELS",
    "OWNER_COLOURS",
    "STATE_COLOURS",
    "USE_COLOURS",
    "Palette",
    "blend",
    "palette_for",
    "shades",
    "terminal_colour",
]

LEVELS = 16
"""Steps of brightness per hue: few, so that equal neighbours merge into one segment."""

STATE_COLOURS = ("#f2b84b", "#5cc8b4", "#6ea8f7", "#a78bda", "#e8707c", "#39434f")
"""Hex colour per state, in the order of `engine.STATES`; the last is idle."""

USE_COLOURS = {"code": "#8592a3", "weights": "#6ea8f7", "kv": "#f2b84b", "buffers": "#5cc8b4"}
"""Hex colour per use of a core's SRAM."""

OWNER_COLOURS = ("#6ea8f7", "#f2b84b", "#5cc8b4", "#e8707c", "#a78bda", "#b7c96a")
"""Hex colours that regions take in turn, by number: neighbours in the stream differ."""

AMOUNT_COLOUR = "#f2b84b"
"""Of a map that shows how much of one thing there is."""

CHANGE_COLOURS = ("#f2b84b", "#6ea8f7")
"""Of a difference: more than before, less than before."""

_TERMINAL = {
    "#f2b84b": "#aa5500",
    "#5cc8b4": "#00aaaa",
    "#6ea8f7": "#5555ff",
    "#a78bda": "#aa00aa",
    "#e8707c": "#aa0000",
    "#b7c96a": "#00aa00",
    "#39434f": "#555555",
}
"""Of sixteen colours the nearest to each of ours; no two are the same.  By red, green and blue as
Rich knows them, not by name: names pass Textual's table of a theme, in which red is magenta."""

_SHADES = "░▒▓█"
"""Steps of brightness where colours cannot be mixed, from dark to bright."""
_IDLE_SIGN = "·"
_EDGE_SIGN = "+"
"""An idle core, and one on the outline of a region."""

_DARKEST = 0.22
"""Share of the hue at the lowest level: enough to tell it from idle and from no core."""
_LINE = 0.35
"""Share of the line's colour in a cell on the outline of a region."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by index: 0 is no core, 1 is idle, then come `LEVELS` steps per hue.

    The second half are the same colours on the outline of a region.
    """

    colours: tuple[Color, ...]
    styles: dict[int, Style]
    """Cell styles made so far, by ``upper * len(colours) + lower``."""
    shaded: bool = False
    """Whether brightness is a character's: each hue has one colour, and a cell shows the stronger
    of its two pixels."""

    @property
    def outlined(self) -> int:
        """What to add to an index for the same colour on an outline."""
        return len(self.colours) // 2

    def cell(self, code: int) -> Style:
        """Return the style of a half-block cell: upper colour in front, lower behind."""
        style = self.styles.get(code)
        if style is None and self.shaded:
            colour = self.colours[self._stronger(code)]
            style = self.styles[code] = Style(color=colour, bold=False)
        if style is None:
            upper, lower = divmod(code, len(self.colours))
            style = Style(color=self.colours[upper], bgcolor=self.colours[lower])
            self.styles[code] = style
        return style

    def sign(self, code: int) -> str:
        """Return the character of a shaded cell."""
        index = self._stronger(code)
        edge, index = divmod(index, self.outlined)
        if index < 2:
            return _EDGE_SIGN if edge else (" ", _IDLE_SIGN)[index]
        return _SHADES[(index - 2) % LEVELS * len(_SHADES) // LEVELS]

    def _stronger(self, code: int) -> int:
        """Return the index of the stronger pixel of a cell: more of its hue, else any core."""
        return max(divmod(code, len(self.colours)), key=self._strength)

    def _strength(self, index: int) -> tuple[int, int]:
        edge, index = divmod(index, self.outlined)
        return (index if index < 2 else 2 + (index - 2) % LEVELS), edge


def terminal_colour(colour: str) -> str:
    """Return the one of sixteen colours that stands for one of ours.

    Raises:
        KeyError: It is none of ours.
    """
    return _TERMINAL[colour]


def shades(count: int) -> str:
    """Return a scale of so many characters from dark to bright."""
    return "".join(_SHADES[step * len(_SHADES) // max(1, count)] for step in range(count))


@lru_cache(maxsize=16)
def palette_for(
    background: str,
    dimmed: bool = False,
    hues: tuple[str, ...] = STATE_COLOURS[:-1],
    line: str = "#ccd3dc",
    terminal_ground: bool = False,
    few_colours: bool = False,
) -> Palette:
    """Return the palette over a background.

    Args:
        background: Hex colour of the pane, ``#rrggbb``.
        dimmed: Whether it is for a picture of the past, with every colour nearer to the background.
        hues: Hex colours; at most seven, since an index is a byte.
        line: Hex colour of outlines.
        terminal_ground: Whether what is no core keeps the background that the terminal has.
        few_colours: Whether to shade with characters in sixteen colours.
    """
    if few_colours:
        return _shaded(hues)
    strength = 0.4 if dimmed else 1.0
    colours = [background, blend(background, STATE_COLOURS[-1], 0.75 * strength)]
    for hue in hues:
        for level in range(LEVELS):
            share = _DARKEST + (1 - _DARKEST) * level / (LEVELS - 1)
            colours.append(blend(background, hue, share * strength))
    colours += [blend(colour, line, _LINE * strength) for colour in colours]
    parsed = [Color.parse(colour) for colour in colours]
    if terminal_ground:
        parsed[0] = Color.default()
    return Palette(tuple(parsed), {})


def _shaded(hues: tuple[str, ...]) -> Palette:
    """Return the palette in sixteen colours; an outline is of the text's colour."""
    faint = terminal_colour(STATE_COLOURS[-1])
    inside = ["default", faint, *(terminal_colour(hue) for hue in hues for _ in range(LEVELS))]
    edges = ["default", "default", *inside[2:]]
    return Palette(tuple(Color.parse(name) for name in (*inside, *edges)), {}, shaded=True)


def blend(background: str, colour: str, share: float) -> str:
    """Return ``share`` of ``colour`` over ``background``, all hex; 0 is the background."""
    under, over = (bytes.fromhex(value.lstrip("#")) for value in (background, colour))
    mixed = (round(low + (high - low) * share) for low, high in zip(under, over, strict=True))
    return "#" + bytes(mixed).hex()
