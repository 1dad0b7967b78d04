"""Styles whose text can be read on what it stands on.  Pure.

Colours that the terminal chooses (the sixteen of a terminal's own, and its default) stay as they
are: nobody tells what they look like.
"""

from collections.abc import Mapping
from functools import lru_cache

from rich.color import Color
from rich.style import Style

from tui.visuals.contrast import readable

__all__ = ["legible", "legible_styles"]


def legible(style: Style, ground: str) -> Style:
    """Return a style with the nearest colour of text that can be read on its background.

    Args:
        style: With a background of its own, or none.
        ground: What the text stands on in the latter case, as ``#rrggbb``.
    """
    behind = ground if style.bgcolor is None else _hex(style.bgcolor)
    colour = None if style.color is None else _hex(style.color)
    if behind is None or colour is None:
        return style
    wanted = _readable(colour, behind)
    return style if wanted == colour else style + Style(color=wanted)


def legible_styles(styles: Mapping[str, Style], ground: str) -> dict[str, Style]:
    """Return the same for styles by name."""
    return {name: legible(style, ground) for name, style in styles.items()}


_readable = lru_cache(maxsize=4096)(readable)  # rows of code ask for the same few


def _hex(colour: Color) -> str | None:
    """Return a colour as ``#rrggbb``; None if the terminal chooses it."""
    return None if colour.triplet is None else colour.triplet.hex
