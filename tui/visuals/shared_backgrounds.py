"""Keeps the styles of backgrounds by their colours alone, for all widgets together.

Textual keeps them by widget, too, so that a widget that is gone, as every notice soon is, stays in
memory with its drawn lines: about 9 kB (https://github.com/Textualize/textual/issues/6665).
"""

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style

__all__ = ["share_backgrounds"]

_KEPT = 1024


def share_backgrounds() -> None:
    """Let the widgets of this process share the styles; once more changes nothing."""
    by_widget = StylesCache.__dict__["get_inner_outer"]
    if isinstance(by_widget, staticmethod):
        return
    made: Any = by_widget.__wrapped__

    @lru_cache(_KEPT)
    def by_colours(base_background: Color, background: Color) -> tuple[Style, Style]:
        styles: tuple[Style, Style] = made(None, base_background, background)
        return styles

    setattr(StylesCache, "get_inner_outer", staticmethod(by_colours))  # noqa: B010  # mypy
