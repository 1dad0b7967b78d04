"""The colours of core states and of memory uses; map, legend and bars share them."""

from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.style import Style

__all__ = ["LEVELS", "STATE_COLOURS", "USE_COLOURS", "Palette", "blend", "palette_for"]

LEVELS = 16
"""Steps of brightness per hue: few, so that equal neighbours merge into one segment."""

STATE_COLOURS = ("#f2b84b", "#5cc8b4", "#6ea8f7", "#a78bda", "#e8707c", "#39434f")
"""Hex colour per state, in the order of `engine.STATES`; the last is idle."""

USE_COLOURS = {"code": "#8592a3", "weights": "#6ea8f7", "kv": "#f2b84b", "buffers": "#5cc8b4"}
"""Hex colour per use of a core's SRAM."""

_DARKEST = 0.22
"""Share of the hue at the lowest level: enough to tell it from idle and from no core."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by index: 0 is no core, 1 is idle, then come `LEVELS` steps per state but idle."""

    colours: tuple[Color, ...]
    styles: dict[int, Style]
    """Cell styles made so far, by ``upper * len(colours) + lower``."""

    def cell(self, code: int) -> Style:
        """Return the style of a half-block cell: upper colour in front, lower behind."""
        style = self.styles.get(code)
        if style is None:
            upper, lower = divmod(code, len(self.colours))
            style = Style(color=self.colours[upper], bgcolor=self.colours[lower])
            self.styles[code] = style
        return style


@lru_cache(maxsize=8)
def palette_for(background: str, dimmed: bool = False) -> Palette:
    """Return the palette over a background.

    Args:
        background: Hex colour of the pane, ``#rrggbb``.
        dimmed: Whether it is for a picture of the past, with every colour nearer to the background.
    """
    strength = 0.4 if dimmed else 1.0
    colours = [background, blend(background, STATE_COLOURS[-1], 0.75 * strength)]
    for hue in STATE_COLOURS[:-1]:
        for level in range(LEVELS):
            share = _DARKEST + (1 - _DARKEST) * level / (LEVELS - 1)
            colours.append(blend(background, hue, share * strength))
    return Palette(tuple(Color.parse(colour) for colour in colours), {})


def blend(background: str, colour: str, share: float) -> str:
    """Return ``share`` of ``colour`` over ``background``, all hex; 0 is the background."""
    under, over = (bytes.fromhex(value.lstrip("#")) for value in (background, colour))
    mixed = (round(low + (high - low) * share) for low, high in zip(under, over, strict=True))
    return "#" + bytes(mixed).hex()
